"""Measures of how steady the daily false-positive rate of a window is."""

import numpy as np

from antifraud.stats.score_tables import Floats, Ints


def half_difference(flagged: Ints, rows: Ints) -> tuple[float, float, float]:
    """Return the rates of the first and the second half of a window, and their difference in standard errors.

    Args:
        flagged: Flagged rows of each day in order, shape ``(days,)``.
        rows: All rows of each day, above 0, shape ``(days,)``.

    >>> [round(each, 3) for each in half_difference(np.array([3, 5, 4, 6, 8, 7]), np.full(6, 100))]
    [0.04, 0.07, 3.674]
    """
    half = rows.size // 2
    ends = (slice(None, half), slice(half, None))
    first, second = (float(flagged[end].sum() / rows[end].sum()) for end in ends)
    variance = sum(_variance(flagged[end], rows[end]) for end in ends)
    return first, second, abs(second - first) / float(np.sqrt(variance)) if variance else 0.0


def _variance(flagged: Ints, rows: Ints) -> float:
    """Return the variance of the ratio of sums, with the day as the unit of sampling."""
    residual: Floats = flagged - flagged.sum() / rows.sum() * rows
    return float((residual**2).sum() * rows.size / (rows.size - 1) / rows.sum() ** 2)
