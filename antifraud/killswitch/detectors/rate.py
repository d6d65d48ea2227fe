"""Whether a false-positive rate is above its limit, from closed days, one update a day.

A *cohort* is the `n` legitimate rows of one closed day, `k` of them flagged. It multiplies the wealth of each
alternative rate by the likelihood ratio of the binomial law against the limit, to the power ``1 / inflation``:

    ``((p / limit) ** k * ((1 - p) / (1 - limit)) ** (n - k)) ** (1 / inflation)``

Every closed day adds ``1 / 365`` to each wealth before its factor (the form of Shiryaev and Roberts), so an excess is
found quickly whenever it begins. The mean over the alternatives decides: the detector trips at ``1 / budget``.

**Promise.** If the expectation of every factor is at most 1, given the days before, the wealth after a year is at most
1 in expectation. By Doob's inequality, the probability of a trip within a year is then at most `budget`, whatever the
traffic. The expectation is at most 1 if the rows of a day are independent given the past, with a rate within the limit
and an inflation of 1. It is also at most 1 if the day is one block of `n` rows that are flagged together, and the
inflation is `n` or more (Jensen's inequality). Between the two, with an estimated inflation
(`antifraud.killswitch.detectors.noise`), the promise is simulated and not proved: `bench/switch/streams.py`.

Sources: Shin, Ramdas & Rinaldo, "E-detectors" (2024); Shiryaev (1963) and Roberts (1966) for the sum over onsets.
"""

import math
from dataclasses import dataclass, replace
from typing import Any, Final, Self

ALTERNATIVES: Final = (1.2, 1.4, 1.6, 2.0, 2.8, 4.0, 7.0)
"""Rates that are tested, as multiples of the limit: 6, 7, 8, 10, 14, 20 and 35 % of a limit of 5 %."""
HIGHEST_RATE: Final = 0.95
"""An alternative is no larger."""
DAYS_A_YEAR: Final = 365
OPENED: Final = 1 / DAYS_A_YEAR
NOTHING: Final = (-math.inf,) * len(ALTERNATIVES)
"""Log wealth before the first day."""


@dataclass(frozen=True, slots=True)
class Cohort:
    """The legitimate rows of one closed day.

    Attributes:
        rows: How many there were.
        flagged: How many of them were flagged.
        limit: Limit of the rate on this day: that of the service, times the factor of the weekday.
        inflation: Variance of the flagged rows over that of independent ones, 1 or more.
        share: Part of the day's opening weight that this subject gets, in (0, 1]: its part of the day's decisions.
    """

    rows: int
    flagged: int
    limit: float
    inflation: float = 1.0
    share: float = 1.0


@dataclass(frozen=True, slots=True)
class RateEvidence:
    """The detector's memory.

    Attributes:
        log_wealth: Natural logarithm of the wealth of each alternative.
        days: Cohorts that were counted.
        rows: Legitimate rows that were counted.
        flagged: How many of those rows were flagged.

    >>> evidence = RateEvidence()
    >>> for _ in range(2):
    ...     evidence = update(evidence, Cohort(rows=10_000, flagged=800, limit=0.05, inflation=4))
    >>> evidence.is_tripped(budget=0.025), evidence.rate
    (True, 0.08)
    """

    log_wealth: tuple[float, ...] = NOTHING
    days: int = 0
    rows: int = 0
    flagged: int = 0

    @property
    def rate(self) -> float | None:
        """The flagged share of the legitimate rows so far; None before the first."""
        return self.flagged / self.rows if self.rows else None

    @property
    def log_e(self) -> float:
        """The natural logarithm of the mean wealth; minus infinity before the first day."""
        high = max(self.log_wealth)
        if high == -math.inf:
            return high
        # Factoring the largest out keeps `exp` from overflowing: wealth grows without bound after a trip.
        return high + math.log(sum(math.exp(each - high) for each in self.log_wealth) / len(self.log_wealth))

    def is_tripped(self, budget: float) -> bool:
        """Return whether the limit is broken, with `budget` as the risk of a false trip within a year."""
        return self.log_e >= -math.log(budget)

    def to_dict(self) -> dict[str, Any]:
        """Return the evidence as values that JSON can hold."""
        # JSON has no infinity.
        wealth = [None if each == -math.inf else each for each in self.log_wealth]
        return {"log_wealth": wealth, "days": self.days, "rows": self.rows, "flagged": self.flagged}

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> Self:
        """Read evidence back from the values of `to_dict`."""
        wealth = tuple(-math.inf if each is None else each for each in values["log_wealth"])
        return cls(**{**values, "log_wealth": wealth})


def update(evidence: RateEvidence, cohort: Cohort) -> RateEvidence:
    """Return the evidence after one more closed day; a day without rows changes nothing but the number of days.

    Raises:
        ValueError: More rows are flagged than there are, or limit, inflation or share are out of range.
    """
    _require_possible(cohort)
    opened = math.log(cohort.share * OPENED)
    return replace(
        evidence,
        log_wealth=tuple(
            _log_sum(wealth, opened) + _log_ratio(cohort, min(times * cohort.limit, HIGHEST_RATE)) / cohort.inflation
            for times, wealth in zip(ALTERNATIVES, evidence.log_wealth, strict=True)
        ),
        days=evidence.days + 1,
        rows=evidence.rows + cohort.rows,
        flagged=evidence.flagged + cohort.flagged,
    )


def _require_possible(cohort: Cohort) -> None:
    if not 0 <= cohort.flagged <= cohort.rows:
        raise ValueError(f"flagged rows must be among {cohort.rows} rows, got {cohort.flagged}")
    if not 0 < cohort.limit < HIGHEST_RATE / ALTERNATIVES[0]:
        raise ValueError(f"limit must lie in (0, {HIGHEST_RATE / ALTERNATIVES[0]:.2f}), got {cohort.limit}")
    if not (cohort.inflation >= 1 and 0 < cohort.share <= 1):
        raise ValueError(f"expected inflation >= 1 and share in (0, 1], got {cohort.inflation} and {cohort.share}")


def _log_ratio(cohort: Cohort, rate: float) -> float:
    """Return the logarithm of the likelihood ratio of a rate against the limit."""
    flagged, passed = cohort.flagged, cohort.rows - cohort.flagged
    return flagged * math.log(rate / cohort.limit) + passed * math.log((1 - rate) / (1 - cohort.limit))


def _log_sum(first: float, second: float) -> float:
    high, low = max(first, second), min(first, second)
    return high + math.log1p(math.exp(low - high))
