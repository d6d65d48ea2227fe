"""One inspection by the guard: take labels in, update the evidence, and suspend the service if the limit is broken.

It takes labels in and counts them, by two small atomic changes: a guard that is killed counts no label twice.
"""

import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from antifraud.clock import BusinessClock, day_of
from antifraud.errors import StoreFull
from antifraud.killswitch.evidence import Evidence, update
from antifraud.killswitch.machine import Mode, Switch, trip
from antifraud.settings.serving import GuardSettings
from serving.guard.cohorts import Block, known, make_blocks
from serving.store.port import Counts, DecisionStore, EvidenceKey, Inspection, WaitingLabel

BATCH: Final = 200
"""Most labels of one change: while it is made, decisions wait for the lock."""
RECENT_BLOCKS: Final = 100
"""Newest blocks that the reason for a suspension counts."""
WALL_CLOCK: Final = BusinessClock()


@dataclass(frozen=True, slots=True)
class Inspected:
    """The outcome of an inspection: whether more labels wait, and why it has suspended the service, if it has."""

    more: bool
    suspended_because: str | None


@dataclass(frozen=True, slots=True)
class WatchedRelease:
    """A release in one epoch of the switch: the evidence, and the last blocks as (legitimate, flagged), newest last."""

    evidence: Evidence
    recent: tuple[tuple[int, int], ...] = ()

    @staticmethod
    def read(stored: Mapping[str, Any] | None, limit: float) -> "WatchedRelease":
        """Return what `describe` has stored; None stands for fresh evidence about `limit`."""
        if stored is None:
            return WatchedRelease(Evidence.fresh(limit=limit))
        return WatchedRelease(Evidence.from_dict(stored["detector"]), tuple((n, k) for n, k in stored["recent"]))

    def add_block(self, block: Block, before: tuple[int, int]) -> "WatchedRelease":
        """Return this with the rows of a block; `before` are rows of the same block that were counted earlier.

        A detector that has tripped has given its answer and does not change any more.
        """
        if self.evidence.tripped:
            return self
        recent = (*self.recent, (block.legit, block.flagged))[-RECENT_BLOCKS:]
        return WatchedRelease(update(self.evidence, block.legit, block.flagged, before=before), recent)

    def explain_trip(self, release: str) -> str:
        """Return why the service is suspended, in a sentence with the numbers."""
        evidence = self.evidence
        legit, flagged = (sum(counts) for counts in zip(*self.recent, strict=True))
        return (
            f"false-positive rate of release {release} is above {evidence.limit:.1%}: {flagged} of the last {legit} "
            f"matured legitimate transactions were flagged ({flagged / legit:.1%}; {evidence.fpr:.1%} of all "
            f"{evidence.legit})"
        )

    def describe(self, epoch: int, release: str) -> dict[str, Any]:
        """Return the evidence as it is stored and as ``GET /v1/status`` shows it."""
        evidence = self.evidence
        counts = {"fpr": evidence.fpr, "legit": evidence.legit, "flagged": evidence.flagged}
        detector = {
            "tripped": evidence.tripped,
            "detector": evidence.to_dict(),
            "recent": [list(counts) for counts in self.recent],
        }
        return {"release": release, "epoch": epoch, **counts, **detector}


def inspect_evidence(store: DecisionStore, settings: GuardSettings, now: int) -> Inspected:
    """Take labels in, count those of matured days, and suspend if the evidence says so; `now` is business time.

    Raises:
        StoreError: The store cannot be used.
    """
    arrived, refusal = _take_in(store)
    # Counting waits for all labels that are there: the evidence then does not depend on how they were taken in.
    if arrived == BATCH:
        # A guard that catches up for minutes must not look dead meanwhile.
        _write_heartbeat(store, now)
        return Inspected(more=True, suspended_because=None)
    # The last label of a day comes when the delay of its last second is over, so the day after can close it.
    waiting = store.matured_labels(day_of(now) - settings.label_delay_days - 1, BATCH)
    inspection = _weigh(store, waiting, settings.fpr_limit, now)
    # If somebody else has changed what was read, the next inspection reads it again.
    done = store.commit_inspection(inspection)
    _write_heartbeat(store, now)
    suspended = inspection.suspend.reason if done and inspection.suspend else None
    if refusal and not waiting:
        raise refusal
    # A full batch means that more may wait. Counting makes room for labels that were refused.
    more = not done or len(waiting) == BATCH or refusal is not None
    return Inspected(more=more, suspended_because=suspended)


def _take_in(store: DecisionStore) -> tuple[int, StoreFull | None]:
    """Take labels in; return how many there were, and why there is no room for them, if there is none."""
    try:
        return store.take_in_labels(BATCH), None
    except StoreFull as error:
        return 0, error


def _weigh(store: DecisionStore, waiting: Sequence[WaitingLabel], limit: float, now: int) -> Inspection:
    """Return what matured labels change: counts, evidence, and the switch if a release in use breaks the limit."""
    counted, stored = known(waiting), store.evidence()
    blocks = make_blocks(counted)
    before = store.block_counts(block.key for block in blocks)
    updated: dict[EvidenceKey, WatchedRelease] = {}
    for block in blocks:
        subject = block.epoch, block.release
        watched = updated.get(subject) or WatchedRelease.read(stored.get(subject), limit)
        updated[subject] = watched.add_block(block, before=before[block.key])
    return Inspection(
        used=waiting,
        counted=[label.arrival for label in counted],
        blocks={block.key: (before[block.key], _sum(before[block.key], block)) for block in blocks},
        evidence={key: (stored.get(key), watched.describe(*key)) for key, watched in updated.items()},
        suspend=_suspension(store.switch(), updated, now),
    )


def _sum(before: Counts, block: Block) -> Counts:
    return before[0] + block.legit, before[1] + block.flagged


def _suspension(switch: Switch, updated: Mapping[EvidenceKey, WatchedRelease], now: int) -> Switch | None:
    """Return the switch after a suspension, or None if nothing asks for it."""
    for (epoch, release), watched in updated.items():
        # Evidence of an earlier epoch is about a service that a person has suspended and resumed since.
        if watched.evidence.tripped and epoch == switch.epoch and switch.mode is not Mode.SUSPENDED:
            reason, numbers = watched.explain_trip(release), {"fpr": watched.evidence.fpr}
            return trip(switch, release=release, reason=reason, at=now, evidence=numbers)
    return None


def _write_heartbeat(store: DecisionStore, now: int) -> None:
    beat: dict[str, Any] = {
        "role": "guard",
        "pid": os.getpid(),
        # Wall time tells whether the guard lives; business time may stand in the past.
        "at": WALL_CLOCK.now(),
        "business_time": now,
    }
    store.report("guard", json.dumps(beat).encode())
