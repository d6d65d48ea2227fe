"""Upper confidence bounds of a rate: by rows, by blocks of rows that are alike, and by several kinds of blocks.

Rows of one day, or of one terminal, are alike, so they say less about a rate than as many independent rows would. Such
rows form a block, and the bounds take blocks as the unit of sampling.
"""

from collections.abc import Sequence
from typing import Final

import numpy as np
from scipy import special

from antifraud.errors import SettingsError
from antifraud.stats.score_tables import Floats, Ints

LARGEST_DELTA: Final = 0.5
NO_SKEWNESS: Final = 1e-6
"""Below it blocks count as symmetric."""
PAIRS_A_BLOCK: Final = 8
"""So many pairs of flagged and rows may be possible for each block; more are sorted, which costs less than counting."""
GIANT: Final = 10
"""A block with more rows than so many average blocks is a giant."""
FEWEST_ORDINARY: Final = 30
"""Giants are strata of their own only where so many other blocks tell how rates differ."""
NEWTON_STEPS: Final = 100
NEWTON_CLOSE: Final = 1e-6
"""The equation of `variance_between_blocks` counts as solved at this excess, as a share of the number of blocks."""


def require_delta(delta: float) -> None:
    """Refuse a probability from 0.5 up: such a bound would lie at or below the estimate itself.

    Raises:
        SettingsError: `delta` is not above 0 and below 0.5.
    """
    if not 0 < delta < LARGEST_DELTA:
        raise SettingsError(
            f"an upper bound that is too low with probability {delta} is none: expected a probability above 0 and "
            f"below {LARGEST_DELTA}, such as 0.01; correct ANTIFRAUD_DELTA"
        )


def row_bound(flagged: float, rows: float, delta: float) -> float:
    """Return the upper confidence bound of a rate for independent rows; it is the dual of `np_threshold`.

    Args:
        flagged: Flagged rows; no whole number where dependent rows are counted as fewer independent ones.
        rows: All rows, at least 1.
        delta: Probability that the bound is too low.

    Source: Clopper & Pearson (1934), The use of confidence or fiducial limits illustrated in the case of the binomial.

    >>> round(row_bound(0, 101, 0.01), 4)
    0.0446
    """
    return 1.0 if flagged >= rows else float(special.betaincinv(flagged + 1, rows - flagged, 1 - delta))


def block_bound(flagged: Ints, rows: Ints, delta: float) -> float:
    """Return the upper confidence bound of a rate from flagged rows and all rows of each block, 1 at most.

    It is the wider of two. `stratified_bound` holds for any kind of difference between many blocks. `pooled_bound`
    holds where a few blocks have most of the rows, and many small ones tell how much blocks differ.

    Args:
        flagged: Flagged rows of each block, shape ``(blocks,)``.
        rows: All rows of each block, at least 1, shape ``(blocks,)``.
        delta: Probability that the bound is too low.

    >>> block_bound(np.array([4, 4, 4]), np.array([100, 100, 100]), 0.01)
    0.04
    """
    flagged, rows, times = merge_alike(flagged, rows)
    return min(1.0, max(stratified_bound(flagged, rows, delta, times), pooled_bound(flagged, rows, delta, times)))


def merge_alike(flagged: Ints, rows: Ints) -> tuple[Ints, Ints, Ints]:
    """Merge blocks with equal counts; return flagged, rows, and how many blocks each pair stands for.

    A million customers have a few thousand different pairs.

    >>> [part.tolist() for part in merge_alike(np.array([0, 1, 0, 0]), np.array([2, 2, 2, 3]))]
    [[0, 1, 0], [2, 2, 3], [2, 1, 1]]
    """
    # Counting in an array is several times faster than sorting, but takes a cell for every possible pair.
    width = int(flagged.max()) + 1
    pair = rows * width + flagged
    if pair.max() > PAIRS_A_BLOCK * rows.size:
        found, times = np.unique(pair, return_counts=True)
    else:
        times = np.bincount(pair)
        found = np.flatnonzero(times)
        times = times[found]
    return found % width, found // width, times


