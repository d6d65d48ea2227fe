"""How much fraud differs from month to month, beyond what chance does to a steady stream of episodes.

A bound that takes months as alike is too low where fraud comes in waves, feeds on itself, or grows. Weeks of the window
show such changes. Episodes last for weeks, so weekly counts of steady fraud are correlated. Their covariance under
steady fraud is the sum over episodes of `n n'`, with an episode's frauds in each week as `n`: this is what the episodes
of a compound Poisson process contribute. Anything above it is a change of the level.

The level is taken for a random walk: what weeks differ by tells how far the next month may lie from the window.

Sources:
- Liang & Zeger (1986), Longitudinal data analysis using generalized linear models, Biometrika 73, 13-22.
- Harvey (1989), Forecasting, structural time series models and the Kalman filter, 2.3 (the local level model).
"""

from dataclasses import dataclass
from typing import Final

import numpy as np
from scipy import stats

from antifraud.stats.episodes import Frauds, count_by_episode
from antifraud.stats.score_tables import MONTH_DAYS, Floats

WEEK_DAYS: Final = 7
LEAST_WEEKS: Final = 4
"""With fewer weeks, what they seem to change by is mostly chance."""
SPARE_EPISODES: Final = 5
"""Episodes beyond the number of weeks that a test needs, so that their covariance means something."""
ERROR_SHARE: Final = 0.05
"""Part of the excess's own standard error that is added to it: weeks that happen to agree prove little."""
MOST_SD: Final = 0.5
"""Largest standard deviation of a month's level, in logarithms: weeks that suggest more are mostly chance."""


@dataclass(frozen=True, slots=True)
class Waves:
    """Change of the fraud's level over the weeks of a window.

    Attributes:
        month_sd: Standard deviation of next month's level against the window's, in logarithms; 0: nothing is known.
        growth: Growth of the level in 30 days along a straight line, as a share of the window's level.
        growth_p: Chance that steady fraud seems to grow as much; 1 where too few episodes tell.
        spread_p: Chance that the weeks of steady fraud differ as much; 1 where too few episodes tell.
    """

    month_sd: float = 0.0
    growth: float = 0.0
    growth_p: float = 1.0
    spread_p: float = 1.0


def find_waves(frauds: Frauds) -> Waves:
    """Return the change over the window's full weeks; none where days are unknown or weeks too few.

    >>> day = np.arange(280) // 10
    >>> steady = Frauds(day, day, np.arange(280), np.arange(280), 28, day)
    >>> find_waves(steady)  # doctest: +ELLIPSIS
    Waves(month_sd=0.051..., growth=0.0, growth_p=0.5, spread_p=1.0)
    """
    by_week = _weekly(frauds)
    episodes, weeks = by_week.shape
    if weeks < LEAST_WEEKS or not by_week.any():
        return Waves()
    count, covariance = by_week.sum(axis=0), by_week.T @ by_week
    centred = np.eye(weeks) - 1 / weeks
    residual, steady = centred @ count, centred @ covariance @ centred
    excess = max(float(residual @ residual - np.trace(steady)), 0.0)
    # Variance of the squared residuals of normal weeks.
    error = float(np.sqrt(2 * np.trace(steady @ steady)))
    variance = (excess + ERROR_SHARE * error) / float(count.mean()) ** 2 * _ahead(weeks)
    month_sd = min(float(np.sqrt(variance)), MOST_SD)
    slope = _slope(count, steady)
    spare = episodes - weeks
    if spare < SPARE_EPISODES:
        return Waves(month_sd, slope[0])
    squared = float(residual @ np.linalg.pinv(steady) @ residual)
    # Hotelling's correction: the covariance comes from as many episodes as there are.
    spread_p = float(stats.f.sf(squared * (spare + 1) / (episodes * (weeks - 1)), weeks - 1, spare + 1))
    return Waves(month_sd, slope[0], float(stats.t.sf(slope[1], episodes - 1)), spread_p)


def _weekly(frauds: Frauds) -> Floats:
    """Count the frauds of each episode in each full week, shape ``(episodes, weeks)``.

    The oldest odd days are left out.
    """
    weeks = frauds.days // WEEK_DAYS
    if frauds.day is None or not frauds.day.size:
        return np.zeros((0, weeks))
    start = frauds.day.min() if frauds.first_day is None else frauds.first_day
    week = (frauds.day - start - frauds.days % WEEK_DAYS) // WEEK_DAYS
    return count_by_episode(frauds, week, weeks)


def _ahead(weeks: int) -> float:
    """Return the variance of a month's level over the expected sum of squares of weeks, both of a random walk.

    >>> [round(_ahead(weeks), 2) for weeks in (4, 8)]
    [1.54, 0.49]
    """
    month = MONTH_DAYS / WEEK_DAYS
    from_end = sum((length + 1) * (2 * length + 1) / (6 * length) for length in (weeks, month))
    return from_end / ((weeks**2 - 1) / 6)


def _slope(count: Floats, steady: Floats) -> tuple[float, float]:
    """Return the growth in 30 days as a share, and the slope over its standard error under steady fraud."""
    weeks = np.arange(count.size) - (count.size - 1) / 2
    slope, error = float(weeks @ count), float(np.sqrt(weeks @ steady @ weeks))
    a_week = slope / float(weeks @ weeks) / float(count.mean())
    return a_week * MONTH_DAYS / WEEK_DAYS, slope / error if error else 0.0
