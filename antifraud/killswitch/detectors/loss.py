"""The missed fraud of a service: what the running month has cost, and how fast it grows.

**Accounting.** The missed amount of the last 30 days, as it is known now and as it will be once all labels have
arrived. Each day is divided by the share of missed fraud that is known at its age. Days of which less than
`LEAST_KNOWN` is known count as the others on average. Later labels correct both, as everything is computed anew.

**Burn rate.** The budget is the loss limit of 30 days. A burn rate of 1 uses it up in 30 days exactly. A high rate over
a long and a short period alike warns or pages (Google, The Site Reliability Workbook, chapter 5).

More volume also burns faster and is no fault of the model, so accounting and burn rate never trip. Only the test of the
release's own rate may (`antifraud.killswitch.detectors.missed_rate`).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple

from antifraud.killswitch.detectors.level import Level

MONTH_DAYS: Final = 30
LEAST_KNOWN: Final = 0.25
"""If a smaller share of a day's missed fraud is known, its correction would be mostly guessing."""
BURNING: Final = ((Level.PAGE, 4.0, 7, 3), (Level.WARNING, 2.0, 14, 3))
"""Level, burn rate, and the long and the short period (days) over which it must hold."""
NEARLY_SPENT: Final = 0.8
"""Share of the budget at which the month's loss warns; the whole budget pages."""


class MissedDay(NamedTuple):
    """The missed amount of one day as it is known now, minor units; `age` is the number of days since."""

    age: int
    missed: float


@dataclass(frozen=True, slots=True)
class RunningLoss:
    """Missed amount of some days, minor units: as known now, and as expected once all labels have arrived."""

    known: float
    expected: float


def running_loss(days: Sequence[MissedDay], known_share: Sequence[float]) -> RunningLoss:
    """Return the missed amount of some days.

    Args:
        days: The days, also the ones that missed nothing.
        known_share: Share of missed fraud that is known when a day is 0, 1, 2, … days old; the last counts for all
            older days.

    >>> running_loss([MissedDay(0, 0), MissedDay(1, 500), MissedDay(9, 1_000)], known_share=[0.0, 0.5, 1.0])
    RunningLoss(known=1500, expected=3000.0)
    """
    shares = [known_share[min(each.age, len(known_share) - 1)] for each in days]
    usable = [each.missed / share for each, share in zip(days, shares, strict=True) if share >= LEAST_KNOWN]
    expected = sum(usable) * len(days) / len(usable) if usable else 0.0
    return RunningLoss(sum(each.missed for each in days), expected)


def burn_rate(days: Sequence[MissedDay], known_share: Sequence[float], budget: float) -> float:
    """Return how fast some days use up the budget of a month (minor units); 1 uses it up in a month.

    >>> burn_rate([MissedDay(20, 400), MissedDay(21, 200)], known_share=[1.0], budget=3_000)
    3.0
    """
    return running_loss(days, known_share).expected / len(days) / (budget / MONTH_DAYS) if days else 0.0


def watch_budget(days: Sequence[MissedDay], known_share: Sequence[float], budget: float) -> Level:
    """Return how alarming the missed fraud of the last 30 days is."""
    month = running_loss(days, known_share).expected / budget
    if month >= 1:
        return Level.PAGE
    return Level.WARNING if month >= NEARLY_SPENT else Level.NONE


def watch_burn(days: Sequence[MissedDay], known_share: Sequence[float], budget: float) -> Level:
    """Return how alarming the burn rates of the last days are."""
    known = known_days(days, known_share)
    reached = [
        level
        for level, burning, *periods in BURNING
        if all(burn_rate(known[:length], known_share, budget) >= burning for length in periods)
    ]
    return max(reached, default=Level.NONE)


def known_days(days: Sequence[MissedDay], known_share: Sequence[float]) -> list[MissedDay]:
    """Return the days of which enough is known, youngest first; the periods of the burn rate begin with these."""
    return sorted(day for day in days if known_share[min(day.age, len(known_share) - 1)] >= LEAST_KNOWN)
