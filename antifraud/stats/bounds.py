"""Upper confidence bounds of a rate: by rows, by blocks of rows that are alike, and by several kinds of blocks."""

from collections.abc import Sequence
from typing import Final

import numpy as np
from scipy import stats

from antifraud.stats.score_tables import Floats, Ints

NO_SKEWNESS: Final = 1e-6
"""Below it blocks count as symmetric."""
PAIRS_A_BLOCK: Final = 8
"""So many pairs of flagged and rows may be possible for each block; more are sorted, which costs less than counting."""
NEWTON_STEPS: Final = 100
NEWTON_CLOSE: Final = 1e-6
"""Of the equation that `between_blocks` solves, as a share of the number of blocks."""


def row_bound(flagged: int, rows: int, delta: float) -> float:
    """Upper confidence bound of the FPR for independent rows (Clopper & Pearson 1934), the dual of `np_threshold`.

    >>> round(row_bound(0, 101, 0.01), 4)
    0.0446
    """
    return 1.0 if flagged >= rows else float(stats.beta.ppf(1 - delta, flagged + 1, rows - flagged))


def block_bound(flagged: Ints, rows: Ints, delta: float) -> float:
    """Upper confidence bound of the FPR from flagged and legitimate rows per block, 1 at most.

    The wider of `ratio_bound`, which holds for any kind of difference between many blocks, and `pooled_bound`, for a
    few blocks with much of the rows beside many that tell how much blocks differ.

    >>> block_bound(np.array([4, 4, 4]), np.array([100, 100, 100]), 0.01)
    0.04
    """
    flagged, rows, times = alike(flagged, rows)
    return min(1.0, max(ratio_bound(flagged, rows, delta, times), pooled_bound(flagged, rows, delta, times)))


def alike(flagged: Ints, rows: Ints) -> tuple[Ints, Ints, Ints]:
    """Flagged and rows of the blocks, those that have both equal as one, and how many blocks each stands for.

    A million customers have a few thousand different pairs.

    >>> [part.tolist() for part in alike(np.array([0, 1, 0, 0]), np.array([2, 2, 2, 3]))]
    [[0, 1, 0], [2, 2, 3], [2, 1, 1]]
    """
    width = int(flagged.max()) + 1
    pair = rows * width + flagged
    if pair.max() > PAIRS_A_BLOCK * rows.size:
        found, times = np.unique(pair, return_counts=True)
    else:
        times = np.bincount(pair)
        found = np.flatnonzero(times)
        times = times[found]
    return found % width, found // width, times


def ratio_bound(amounts: Ints | Floats, rows: Ints, delta: float, times: Ints | None = None) -> float:
    """Upper confidence bound of a ratio of sums whose unit of sampling is the block; amounts may be negative.

    Each entry stands for `times` blocks, for one unless it is given.

    Linearised ratio estimator (Cochran 1977, Sampling Techniques, 6.3) with a Student t quantile; where a few blocks
    stand out upwards, Hall's (1992) cubic transformation widens the interval, since plain t would cover too seldom.

    >>> round(ratio_bound(np.array([-1, 0, 1]), np.array([1, 1, 1]), 0.05), 3)
    1.686
    """
    times = np.ones_like(rows) if times is None else times
    blocks, total = int(times.sum()), int(rows @ times)
    ratio = float(amounts @ times) / total
    residual = (amounts - ratio * rows) * blocks / total
    squares = float(residual**2 @ times)
    if not squares:
        return ratio
    spread = np.sqrt(squares / (blocks - 1))
    quantile = -float(stats.t.ppf(1 - delta, blocks - 1)) / np.sqrt(blocks)
    skewness = float(residual**3 @ times) / blocks / (squares / blocks) ** 1.5
    if skewness > NO_SKEWNESS:
        inner = 1 + skewness * (quantile - skewness / (6 * blocks))
        quantile = float(np.cbrt(inner) - 1) * 3 / skewness
    return float(ratio - spread * quantile)


