"""How much more the flagged rows of a day vary than independent ones would, measured on a window of days.

Rows of one terminal and day are flagged together, days differ, and days in a row resemble each other. Three variances
of the flagged share of a day of `n` rows, each over that of independent rows, ``p * (1 - p) / n``:

- *within* a day: squared deviations of the terminals' flagged rows from the day's share, summed;
- of *days*: squared deviations from the mean of the weekday;
- of *weeks*: seven times the variance of weekly means (batch means; Law & Kelton, Simulation Modeling and Analysis).
  It is larger than that of days if days in a row resemble each other, and the sum of many such days decides.

The larger of the last two becomes the variance `day_variance` that does not shrink with more rows, so that

    ``inflation(n) = within + n * day_variance / (limit * (1 - limit))``

All are upper limits of 95 %: those of days and weeks by the chi-square law.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt
from scipy.stats import chi2

WEEK: Final = 7
FEWEST_DAYS: Final = 3 * WEEK
LEVEL: Final = 0.95
LOWEST_FACTOR, HIGHEST_FACTOR = 0.7, 1.4
Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class DayCounts:
    """The legitimate rows of a day.

    Attributes:
        day: Number of the day.
        rows: How many rows it has, above 0.
        flagged: How many of them are flagged.
        squares: Sum over terminals of ``(flagged rows - share of the day * rows) ** 2``.
    """

    day: int
    rows: int
    flagged: int
    squares: float


@dataclass(frozen=True, slots=True)
class Noise:
    """Upper limits of what makes days vary, and the factors of the weekdays.

    Attributes:
        within: Variance of a day's flagged rows over that of independent ones, given the day's rate; 1 or more.
        day_variance: Variance of the days' rates, in squared shares.
        factors: Limit of the rate by weekday over the limit of the service, for ``day % 7`` from 0 to 6.
    """

    within: float
    day_variance: float
    factors: tuple[float, ...]

    def inflation(self, rows: int, limit: float) -> float:
        """Return the inflation of a cohort of so many rows.

        >>> Noise(2.0, 0.0001, (1.0,) * 7).inflation(1_900, 0.05)
        6.0
        """
        return self.within + rows * self.day_variance / (limit * (1 - limit))


def measure_noise(days: Sequence[DayCounts]) -> Noise:
    """Measure the noise of the days of a window, which follow each other.

    Raises:
        ValueError: The window is shorter than three weeks, or nothing or everything is flagged.
    """
    numbers, rows, flagged, squares = (np.array(each, dtype=float) for each in zip(*map(_values, days), strict=True))
    if rows.size < FEWEST_DAYS:
        raise ValueError(f"the noise of days needs {FEWEST_DAYS} days, got {rows.size}")
    total = float(flagged.sum() / rows.sum())
    if not 0 < total < 1:
        raise ValueError(f"the noise of days needs flagged and other rows, got a flagged share of {total:g}")
    independent = total * (1 - total) / float(rows.mean())
    weekdays = numbers.astype(int) % WEEK
    factors = _factors(flagged / rows, rows, weekdays)
    residual = flagged / rows - total * factors[weekdays]
    within = _within(rows, flagged, squares)
    variance = max(_of_days(residual), _of_weeks(residual))
    return Noise(within, max(0.0, variance - within * independent), tuple(factors.tolist()))


def _values(day: DayCounts) -> tuple[int, int, int, float]:
    return day.day, day.rows, day.flagged, day.squares


def _within(rows: Floats, flagged: Floats, squares: Floats) -> float:
    share = flagged / rows
    expected = rows * share * (1 - share)
    # Days without a flagged row, or without another one, say nothing.
    known = expected > 0
    ratios = squares[known] / expected[known]
    error = float(ratios.std(ddof=1)) / np.sqrt(ratios.size) if ratios.size > 1 else 0.0
    return max(1.0, float(squares[known].sum() / expected[known].sum()) + 1.645 * float(error))


def _factors(rates: Floats, rows: Floats, weekdays: npt.NDArray[np.int_]) -> Floats:
    """Return each weekday's rate over that of all days, shrunk to 1 by its noise (James & Stein), of mean 1 by rows."""
    weights = np.bincount(weekdays, rows, WEEK)
    means = np.bincount(weekdays, rates * rows, WEEK) / weights
    total = float(means @ weights / weights.sum())
    residual = rates - means[weekdays]
    error = float(residual @ residual) / (rates.size - WEEK) / (rates.size / WEEK)
    between = float(means.var(ddof=1))
    kept = max(0.0, 1 - error / between) if between else 0.0
    factors: Floats = np.clip(1 + kept * (means / total - 1), LOWEST_FACTOR, HIGHEST_FACTOR)
    return factors * float(weights.sum() / (factors @ weights))


def _of_days(residual: Floats) -> float:
    return _upper(float(residual @ residual), residual.size - WEEK)


def _of_weeks(residual: Floats) -> float:
    """Return seven times the variance of the weekly means: what a day adds to the variance of a long sum."""
    weeks = residual.size // WEEK
    means = residual[-weeks * WEEK :].reshape(weeks, WEEK).mean(axis=1)
    return _upper(WEEK * float(((means - means.mean()) ** 2).sum()), weeks - 1)


def _upper(sum_of_squares: float, freedom: int) -> float:
    """Return the upper limit of a variance."""
    return sum_of_squares / float(chi2.ppf(1 - LEVEL, freedom))
