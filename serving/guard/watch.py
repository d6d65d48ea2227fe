"""One inspection by the guard: take labels in, update the evidence, and suspend the service if the limit is broken.

An inspection is one transaction: a guard that is killed has done all of it or nothing, and counts no label twice.
"""

import json
import os
from dataclasses import dataclass
from typing import Any, Final

from antifraud.clock import BusinessClock, day_of
from antifraud.killswitch.evidence import Evidence, update
from antifraud.killswitch.machine import Mode
from antifraud.settings.serving import GuardSettings
from serving.guard.cohorts import CURSOR, Block, close_blocks, take_in_labels
from serving.store.keys import key_of
from serving.store.lmdb import Store, View
from serving.store.switchboard import read_switch, set_switch

BATCH: Final = 2_000
"""Most labels of one inspection: it holds the write lock, and decisions wait for the lock."""
RECENT_BLOCKS: Final = 100
"""Newest blocks that the reason for a suspension counts."""
HEARTBEAT: Final = b"guard"
WALL_CLOCK: Final = BusinessClock()


@dataclass(frozen=True, slots=True)
class Inspection:
    """The outcome of an inspection: whether more labels wait, and why it has suspended the service, if it has."""

    more: bool
    suspended_because: str | None


@dataclass(frozen=True, slots=True)
class WatchedRelease:
    """A release in one epoch of the switch: the evidence, and the last blocks as (legitimate, flagged), newest last."""

    evidence: Evidence
    recent: tuple[tuple[int, int], ...] = ()

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
        detector = {"tripped": evidence.tripped, "detector": evidence.to_dict(), "recent": self.recent}
        return {"release": release, "epoch": epoch, **counts, **detector}


def inspect_evidence(store: Store, settings: GuardSettings, now: int) -> Inspection:
    """Take labels in, close matured blocks, update the evidence, and suspend if it says so; `now` is business time.

    Raises:
        StoreError: The store cannot be used; nothing was counted.
    """
    with store.write() as view:
        arrived = take_in_labels(view, BATCH)
        # The last label of a day comes when the delay of its last second is over, so the day after can close it.
        closed = close_blocks(view, day_of(now) - settings.label_delay_days - 1, BATCH)
        updated = _update_evidence(view, closed.blocks, settings.fpr_limit)
        reason = _suspend_if_broken(view, updated, now)
        _write_heartbeat(view, now)
    # A full batch means that more may wait.
    return Inspection(more=BATCH in (arrived, closed.labels), suspended_because=reason)


def _update_evidence(view: View, blocks: list[Block], limit: float) -> dict[tuple[int, str], WatchedRelease]:
    """Update and store the evidence about every release and epoch in `blocks`."""
    updated: dict[tuple[int, str], WatchedRelease] = {}
    for block in blocks:
        key = (block.epoch, block.release)
        watched = updated.get(key) or read_watched_release(view, *key) or WatchedRelease(Evidence.fresh(limit=limit))
        updated[key] = watched.add_block(block, before=_add_to_block(view, block))
    for (epoch, release), watched in updated.items():
        view.put("evidence", _release_key(epoch, release), json.dumps(watched.describe(epoch, release)).encode())
    return updated


def _add_to_block(view: View, block: Block) -> tuple[int, int]:
    """Add a block to the stored counts of its terminal and day; return the counts before (legitimate, flagged)."""
    key = key_of(block.day) + _release_key(block.epoch, f"{block.release}/{block.terminal}")
    stored = view.get("blocks", key)
    legit, flagged = json.loads(stored) if stored else (0, 0)
    view.put("blocks", key, json.dumps((legit + block.legit, flagged + block.flagged)).encode())
    return legit, flagged


def read_watched_release(view: View, epoch: int, release: str) -> WatchedRelease | None:
    """Return the evidence about the decisions of `release` in an epoch of the switch; None if there is none.

    A resume begins a new epoch, so the evidence starts again.
    """
    text = view.get("evidence", _release_key(epoch, release))
    if text is None:
        return None
    stored = json.loads(text)
    return WatchedRelease(Evidence.from_dict(stored["detector"]), tuple((n, k) for n, k in stored["recent"]))


def _suspend_if_broken(view: View, updated: dict[tuple[int, str], WatchedRelease], now: int) -> str | None:
    switch = read_switch(view)
    for (epoch, release), watched in updated.items():
        # Evidence of an earlier epoch is about a service that a person has suspended and resumed since.
        if watched.evidence.tripped and epoch == switch.epoch and switch.mode is not Mode.SUSPENDED:
            reason = watched.explain_trip(release)
            set_switch(view, Mode.SUSPENDED, expected_epoch=epoch, reason=reason, by="guard", at=now)
            return reason
    return None


def _write_heartbeat(view: View, now: int) -> None:
    beat: dict[str, Any] = {
        "role": "guard",
        "pid": os.getpid(),
        # Wall time tells whether the guard lives; business time may stand in the past.
        "at": WALL_CLOCK.now(),
        "business_time": now,
        "labels_seen": view.number(CURSOR),
    }
    view.put("workers", HEARTBEAT, json.dumps(beat).encode())


def _release_key(epoch: int, release: str) -> bytes:
    return key_of(epoch) + release.encode()
