"""Whether a release misses more fraud than its limit allows, from closed days of episodes.

Missed fraud comes in *episodes* (`group_episodes`), and an episode counts as a whole on the day it began. The missed
amount `X` of the episodes that began on a day is compared with what the day's decisions allow,

    ``m = loss limit / volume of a month * decisions``

so growth in volume is no evidence. The wealth of each fraction `f` gets ``1 / 365`` and is multiplied by

    ``1 + f * (X / m - 1)``

**Promise.** If the expectation of `X` is within `m`, given the days before, no factor is worth more than 1, whatever
the law of the amounts. The probability of a trip within a year is then at most the budget. This is proved where
episodes begin independently of earlier ones. Where episodes cause others, it is only simulated: `bench/switch`.

Source: Waudby-Smith & Ramdas (2024), Estimating means of bounded random variables by betting; here only the side that
needs no upper bound of the amounts.
"""

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any, Final, NamedTuple, Self

from antifraud.killswitch.detectors.wealth import Wealth, log_mean, nothing, of_values, open_day, reaches, to_values

TERMINAL_DAYS, CUSTOMER_DAYS = 28, 14
"""How long a compromise of a terminal, and of a customer, lasts at most."""
FRACTIONS: Final = (0.02, 0.05, 0.1, 0.2, 0.4, 0.8)
NOTHING: Final = nothing(len(FRACTIONS))
"""Wealth before the first day."""


class MissedFraud(NamedTuple):
    """A fraud that was not flagged: its day (since 1970), amount (minor units), and the tokens of its entities.

    A label that came by chance stands for more than one fraud, so the amount may be no whole number.
    """

    day: int
    amount: float
    customer: str
    terminal: str


class Episode(NamedTuple):
    """A compromise: the day it began, and the tokens of the fraud that it began with."""

    began: int
    customer: str
    terminal: str


def group_episodes(frauds: Iterable[MissedFraud], earlier: Iterable[Episode] = ()) -> dict[Episode, float]:
    """Return the missed amount of each episode that these frauds belong to.

    A fraud belongs to the open episode of its terminal, or else to that of its customer; without one it begins an
    episode of both. A terminal's episode is open for 28 days, a customer's for 14. Episodes that began `earlier` may
    still be open.

    >>> found = group_episodes([MissedFraud(1, 100, "c1", "t1"), MissedFraud(9, 70, "c2", "t1")])
    >>> found, list(group_episodes([MissedFraud(9, 5, "c1", "t3")], earlier=found))
    ({Episode(began=1, customer='c1', terminal='t1'): 170}, [Episode(began=1, customer='c1', terminal='t1')])
    """
    totals: dict[Episode, float] = {}
    known = sorted(earlier)
    terminals, customers = {each.terminal: each for each in known}, {each.customer: each for each in known}
    for fraud in sorted(frauds):
        episode = _open(terminals.get(fraud.terminal), fraud.day, TERMINAL_DAYS)
        episode = episode or _open(customers.get(fraud.customer), fraud.day, CUSTOMER_DAYS)
        if episode is None:
            episode = Episode(fraud.day, fraud.customer, fraud.terminal)
            terminals[fraud.terminal] = customers[fraud.customer] = episode
        totals[episode] = totals.get(episode, 0) + fraud.amount
    return totals


def _open(episode: Episode | None, day: int, length: int) -> Episode | None:
    return episode if episode is not None and day - episode.began < length else None


@dataclass(frozen=True, slots=True)
class LossEvidence:
    """The memory of the test: the natural logarithm of the wealth of each fraction, and the closed days so far.

    >>> evidence = LossEvidence()
    >>> for _ in range(20):
    ...     evidence = update_loss(evidence, missed=4_000, allowed=1_000)
    >>> evidence.is_tripped(budget=0.01)
    True
    """

    log_wealth: Wealth = NOTHING
    days: int = 0

    @property
    def log_e(self) -> float:
        """The natural logarithm of the mean wealth; minus infinity before the first day."""
        return log_mean(self.log_wealth)

    def is_tripped(self, budget: float) -> bool:
        """Return whether too much is missed, with `budget` as the risk of a false trip within a year."""
        return reaches(self.log_wealth, budget)

    def to_dict(self) -> dict[str, Any]:
        """Return the evidence as values that JSON can hold."""
        return {"log_wealth": to_values(self.log_wealth), "days": self.days}

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Self:
        """Read evidence back from the values of `to_dict`."""
        return cls(of_values(values["log_wealth"]), values["days"])


def update_loss(evidence: LossEvidence, missed: float, allowed: float, share: float = 1.0) -> LossEvidence:
    """Return the evidence after the episodes that began on one more closed day.

    A day is closed when its episodes have ended and their labels have had their delay: 28 days and the label delay
    after it. A day without decisions allows nothing and changes nothing but the number of days.

    Args:
        evidence: The evidence so far.
        missed: Missed amount of the episodes that began on the day, minor units.
        allowed: What the day's decisions allow, minor units.
        share: Part of the day's opening weight that this subject gets, in (0, 1].

    Raises:
        ValueError: An amount is negative or no number, or `share` is out of range.
    """
    if not (0 <= missed < math.inf and 0 <= allowed < math.inf and 0 < share <= 1):
        raise ValueError(f"expected amounts of 0 or more and a share in (0, 1], got {missed}, {allowed} and {share}")
    if not allowed:
        return replace(evidence, days=evidence.days + 1)
    wealth = tuple(
        open_day(each, share) + math.log1p(fraction * (missed / allowed - 1))
        for fraction, each in zip(FRACTIONS, evidence.log_wealth, strict=True)
    )
    return LossEvidence(wealth, evidence.days + 1)
