"""Measure the noise of a release on the days of its certify window.

A day has `n` legitimate rows, and an excess `x` of flagged ones over what its weekday expects. Without any clustering,
``x ** 2 / n`` is ``p * (1 - p)`` on average. It is larger for several reasons, each measured in upper limits of 95 %:

- *within* a day: squared deviations of the terminals' flagged rows from the day's share, summed;
- *days*: the mean of ``x ** 2 / n`` over the days;
- *weeks*: the same over all sums of seven days in a row (overlapping batch means; Meketon & Schmeiser 1984). It is
  larger if days in a row resemble each other, and the sum of many such days decides;
- *odd days*: moved to the limit, the window's own days must be worth at most 1 on average to the detector, for each
  alternative. A few days that stand out break this although the variance is right.

The largest of the last three becomes `Noise.day_variance`. Days before the training window, of which a sample of the
rows is scored, may raise it and never lower it.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Final, Self

import numpy as np
import numpy.typing as npt
from scipy.stats import chi2

from antifraud.killswitch.detectors.noise import ALIKE, HIGHEST_FACTOR, LOWEST_FACTOR, WEEK, Noise
from antifraud.killswitch.detectors.rate import ALTERNATIVES, HIGHEST_RATE, log_ratio, most_a_day, patience

FEWEST_DAYS: Final = 3 * WEEK
LEVEL: Final = 0.95
NORMAL_QUANTILE: Final = 1.645
"""Quantile of the standard normal law at `LEVEL`."""
MOST_SCALED: Final = 3.0
"""A window far below the limit says little about days at the limit: its spread is scaled up to so many times."""
STEP: Final = 1.2
"""By so much the variance of days is raised at a time."""
LARGEST_LOG: Final = 500.0
Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class DayCounts:
    """The legitimate rows of a day.

    Attributes:
        day: Days since 1970.
        rows: How many rows it has.
        flagged: How many of them are flagged.
        squares: Sum over terminals of ``(flagged rows - share of the day * rows) ** 2``.
    """

    day: int
    rows: int
    flagged: int
    squares: float = 0.0


def measure_noise(days: Sequence[DayCounts], limit: float, earlier: Sequence[DayCounts] = ()) -> Noise:
    """Measure the noise of the days of a window.

    Args:
        days: The days of the window that have rows.
        limit: Limit of the rate.
        earlier: Other days, of which a sample of the rows was scored; `DayCounts.squares` is not used.

    Raises:
        ValueError: The window has fewer than three weeks of days, or nothing or everything is flagged.
    """
    window = _Window.of(days)
    if window.rows.size < FEWEST_DAYS:
        raise ValueError(f"the noise of days needs {FEWEST_DAYS} days, got {window.rows.size}")
    if not 0 < window.rate < 1:
        raise ValueError(f"the noise of days needs flagged and other rows, got a flagged share of {window.rate:g}")
    within, rows = window.within(), float(window.rows.mean())
    scale = min(max(1.0, limit / window.rate), MOST_SCALED) ** 2
    variance = scale * max(window.of_days(within), window.of_weeks(within), _of_earlier(earlier, within, rows))
    noise = Noise(within, variance, tuple(window.factors.tolist()), rows)
    return _allow_odd_days(window.moved_to(limit), window.rows, noise, limit)


@dataclass(frozen=True, slots=True, eq=False)
class _Window:
    """The days of a window that have rows, shape ``(days,)``; factors have shape ``(7,)``."""

    day: Ints
    rows: Floats
    flagged: Floats
    squares: Floats
    rate: float
    factors: Floats

    @classmethod
    def of(cls, days: Sequence[DayCounts]) -> Self:
        known = [each for each in days if each.rows]
        day = np.array([each.day for each in known], np.int64)
        columns = [[each.rows for each in known], [each.flagged for each in known], [each.squares for each in known]]
        rows, flagged, squares = np.array(columns, float)
        rate = float(flagged.sum() / rows.sum()) if known else 0.0
        return cls(day, rows, flagged, squares, rate, _factors(day % WEEK, rows, flagged))

    @property
    def independent(self) -> float:
        """The mean of ``x ** 2 / n`` without any clustering."""
        return self.rate * (1 - self.rate)

    @property
    def expected(self) -> Floats:
        """Flagged rows that each day's weekday expects."""
        return self.rate * self.factors[self.day % WEEK] * self.rows

    def within(self) -> float:
        share = self.flagged / self.rows
        expected = self.rows * share * (1 - share)
        # Days without a flagged row, or without another one, say nothing.
        known = expected > 0
        ratios = self.squares[known] / expected[known]
        error = float(ratios.std(ddof=1)) / float(np.sqrt(ratios.size)) if ratios.size > 1 else 0.0
        return max(1.0, float(self.squares[known].sum() / expected[known].sum()) + NORMAL_QUANTILE * error)

    def of_days(self, within: float) -> float:
        """Return the upper limit of the variance of days."""
        freedom = self.rows.size - WEEK
        squares = float(((self.flagged - self.expected) ** 2 / self.rows).sum())
        return self._between(squares / freedom * upper_limit(freedom), within)

    def of_weeks(self, within: float) -> float:
        """Return the upper limit of what a day adds to the variance of a long sum."""
        excess, rows = np.zeros(self._span), np.zeros(self._span)
        excess[self.day - self.day[0]], rows[self.day - self.day[0]] = self.flagged - self.expected, self.rows
        sums, totals = (np.convolve(each, np.ones(WEEK), "valid") for each in (excess, rows))
        weeks = self._span / WEEK
        # The mean of the window was taken out, so its weeks vary less around it.
        square = float((sums[totals > 0] ** 2 / totals[totals > 0]).mean()) / (1 - 1 / weeks)
        return self._between(square * upper_limit(1.5 * (weeks - 1)), within)

    def of_sample(self, within: float) -> float:
        """Return the estimate of the variance of days, without an upper limit."""
        freedom = self.rows.size - WEEK
        return self._between(float(((self.flagged - self.expected) ** 2 / self.rows).sum()) / freedom, within)

    def moved_to(self, limit: float) -> Floats:
        """Return flagged rows as they would be if the mean rate were the limit on every weekday."""
        shares: Floats = self.flagged / self.expected * limit
        return np.minimum(shares, HIGHEST_RATE) * self.rows

    @property
    def _span(self) -> int:
        return int(self.day[-1] - self.day[0]) + 1

    def _between(self, square: float, within: float) -> float:
        return max(0.0, (square - within * self.independent) / float(self.rows.mean()))


