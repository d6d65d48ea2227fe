"""The part of ``GET /v1/status`` that tells about the evidence."""

from typing import Any, Final

from antifraud.killswitch.coverage import Coverage
from antifraud.killswitch.machine import Level
from serving.guard.warning import RECENT_DAYS
from serving.store.port import DecisionStore
from serving.store.signals import ALARMS
from serving.worker.reports import read_measurements

NO_EVIDENCE: Final[dict[str, Any]] = {"evidence": [], "coverage": None, "warnings": []}
"""The answer while the service's own store is not there."""


def describe_evidence(store: DecisionStore) -> dict[str, Any]:
    """Return evidence, coverage, and the warnings that the guard has raised about it."""
    evidence, last = store.evidence(), store.closed_day()
    alarms = read_measurements(store.reports().get(ALARMS))
    closed = [cohort for cohort in store.cohorts() if last - RECENT_DAYS < cohort.timely.day <= last]
    return {
        "evidence": list(evidence.values()),
        "coverage": Coverage.of(cohort.latest for cohort in closed).describe() if closed else None,
        "warnings": [each["words"] for each in alarms.values() if each["level"] != Level.NONE],
    }
