"""The part of ``GET /v1/status`` that tells about the evidence."""

from typing import Any, Final

from antifraud.killswitch.coverage import Coverage
from antifraud.killswitch.status import find_warnings
from serving.store.port import DecisionStore

RECENT_DAYS: Final = 28
"""Closed days that the coverage is about."""
NO_EVIDENCE: Final[dict[str, Any]] = {"evidence": [], "coverage": None, "warnings": []}
"""The answer while the service's own store is not there."""


def describe_evidence(store: DecisionStore, serving: str | None) -> dict[str, Any]:
    """Return evidence, coverage and warnings; `serving` is the release of the worker that answers."""
    evidence, eras, last = store.evidence(), store.eras(), store.closed_day()
    closed = [cohort for cohort in store.cohorts() if last - RECENT_DAYS < cohort.timely.day <= last]
    return {
        "evidence": list(evidence.values()),
        "coverage": Coverage.of(cohort.latest for cohort in closed).describe() if closed else None,
        "warnings": find_warnings(evidence, eras, serving, [(each.timely, each.latest) for each in closed]),
    }