def stratified_bound(flagged: Ints, rows: Ints, delta: float, times: Ints) -> float:
    """Return the upper confidence bound of a rate, with each giant block as a stratum of its own.

    A giant's deviation would pass for skewness of all blocks, and widen the bound several times over. Its stratum has
    its own rate. The other blocks tell how far such a rate may lie from what it would be in another sample of blocks.

    Args:
        flagged: Flagged rows of each block, shape ``(blocks,)``.
        rows: All rows of each block, at least 1, shape ``(blocks,)``.
        delta: Probability that the bound is too low.
        times: Blocks that each entry stands for, shape ``(blocks,)``.

    Source: Cochran (1977), Sampling Techniques, 5.3, for the variance of a sum over strata.

    >>> rows, ones = np.array([3_000, *[50] * 60]), np.ones(61, int)
    >>> flagged = np.array([240, *[0, 1, 2, 3, 4, 5] * 10])
    >>> round(stratified_bound(flagged, rows, 0.01, ones), 3), round(ratio_bound(flagged, rows, 0.01, ones), 3)
    (0.085, 0.122)
    """
    giant = rows * times.sum() > GIANT * (rows @ times)
    rest = ~giant
    if not giant.any() or times[rest].sum() < FEWEST_ORDINARY:
        return ratio_bound(flagged, rows, delta, times)
    total, ratio = rows @ times, float(flagged @ times / (rows @ times))
    ordinary = flagged[rest], rows[rest]
    own = float((flagged @ times - flagged[giant] @ times[giant]) / (rows[rest] @ times[rest]))
    distance = (ratio_bound(*ordinary, delta, times[rest]) - own) * (rows[rest] @ times[rest]) / total
    within = ratio * (1 - ratio) / rows[giant]
    variance = variance_between_blocks(*ordinary, times[rest]) + within
    spread = float((rows[giant] / total) ** 2 * variance @ times[giant])
    quantile = float(special.stdtrit(times[rest].sum() - 1, 1 - delta))
    return ratio + float(np.sqrt(distance**2 + spread * quantile**2))


