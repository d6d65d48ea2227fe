"""The missed fraud of the service as a subject of evidence: closed days of episodes, and when they trip.

An episode counts on the day it began, and that day closes 28 days after it would for the rate: the episode is over
then, and its labels have had their delay. Episodes that are still open on the next day are part of the memory, because
their later frauds begin no new ones.

**A trip** is about all releases together, as nightly releases would otherwise never be found. By then another release
may serve. It is acquitted if the days that have closed since are within the limit (`is_within`).
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Final, NamedTuple

from antifraud.figures import rub
from antifraud.killswitch.detectors.loss import MONTH_DAYS, MissedDay, known_days, running_loss
from antifraud.killswitch.detectors.missed_rate import (
    TERMINAL_DAYS,
    Episode,
    LossEvidence,
    MissedFraud,
    group_episodes,
    update_loss,
)

LOSS: Final = ":loss"
"""The name of the subject; no release has a colon in its name."""
LOSS_BUDGET: Final = 0.01
"""The part of the years that may trip falsely."""
RECENT_DAYS: Final = 7


class ClosedLoss(NamedTuple):
    """A closed day of episodes: the missed amount, and what its decisions allow, minor units."""

    day: int
    missed: float
    allowed: float


@dataclass(frozen=True, slots=True)
class Loss:
    """The evidence about missed fraud in one era.

    Attributes:
        test: The detector's memory.
        open_episodes: Episodes that the next day's frauds may belong to.
        recent: The last closed days, oldest first.
        cleared_on: The closed day after which the evidence started anew, because what serves was acquitted.
    """

    test: LossEvidence = field(default_factory=LossEvidence)
    open_episodes: tuple[Episode, ...] = ()
    recent: tuple[ClosedLoss, ...] = ()
    cleared_on: int | None = None

    @property
    def is_broken(self) -> bool:
        """Whether the evidence says that the limit is broken."""
        return self.test.is_tripped(LOSS_BUDGET)

    @property
    def closed(self) -> int:
        """The last closed day, -1 before the first."""
        return self.recent[-1].day if self.recent else -1

    @property
    def sums(self) -> dict[str, float]:
        """The missed and the allowed amount of the last closed days, minor units."""
        return {"missed": sum(day.missed for day in self.recent), "allowed": sum(day.allowed for day in self.recent)}

    def clear(self) -> "Loss":
        """Return the evidence as it starts anew; open episodes stay open."""
        return replace(self, test=LossEvidence(), cleared_on=self.closed)

    def to_dict(self) -> dict[str, Any]:
        """Return the evidence as values that JSON can hold."""
        return {
            "detector": self.test.to_dict(),
            "open_episodes": [list(episode) for episode in self.open_episodes],
            "recent": [list(day) for day in self.recent],
            "cleared_on": self.cleared_on,
        }

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> "Loss":
        """Read evidence back from the values of `to_dict`."""
        return cls(
            LossEvidence.from_dict(values["detector"]),
            tuple(Episode(*episode) for episode in values["open_episodes"]),
            tuple(ClosedLoss(*day) for day in values["recent"]),
            values["cleared_on"],
        )


def close_losses(before: Loss, frauds: Sequence[MissedFraud], allowed: Mapping[int, float]) -> Loss:
    """Return the evidence after some days of episodes have closed.

    Args:
        before: The evidence so far.
        frauds: The missed frauds of these days and of the 27 days after each, as they are known at the close.
        allowed: For each day that closes, what its decisions allow, minor units.

    >>> frauds = [MissedFraud(1, 50, "c", "t"), MissedFraud(20, 30, "d", "t"), MissedFraud(2, 9, "e", "u")]
    >>> close_losses(Loss(), frauds, {1: 100.0, 2: 100.0}).recent
    (ClosedLoss(day=1, missed=80, allowed=100.0), ClosedLoss(day=2, missed=9, allowed=100.0))
    """
    for day in sorted(allowed):
        before = _close(before, frauds, day, allowed[day])
    return before


def _close(before: Loss, frauds: Iterable[MissedFraud], day: int, allowed: float) -> Loss:
    # Frauds of earlier days were counted when those days closed.
    within = [fraud for fraud in frauds if day <= fraud.day < day + TERMINAL_DAYS]
    begun = {each: sum_ for each, sum_ in group_episodes(within, before.open_episodes).items() if each.began == day}
    still_open = [each for each in before.open_episodes if day + 1 - each.began < TERMINAL_DAYS]
    missed = sum(begun.values())
    return replace(
        before,
        test=update_loss(before.test, missed, allowed),
        open_episodes=(*still_open, *begun),
        recent=(*before.recent, ClosedLoss(day, missed, allowed))[-RECENT_DAYS:],
    )


def allowed_loss(limit: float, volume: float, decided: int) -> float:
    """Return the missed amount that so many decisions allow; `limit` is that of a month of `volume` transactions.

    >>> allowed_loss(limit=60_000_000, volume=300_000, decided=10_000)
    2000000.0
    """
    return limit / volume * decided if decided else 0.0


def observed_volume(decided: Mapping[int, int], day: int) -> float:
    """Return a month's transactions as the last 30 days up to a day show them, for a release that does not say.

    >>> observed_volume({1: 900, 2: 1_100}, day=2)
    30000.0
    """
    month = {each: count for each, count in decided.items() if day - MONTH_DAYS < each <= day}
    return sum(month.values()) / (day - min(month) + 1) * MONTH_DAYS if month else 0.0


def is_within(days: Sequence[MissedDay], known_share: Sequence[float], allowed: float) -> bool:
    """Return whether some days miss no more than they allow, once all labels have come.

    Days of which too little is known acquit nothing.

    >>> is_within([MissedDay(8, 60)], [0.5], allowed=100), is_within([MissedDay(8, 40)], [0.5], allowed=100)
    (False, True)
    """
    return bool(known_days(days, known_share)) and running_loss(days, known_share).expected <= allowed


def describe_loss(era: int, loss: Loss) -> dict[str, Any]:
    """Return the evidence about missed fraud as it is stored, and as the status shows it."""
    return {
        "subject": "loss",
        "release": None,
        "epoch": era,
        "days": loss.test.days,
        "budget": LOSS_BUDGET,
        "tripped": loss.is_broken,
        **loss.to_dict(),
    }


def explain_loss(loss: Loss) -> str:
    """Return why the limit is broken, in a sentence with the numbers."""
    sums = loss.sums
    return (
        f"missed fraud is above its limit for the volume: episodes that began on the last {len(loss.recent)} closed "
        f"days have missed {rub(sums['missed'])}, and {rub(sums['allowed'])} are allowed"
    )
