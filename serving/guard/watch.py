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
class Look:
    """What a look did: whether more is waiting, and the reason if it has suspended the service."""

    more: bool
    suspended_because: str | None


@dataclass(frozen=True, slots=True)
class Watched:
    """Evidence about one release in one epoch, and its last blocks as (legitimate, flagged), newest last."""

    evidence: Evidence
    recent: tuple[tuple[int, int], ...]

    def plus(self, block: Block, before: tuple[int, int]) -> "Watched":
        """With the rows of a block, of which `before` were counted already (legitimate, flagged).

        A detector that has tripped has given its answer and is left as it is.
        """
        if self.evidence.tripped:
            return self
        recent = (*self.recent, (block.legit, block.flagged))[-RECENT_BLOCKS:]
        return Watched(update(self.evidence, block.legit, block.flagged, before=before), recent)

    def reason(self, release: str) -> str:
        """Why the switch was thrown, in a sentence with the numbers."""
        evidence = self.evidence
        legit, flagged = (sum(counts) for counts in zip(*self.recent, strict=True))
        return (
            f"false-positive rate of release {release} is above {evidence.limit:.1%}: {flagged} of the last {legit} "
            f"matured legitimate transactions were flagged ({flagged / legit:.1%}; {evidence.fpr:.1%} of all "
            f"{evidence.legit})"
        )

    def summary(self, epoch: int, release: str) -> dict[str, Any]:
        """What is stored, and shown by ``GET /v1/status``."""
        evidence = self.evidence
        counts = {"fpr": evidence.fpr, "legit": evidence.legit, "flagged": evidence.flagged}
        detector = {"tripped": evidence.tripped, "detector": evidence.to_dict(), "recent": self.recent}
        return {"release": release, "epoch": epoch, **counts, **detector}


def look(store: Store, settings: GuardSettings, now: int) -> Look:
    """Take in labels, close matured blocks, weigh them, suspend if the evidence says so; `now` is business time.

    Raises:
        StoreError: The store cannot be used; nothing was counted.
    """
    with store.write() as view:
        arrived = take_in_labels(view, BATCH)
        matured = close_blocks(view, day_of(now) - settings.label_delay_days, BATCH)
        weighed = _weigh(view, matured.blocks, settings.fpr_limit)
        reason = _suspend_if_broken(view, weighed, now)
        _beat(view, now)
    return Look(more=BATCH in (arrived, matured.labels), suspended_because=reason)


def _weigh(view: View, blocks: list[Block], limit: float) -> dict[tuple[int, str], Watched]:
    """Update what is known of every release and epoch that `blocks` are about, and store it."""
    weighed: dict[tuple[int, str], Watched] = {}
    for block in blocks:
        whose = (block.epoch, block.release)
        watched = weighed.get(whose) or read_watched(view, *whose) or Watched(Evidence.fresh(limit=limit), ())
        weighed[whose] = watched.plus(block, before=_counted_before(view, block))
    for (epoch, release), watched in weighed.items():
        view.put("evidence", _key(epoch, release), json.dumps(watched.summary(epoch, release)).encode())
    return weighed


def _counted_before(view: View, block: Block) -> tuple[int, int]:
    """Rows of the same terminal and day that earlier looks counted, and flagged ones among them; adds the block's."""
    key = key_of(block.day) + _key(block.epoch, f"{block.release}/{block.terminal}")
    stored = view.get("blocks", key)
    legit, flagged = json.loads(stored) if stored else (0, 0)
    view.put("blocks", key, json.dumps((legit + block.legit, flagged + block.flagged)).encode())
    return legit, flagged


def read_watched(view: View, epoch: int, release: str) -> Watched | None:
    """What is known about the decisions of `release` in an epoch of the switch, or None.

    A resume begins a new epoch, so evidence restarts with it.
    """
    text = view.get("evidence", _key(epoch, release))
    if text is None:
        return None
    stored = json.loads(text)
    return Watched(Evidence.from_dict(stored["detector"]), tuple((n, k) for n, k in stored["recent"]))


def _suspend_if_broken(view: View, weighed: dict[tuple[int, str], Watched], now: int) -> str | None:
    switch = read_switch(view)
    for (epoch, release), watched in weighed.items():
        # Evidence of an earlier epoch is about a service that somebody has stopped and resumed since.
        if watched.evidence.tripped and epoch == switch.epoch and switch.mode is not Mode.SUSPENDED:
            reason = watched.reason(release)
            set_switch(view, Mode.SUSPENDED, expected_epoch=epoch, reason=reason, by="guard", at=now)
            return reason
    return None


def _beat(view: View, now: int) -> None:
    beat: dict[str, Any] = {
        "role": "guard",
        "pid": os.getpid(),
        "at": WALL_CLOCK.now(),
        "business_time": now,
        "labels_seen": view.number(CURSOR),
    }
    view.put("workers", HEARTBEAT, json.dumps(beat).encode())


def _key(epoch: int, release: str) -> bytes:
    return key_of(epoch) + release.encode()