def pooled_bound(flagged: Ints, rows: Ints, delta: float, times: Ints | None = None) -> float:
    """Upper confidence bound of a rate that differs between blocks of very different sizes; `times` as `ratio_bound`.

    What a large block adds cannot be told from that block alone, which is one observation; so the variance between
    blocks is estimated from all of them alike (`between_blocks`). Rates are skewed, and the more so the fewer blocks
    count: the estimate is taken for a gamma variable with the rate as its mean, and spread by Student's t over the
    normal quantile, with Satterthwaite's (1946) degrees of freedom from the information that the blocks have of it.
    Where chance alone explains the differences it is the ratio. So the small blocks must have rows enough to differ by
    more than chance: where two or three blocks have nearly all rows, nothing here tells how they might have come out.

    >>> even, uneven = np.full(50, 100), np.array([2_550, *[50] * 49])
    >>> rates = np.where(np.arange(50) % 2, 0.02, 0.08)
    >>> [round(pooled_bound((rates * rows).astype(int), rows, 0.01), 3) for rows in (even, uneven)]
    [0.062, 0.106]
    """
    times = np.ones_like(rows) if times is None else times
    total = rows @ times
    ratio, share = float(flagged @ times / total), rows / total
    between = between_blocks(flagged, rows, times)
    if not between:
        return ratio
    within = ratio * (1 - ratio)
    concentration = float(share**2 @ times)
    variance = within / total + between * concentration
    freedom = (variance / concentration) ** 2 * float((within / rows + between) ** -2 @ times)
    wider = stats.t.ppf(delta, freedom) / stats.norm.ppf(delta)
    form = ratio**2 / (variance * wider**2)
    quantile = float(stats.gamma.ppf(delta, form))
    return float(ratio * form / quantile) if quantile > ratio * form else 1.0


def between_blocks(flagged: Ints, rows: Ints, times: Ints | None = None) -> float:
    """Variance between the rates of blocks beyond what counts of such size have by chance; 0 if there is none.

    `times` as `ratio_bound`.

    Source: Paule & Mandel (1982), Consensus values and weighting factors, but around the ratio of all rows; with the
    Newton steps of DerSimonian & Kacker (2007), which rise to the solution from 0.

    >>> between_blocks(np.array([1, 2, 3]), np.array([50, 50, 50]))
    0.0
    >>> round(between_blocks(np.array([0, 0, 30, 30]), np.array([100, 100, 100, 100])), 4)
    0.0287
    """
    times = np.ones_like(rows) if times is None else times
    blocks, ratio = int(times.sum()), (flagged @ times) / (rows @ times)
    squares, within = (flagged - ratio * rows) ** 2, ratio * (1 - ratio) * rows
    if not within.any():
        return 0.0
    found = 0.0
    for _ in range(NEWTON_STEPS):
        expected = within + rows.astype(float) ** 2 * found
        excess = float((squares / expected) @ times) - (blocks - 1)
        if excess <= NEWTON_CLOSE * blocks:
            break
        found += excess / float((squares * (rows / expected) ** 2) @ times)
    return found


def joint_bound(ratio: float, row: float, others: Sequence[float]) -> float:
    """One bound from those by rows (`row`) and by several kinds of blocks (`others`), all of them around `ratio`.

    Where days and terminals both make rows alike, a bound by either overlooks the other. Variances add up, the rows'
    own counting once (Cameron, Gelbach & Miller 2011, Robust inference with multiway clustering); here they are the
    squared distances of the bounds, so that each keeps its own quantile and skewness. A kind that is narrower than the
    rows adds nothing.

    >>> joint_bound(0.02, 0.03, [0.04, 0.03, 0.025])
    0.04
    """
    own = (row - ratio) ** 2
    excess = sum(max(0.0, max(0.0, other - ratio) ** 2 - own) for other in others)
    return min(1.0, float(ratio + np.sqrt(own + excess)))
