"""Measures of how steady a false-positive rate is over the days of a window, and of blocks that stand out."""

from typing import Final

import numpy as np
from scipy import stats

from antifraud.stats.bounds import variance_between_blocks
from antifraud.stats.score_tables import Floats, Ints

WEEK: Final = 7
TRIMMED: Final = 0.02
"""A fiftieth of the terminals, or fewer, may be of another kind than the rest."""


def halves(flagged: Ints, rows: Ints) -> tuple[float, float]:
    """Return the rates of the first and the second half of a window.

    Args:
        flagged: Flagged rows of each day in order, shape ``(days,)``.
        rows: All rows of each day, above 0, shape ``(days,)``.

    >>> halves(np.array([3, 5, 4, 6, 8, 7]), np.full(6, 100))
    (0.04, 0.07)
    """
    half = rows.size // 2
    first, second = (float(flagged[end].sum() / rows[end].sum()) for end in (slice(half), slice(half, None)))
    return first, second


def rise(flagged: Ints, rows: Ints) -> float:
    """Return by how many standard errors the rate rises over the days; below 0 it falls.

    The slope is that of weighted least squares. Days in a row may resemble each other, so the standard error is at
    least the one that weeks show.

    Args:
        flagged: Flagged rows of each day in order, shape ``(days,)``.
        rows: All rows of each day, above 0, shape ``(days,)``.

    >>> round(rise(np.array([3, 5, 4, 6, 8, 7]), np.full(6, 100)), 2)
    3.82
    """
    time = np.arange(rows.size) - float(np.arange(rows.size) @ rows / rows.sum())
    rate: Floats = flagged / rows - flagged.sum() / rows.sum()
    moment = float(rows @ time**2)
    slope = float(rows * time @ rate) / moment
    residual = rows * (rate - slope * time)
    variance = float(residual**2 / rows @ np.ones(rows.size)) / (rows.size - 2)
    weeks = rows.size // WEEK
    if weeks > 2:  # noqa: PLR2004 a slope leaves nothing of two weeks
        week = np.minimum(np.arange(rows.size) // WEEK, weeks - 1)
        by_week = np.bincount(week, residual) ** 2 / np.bincount(week, rows)
        variance = max(variance, float(by_week.sum()) / (weeks - 2))
    return slope / float(np.sqrt(variance / moment)) if variance else 0.0


def memory(flagged: Ints, rows: Ints) -> float:
    """Return the correlation of each day's rate with the next day's, times the root of the number of days.

    Args:
        flagged: Flagged rows of each day in order, shape ``(days,)``.
        rows: All rows of each day, above 0, shape ``(days,)``.

    >>> round(memory(np.array([3, 3, 3, 3, 7, 7, 7, 7]), np.full(8, 100)), 2)
    1.77
    """
    rate: Floats = flagged / rows - flagged.sum() / rows.sum()
    squares = float(rate @ rate)
    return float(rate[1:] @ rate[:-1]) / squares * float(np.sqrt(rows.size)) if squares else 0.0


def standing_out(flagged: Ints, rows: Ints, trimmed: float = TRIMMED) -> tuple[int, float]:
    """Return the block with the least plausible rate upwards, and how implausible it is.

    The other blocks tell how much rates differ, and rates are taken as gamma-distributed. The second figure is the
    negative decimal logarithm of the chance that any of so many blocks has such a rate: 2 means one in a hundred.

    Args:
        flagged: Flagged rows of each block, shape ``(blocks,)``.
        rows: All rows of each block, above 0, shape ``(blocks,)``.
        trimmed: Part of the blocks, those of the highest rates, that does not tell how blocks usually differ.

    >>> standing_out(np.array([4, 5, 3, 6, 4, 5, 20]), np.full(7, 100))[0]
    6
    >>> standing_out(np.array([100, 90]), np.array([100, 90]))
    (0, 0.0)
    """
    rate: Floats = flagged / rows
    usual = np.argsort(rate, kind="stable")[: rows.size - int(np.ceil(trimmed * rows.size))]
    mean = float(flagged[usual].sum() / rows[usual].sum())
    # Where nothing or everything is flagged, no block can stand out.
    if mean in {0.0, 1.0}:
        return int(np.argmax(rate)), 0.0
    variance: Floats = mean * (1 - mean) / rows + variance_between_blocks(flagged[usual], rows[usual])
    # Half a row less, because counts are whole.
    surprise = -stats.gamma.logsf((flagged - 0.5) / rows, mean**2 / variance, scale=variance / mean)
    block = int(np.argmax(surprise))
    return block, float((surprise[block] - np.log(rows.size)) / np.log(10))
