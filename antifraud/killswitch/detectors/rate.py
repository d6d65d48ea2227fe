"""Whether a false-positive rate is above its limit, from closed days, one update a day.

A *cohort* is the `n` legitimate rows of one closed day, `k` of them flagged. It multiplies the wealth of each
alternative rate by the likelihood ratio of the binomial law against the limit, to the power ``1 / inflation``:

    ``((p / limit) ** k * ((1 - p) / (1 - limit)) ** (n - k)) ** (1 / inflation)``

Every closed day adds ``1 / 365`` to each wealth before its factor (the form of Shiryaev and Roberts), so an excess is
found quickly whenever it begins. The mean over the alternatives decides: the detector trips at ``1 / budget``.

**Small excesses take more.** The inflation of the alternatives nearest to the limit is larger by `PATIENCE`. They need
weeks of days to be found, and over weeks, terminals that stay compromised make days resemble each other more than a
window can show. Without it, such streams trip in a tenth of the years.

**One odd day is not enough**, unless it is extreme. The factor of every alternative but the largest is cut off at
``exp(MOST_A_DAY)``: two such days can trip, one cannot. A sale or a holiday on one day therefore suspends nothing. A
limit of 5 % has 35 % as its largest alternative, which gains from a day above 16.4 %.

**Promise.** If the expectation of every factor is at most 1, given the days before, the wealth after a year is at most
1 in expectation. By Doob's inequality, the probability of a trip within a year is then at most `budget`, whatever the
traffic. The expectation is at most 1 if the rows of a day are independent given the past, with a rate within the limit
and an inflation of 1. It is also at most 1 if the day is one block of `n` rows that are flagged together, and the
inflation is `n` or more (Jensen's inequality). A factor that is cut off is smaller still, and a larger
inflation never makes it larger in expectation. Between the two, with an
estimated inflation (`antifraud.killswitch.detectors.measuring`), the promise is simulated and not proved:
`bench/switch`.

Sources: Shin, Ramdas & Rinaldo, "E-detectors" (2024); Shiryaev (1963) and Roberts (1966) for the sum over onsets.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Final, Self, TypeVar

import numpy as np
import numpy.typing as npt

from antifraud.killswitch.detectors.wealth import Wealth, log_mean, nothing, of_values, open_day, reaches, to_values

ALTERNATIVES: Final = (1.2, 1.4, 1.6, 2.0, 2.8, 4.0, 7.0)
"""Rates that are tested, as multiples of the limit: 6, 7, 8, 10, 14, 20 and 35 % of a limit of 5 %."""
PATIENCE: Final = {1.2: 4.0, 1.4: 2.0}
"""By how much the inflation of an alternative is larger; 1 for the others."""
HIGHEST_RATE: Final = 0.95
"""An alternative is no larger."""
NOTHING: Final = nothing(len(ALTERNATIVES))
"""Wealth before the first day."""
MOST_A_DAY: Final = 6.1
"""Largest logarithm of a day's factor: ``MOST_A_DAY > log(365 * 7 / 0.015) / 2``, so that two days can trip."""
Rows = TypeVar("Rows", float, npt.NDArray[np.float64])


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

    log_wealth: Wealth = NOTHING
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
        return log_mean(self.log_wealth)

    def is_tripped(self, budget: float) -> bool:
        """Return whether the limit is broken, with `budget` as the risk of a false trip within a year."""
        return reaches(self.log_wealth, budget)

    def to_dict(self) -> dict[str, Any]:
        """Return the evidence as values that JSON can hold."""
        wealth = to_values(self.log_wealth)
        return {"log_wealth": wealth, "days": self.days, "rows": self.rows, "flagged": self.flagged}

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Self:
        """Read evidence back from the values of `to_dict`."""
        return cls(**{**values, "log_wealth": of_values(values["log_wealth"])})


def update(evidence: RateEvidence, cohort: Cohort) -> RateEvidence:
    """Return the evidence after one more closed day; a day without rows changes nothing but the number of days.

    Raises:
        ValueError: More rows are flagged than there are, or limit, inflation or share are out of range.
    """
    _require_possible(cohort)
    return replace(
        evidence,
        log_wealth=tuple(
            open_day(wealth, cohort.share) + _log_factor(cohort, times)
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


def log_ratio(rows: Rows, flagged: Rows, limit: float, times: float) -> Rows:
    """Return the logarithm of the likelihood ratio of an alternative, which is `times` the limit, against the limit.

    Args:
        rows: Rows of a day, or of many, shape ``(days,)``.
        flagged: How many of them are flagged, of the same shape.
        limit: Limit of the rate.
        times: One of `ALTERNATIVES`.

    >>> round(log_ratio(100.0, 8.0, 0.05, 1.6), 2)
    0.81
    """
    rate = min(times * limit, HIGHEST_RATE)
    return flagged * math.log(rate / limit) + (rows - flagged) * math.log((1 - rate) / (1 - limit))


def patience(times: float) -> float:
    """Return by how much the inflation of an alternative is larger than that of the day."""
    return PATIENCE.get(times, 1.0)


def most_a_day(times: float) -> float:
    """Return the largest logarithm of a day's factor of an alternative."""
    return math.inf if times == ALTERNATIVES[-1] else MOST_A_DAY


def _log_factor(cohort: Cohort, times: float) -> float:
    ratio = log_ratio(float(cohort.rows), float(cohort.flagged), cohort.limit, times)
    return min(ratio / (patience(times) * cohort.inflation), most_a_day(times))
