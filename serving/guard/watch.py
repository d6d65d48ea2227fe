"""One look of the guard: labels in, evidence updated, and the switch thrown if a limit is broken.

Everything a look does is one transaction, so a killed guard has either done it or not, and counts nothing twice.
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
from serving.store.lmdb import Store, View, key_of
from serving.store.switchboard import read_switch, set_switch

BATCH: Final = 2_000
"""Labels a look takes at most: it holds the write lock, and decisions wait for that."""
RECENT_BLOCKS: Final = 100
"""Blocks that the reason for a suspension is illustrated with."""
HEARTBEAT: Final = b"guard"
WALL_CLOCK: Final = BusinessClock()


@dataclass(frozen=True, slots=True)
class Inspection:
    """What a look did: whether more is waiting, and the reason if it has suspended the service."""

    more: bool
    suspended_because: str | None


@dataclass(frozen=True, slots=True)
class WatchedRelease:
    """Evidence about one release in one epoch, and its last blocks as (legitimate, flagged), newest last."""

    evidence: Evidence
    recent: tuple[tuple[int, int], ...] = ()

    def add_block(self, block: Block, before: tuple[int, int]) -> "WatchedRelease":
        """With the rows of a block, of which `before` were counted already (legitimate, flagged).

        A detector that has tripped has given its answer and is left as it is.
        """
        if self.evidence.tripped:
            return self
        recent = (*self.recent, (block.legit, block.flagged))[-RECENT_BLOCKS:]
        return WatchedRelease(update(self.evidence, block.legit, block.flagged, before=before), recent)

    def explain_trip(self, release: str) -> str:
        """Why the switch was thrown, in a sentence with the numbers."""
        evidence = self.evidence
        legit, flagged = (sum(counts) for counts in zip(*self.recent, strict=True))
        return (
            f"false-positive rate of release {release} is above {evidence.limit:.1%}: {flagged} of the last {legit} "
            f"matured legitimate transactions were flagged ({flagged / legit:.1%}; {evidence.fpr:.1%} of all "
            f"{evidence.legit})"
        )

    def describe(self, epoch: int, release: str) -> dict[str, Any]:
        """What is stored, and shown by ``GET /v1/status``."""
        evidence = self.evidence
        counts = {"fpr": evidence.fpr, "legit": evidence.legit, "flagged": evidence.flagged}
        detector = {"tripped": evidence.tripped, "detector": evidence.to_dict(), "recent": self.recent}
        return {"release": release, "epoch": epoch, **counts, **detector}


def inspect_evidence(store: Store, settings: GuardSettings, now: int) -> Inspection:
    """Take in labels, close matured blocks, weigh them, suspend if the evidence says so; `now` is business time.

    Raises:
        StoreError: The store cannot be used; nothing was counted.
    """
    with store.write() as view:
        arrived = take_in_labels(view, BATCH)
        closed = close_blocks(view, day_of(now) - settings.label_delay_days, BATCH)
        updated = _update_evidence(view, closed.blocks, settings.fpr_limit)
        reason = _suspend_if_broken(view, updated, now)
        _write_heartbeat(view, now)
    return Inspection(more=BATCH in (arrived, closed.labels), suspended_because=reason)


def _update_evidence(view: View, blocks: list[Block], limit: float) -> dict[tuple[int, str], WatchedRelease]:
    """Update what is known of every release and epoch that `blocks` are about, and store it."""
    updated: dict[tuple[int, str], WatchedRelease] = {}
    for block in blocks:
        key = (block.epoch, block.release)
        watched = updated.get(key) or read_watched_release(view, *key) or WatchedRelease(Evidence.fresh(limit=limit))
        updated[key] = watched.add_block(block, before=_add_to_block(view, block))
    for (epoch, release), watched in updated.items():
        view.put("evidence", _release_key(epoch, release), json.dumps(watched.describe(epoch, release)).encode())
    return updated


def _add_to_block(view: View, block: Block) -> tuple[int, int]:
    """Rows of the same terminal and day that earlier looks counted, and flagged ones among them; adds the block's."""
    key = key_of(block.day) + _release_key(block.epoch, f"{block.release}/{block.terminal}")
    stored = view.get("blocks", key)
    legit, flagged = json.loads(stored) if stored else (0, 0)
    view.put("blocks", key, json.dumps((legit + block.legit, flagged + block.flagged)).encode())
    return legit, flagged


def read_watched_release(view: View, epoch: int, release: str) -> WatchedRelease | None:
    """What is known about the decisions of `release` in an epoch of the switch, or None.

    A resume begins a new epoch, so evidence restarts with it.
    """
    text = view.get("evidence", _release_key(epoch, release))
    if text is None:
        return None
    stored = json.loads(text)
    return WatchedRelease(Evidence.from_dict(stored["detector"]), tuple((n, k) for n, k in stored["recent"]))


def _suspend_if_broken(view: View, updated: dict[tuple[int, str], WatchedRelease], now: int) -> str | None:
    switch = read_switch(view)
    for (epoch, release), watched in updated.items():
        # Evidence of an earlier epoch is about a service that somebody has stopped and resumed since.
        if watched.evidence.tripped and epoch == switch.epoch and switch.mode is not Mode.SUSPENDED:
            reason = watched.explain_trip(release)
            set_switch(view, Mode.SUSPENDED, expected_epoch=epoch, reason=reason, by="guard", at=now)
            return reason
    return None


def _write_heartbeat(view: View, now: int) -> None:
    beat: dict[str, Any] = {
        "role": "guard",
        "pid": os.getpid(),
        "at": WALL_CLOCK.now(),
        "business_time": now,
        "labels_seen": view.number(CURSOR),
    }
    view.put("workers", HEARTBEAT, json.dumps(beat).encode())


def _release_key(epoch: int, release: str) -> bytes:
    return key_of(epoch) + release.encode()
