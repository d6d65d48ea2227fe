"""The lease of a cluster: which run has it and until when, as the cluster's name and labels tell everyone."""

import hashlib
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from antifraud.settings.cloud import CloudSettings

OWNER: Final = "antifraud-deployment"
RUN: Final = "antifraud-run"
UNTIL: Final = "antifraud-until"
KEYS: Final = uuid.UUID("6f0f3f4e-53a1-5b3c-9b0e-0d5b4c8a9e21")
"""Namespace of the idempotency keys; any fixed UUID does."""
DIGITS: Final = 10
"""Hexadecimal digits of a run's digest in a name of at most 63 characters."""


@dataclass(frozen=True, slots=True)
class Lease:
    """The right of one run of a DAG to one cluster, until a second in UTC."""

    deployment: str
    dag: str
    run: str
    """Airflow's id of the run."""
    until: int

    @property
    def digest(self) -> str:
        """The run in short: a label cannot hold the characters of its id."""
        return hashlib.sha256(f"{self.dag}/{self.run}".encode()).hexdigest()[:DIGITS]

    @property
    def name(self) -> str:
        """Name of the run's cluster, the same for every attempt.

        >>> Lease("prototype", "lake", "scheduled__2026-02-03", 0).name
        'antifraud-prototype-lake-9a157dd254'
        """
        return f"antifraud-{self.deployment}-{self.dag.replace('_', '-')}-{self.digest}"

    @property
    def labels(self) -> dict[str, str]:
        """Labels of the run's cluster. They are all that an attempt needs to adopt what an earlier one has left."""
        return {OWNER: self.deployment, RUN: self.digest, UNTIL: str(self.until)}

    def holds(self, labels: Mapping[str, str]) -> bool:
        """Return whether labels are of this very lease; labels that others have added make no difference."""
        return all(labels.get(key) == value for key, value in self.labels.items())

    def is_before(self, labels: Mapping[str, str]) -> bool:
        """Return whether labels are of a lease that ends later than this one."""
        return (end := _second(labels.get(UNTIL, ""))) is not None and end > self.until

    def key(self, *parts: object) -> str:
        """Return the idempotency key of a call: the same call of another attempt gets the same operation."""
        return str(uuid.uuid5(KEYS, "/".join(map(str, (self.dag, self.run, self.until, *parts)))))


def lease_from(settings: CloudSettings, dag: str, run: str, start: int) -> Lease:
    """Return the lease of a run whose first cluster task started at `start`, by Airflow's clock.

    The lease ends earlier by as much as clocks may differ. So the cluster ends in time by the clock of any watchdog.
    """
    length = settings.cluster_lease_seconds - settings.cluster_clocks_apart_seconds
    return Lease(settings.deployment, dag, run, start + length)


def ends_at(labels: Mapping[str, str], created_at: int, settings: CloudSettings) -> int:
    """Return when a cluster's lease ends; a label that nobody could have meant counts from the cluster's creation.

    Such a label is missing, is no number, or lies further ahead than a lease is long. The cloud's clock tells the
    creation, so it is trusted only as far as clocks may differ.
    """
    latest = created_at + settings.cluster_lease_seconds + settings.cluster_clocks_apart_seconds
    end = _second(labels.get(UNTIL, ""))
    return latest if end is None else min(end, latest)


def _second(text: str) -> int | None:
    return int(text) if text.isascii() and text.isdigit() else None