def ratio_bound(amounts: Ints | Floats, rows: Ints, delta: float, times: Ints | None = None) -> float:
    """Return the upper confidence bound of a ratio of sums, with the block as the unit of sampling.

    The linearised ratio estimator, with a Student t quantile. Where a few blocks stand out upwards, plain t would cover
    too seldom, so Hall's cubic transformation widens the interval.

    Args:
        amounts: Numerator of each block, shape ``(blocks,)``; it may be negative.
        rows: Denominator of each block, above 0, shape ``(blocks,)``.
        delta: Probability that the bound is too low.
        times: Blocks that each entry stands for, shape ``(blocks,)``; None is one block each.

    Sources: Cochran (1977), Sampling Techniques, 6.3; Hall (1992), On the removal of skewness by transformation.

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
    quantile = -float(special.stdtrit(blocks - 1, 1 - delta)) / np.sqrt(blocks)
    skewness = float(residual**3 @ times) / blocks / (squares / blocks) ** 1.5
    # Skewness downwards would narrow the interval, and an estimate of it from few blocks is not to be trusted.
    if skewness > NO_SKEWNESS:
        inner = 1 + skewness * (quantile - skewness / (6 * blocks))
        quantile = float(np.cbrt(inner) - 1) * 3 / skewness
    return float(ratio - spread * quantile)


def pooled_bound(flagged: Ints, rows: Ints, delta: float, times: Ints | None = None) -> float:
    """Return the upper confidence bound of a rate that differs between blocks of very different sizes, 1 at most.

    A large block is one observation, so it cannot tell how it might have come out. The variance between blocks is
    therefore estimated from all of them alike (`variance_between_blocks`). Where chance alone explains the differences,
    the bound is the ratio itself: the small blocks need rows enough to differ by more than chance.

    Args:
        flagged: Flagged rows of each block, shape ``(blocks,)``.
        rows: All rows of each block, at least 1, shape ``(blocks,)``.
        delta: Probability that the bound is too low.
        times: Blocks that each entry stands for, shape ``(blocks,)``; None is one block each.

    Source: Satterthwaite (1946), An approximate distribution of estimates of variance components, for the degrees of
    freedom.

    >>> even, uneven = np.full(50, 100), np.array([2_550, *[50] * 49])
    >>> rates = np.where(np.arange(50) % 2, 0.02, 0.08)
    >>> [round(pooled_bound((rates * rows).astype(int), rows, 0.01), 3) for rows in (even, uneven)]
    [0.062, 0.106]
    """
    times = np.ones_like(rows) if times is None else times
    total = rows @ times
    ratio, share = float(flagged @ times / total), rows / total
    between = variance_between_blocks(flagged, rows, times)
    if not between:
        return ratio
    within = ratio * (1 - ratio)
    concentration = float(share**2 @ times)
    variance = within / total + between * concentration
    freedom = (variance / concentration) ** 2 * float((within / rows + between) ** -2 @ times)
    return _gamma_bound(ratio, float(variance), float(freedom), delta)


def _gamma_bound(ratio: float, variance: float, freedom: float, delta: float) -> float:
    """Return the bound of a rate from its estimate, the variance of the estimate, and degrees of freedom."""
    # Rates are skewed, and the more so the fewer blocks count. A gamma variable with the rate as its mean is skewed
    # alike. It is spread by the ratio of Student's t quantile to the normal one.
    wider = special.stdtrit(freedom, delta) / special.ndtri(delta)
    form = ratio**2 / (variance * wider**2)
    quantile = float(special.gammaincinv(form, delta))
    # With few degrees of freedom the quantile may be as small as 0, which says nothing: the bound is 1 then.
    return float(ratio * form / quantile) if quantile > ratio * form else 1.0


def variance_between_blocks(flagged: Ints, rows: Ints, times: Ints | None = None) -> float:
    """Return the variance between rates of blocks beyond the chance variance of such counts; 0 if there is none.

    Args:
        flagged: Flagged rows of each block, shape ``(blocks,)``.
        rows: All rows of each block, at least 1, shape ``(blocks,)``.
        times: Blocks that each entry stands for, shape ``(blocks,)``; None is one block each.

    Sources: Paule & Mandel (1982), Consensus values and weighting factors, but around the ratio of all rows. The Newton
    steps, which rise to the solution from 0, are those of DerSimonian & Kacker (2007), Random-effects model for
    meta-analysis of clinical trials: an update.

    >>> variance_between_blocks(np.array([1, 2, 3]), np.array([50, 50, 50]))
    0.0
    >>> round(variance_between_blocks(np.array([0, 0, 30, 30]), np.array([100, 100, 100, 100])), 4)
    0.0287
    """
    times = np.ones_like(rows) if times is None else times
    blocks, ratio = int(times.sum()), (flagged @ times) / (rows @ times)
    squares, within = (flagged - ratio * rows) ** 2, ratio * (1 - ratio) * rows
    if not within.any():
        return 0.0
    between = 0.0
    for _ in range(NEWTON_STEPS):
        expected = within + rows.astype(float) ** 2 * between
        excess = float((squares / expected) @ times) - (blocks - 1)
        if excess <= NEWTON_CLOSE * blocks:
            break
        between += excess / float((squares * (rows / expected) ** 2) @ times)
    return between


def joint_bound(ratio: float, row: float, others: Sequence[float]) -> float:
    """Join the bounds by rows and by several kinds of blocks into one that is not below any of them, 1 at most.

    Where days and terminals both make rows alike, a bound by either kind overlooks the other. Variances add up, and the
    rows' own counts once. Here squared distances of the bounds stand for variances, so that each bound keeps its own
    quantile and skewness. A kind with a narrower bound than the rows adds nothing.

    Args:
        ratio: The rate itself, which all bounds lie around.
        row: Bound by rows.
        others: Bound by each kind of block.

    Source: Cameron, Gelbach & Miller (2011), Robust inference with multiway clustering.

    >>> joint_bound(0.02, 0.03, [0.04, 0.03, 0.025])
    0.04
    """
    # Each kind's distance holds the rows' own variance; it must be added once, not once a kind.
    own = (row - ratio) ** 2
    excess = sum(max(0.0, max(0.0, other - ratio) ** 2 - own) for other in others)
    return min(1.0, float(ratio + np.sqrt(own + excess)))