def _factors(weekdays: Ints, rows: Floats, flagged: Floats) -> Floats:
    """Return each weekday's rate over that of all days, shrunk to 1 by its noise (James & Stein), of mean 1 by rows."""
    weights, found = np.bincount(weekdays, rows, WEEK), np.bincount(weekdays, flagged, WEEK)
    known = weights > 0
    if not found.sum() or rows.size <= WEEK:
        return np.array(ALIKE)
    total = found.sum() / weights.sum()
    means = np.where(known, found / np.maximum(weights, 1), total)
    residual = flagged - means[weekdays] * rows
    error = float((residual**2 / rows).sum()) / (rows.size - WEEK) * float((1 / weights[known]).mean())
    between = float(means[known].var(ddof=1)) if known.sum() > 1 else 0.0
    kept = max(0.0, 1 - error / between) if between else 0.0
    factors: Floats = np.clip(1 + kept * (means / total - 1), LOWEST_FACTOR, HIGHEST_FACTOR)
    return factors * float(weights.sum() / (factors @ weights))


def _of_earlier(earlier: Sequence[DayCounts], within: float, rows: float) -> float:
    """Return the variance of other days; 0 if they are too few to tell."""
    window = _Window.of(earlier)
    if window.rows.size < FEWEST_DAYS or not window.rate:
        return 0.0
    # Rows of a sample share their terminal's day with fewer others.
    return window.of_sample(1 + (within - 1) * min(1.0, float(window.rows.mean()) / rows))


def _allow_odd_days(flagged: Floats, rows: Floats, noise: Noise, limit: float) -> Noise:
    """Return the noise with the day variance raised until the window's own days are worth at most 1 on average."""
    # Days that differ by the limit itself leave nothing to allow for.
    while noise.day_variance < limit**2 and _is_odd(flagged, rows, noise, limit):
        raised = max(STEP * noise.day_variance, (0.01 * limit) ** 2)
        noise = Noise(noise.within, raised, noise.factors, noise.rows)
    return noise


def _is_odd(flagged: Floats, rows: Floats, noise: Noise, limit: float) -> bool:
    inflation = np.array([noise.inflation(each, limit) for each in rows.tolist()])
    return bool(largest_worth(flagged, rows, inflation, limit) > 1)


def largest_worth(flagged: Floats, rows: Floats, inflation: Floats, limit: float) -> Floats:
    """Return the largest mean factor of any alternative, over the days of each window.

    Args:
        flagged: Flagged rows, shape ``(…, days)``, as are the others.
        rows: Rows.
        inflation: Inflation of so many rows.
        limit: Limit of the rate.
    """
    logs = [
        np.minimum(log_ratio(rows, flagged, limit, times) / (patience(times) * inflation), most_a_day(times))
        for times in ALTERNATIVES
    ]
    # A factor beyond any float is as bad as the largest.
    worth: Floats = np.exp(np.minimum(logs, LARGEST_LOG)).mean(axis=-1).max(axis=0)
    return worth


@lru_cache(64)
def upper_limit(freedom: float) -> float:
    """Return the upper limit of a variance over its estimate."""
    return freedom / float(chi2.ppf(1 - LEVEL, freedom))
