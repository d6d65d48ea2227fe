"""Upper confidence bounds of the difference of two false-positive rates, for rows that both models decided about.

Three worlds break a bound that takes days as independent (`bench/gate/concentrated.py`):

- few terminals or customers have all the additional flags, so that a window may show none of them;
- terminals differ very much in size, so that one large terminal decides what a window shows;
- days resemble the days before, so that a month is worth only a few independent days.
"""

from typing import Final

import numpy as np
from scipy import stats

from antifraud.stats.bounds import joint_bound, ratio_bound
from antifraud.stats.paired import PairedBlocks, PairedRows
from antifraud.stats.score_tables import Floats, Ints

ROWS: Final = "rows"
DAYS: Final = "days"
SLOW_DAYS: Final = "days that resemble each other"
TOGETHER: Final = "all kinds together"
SLOW_WAVES: Final = 2
"""Waves that measure how days drift: two keep the promise for 28 days with autocorrelation 0.8. Each costs power."""


def difference_bounds(paired: PairedRows, net: Ints, legit: Ints, alpha: float) -> dict[str, float]:
    """Bound the difference of two false-positive rates by rows, by days and by each kind of block, 1 at most.

    Args:
        paired: Legitimate rows by what both models do with them.
        net: By how many legitimate rows of each day the candidate flags more, shape ``(days,)``, in order.
        legit: Legitimate rows of each day, at least 1, shape ``(days,)``.
        alpha: Probability that one bound is too low.

    Returns:
        Upper bounds by name. The last one, `TOGETHER`, is never below any other.

    >>> paired = PairedRows.from_rows([0] * 800, [1] * 8 + [0] * 792, terminals=range(800))
    >>> found = difference_bounds(paired, np.full(8, 1), np.full(8, 100), 0.05)
    >>> {name: round(bound, 3) for name, bound in found.items() if name != SLOW_DAYS}
    {'rows': 0.018, 'days': 0.01, 'terminals': 0.018, 'all kinds together': 0.018}
    """
    total = int(legit.sum())
    ratio = (paired.added - paired.removed) / total
    row = ratio + _excess(paired.added, paired.added, paired.removed, paired.removed, alpha) / total
    days, slow = ratio_bound(net, legit, alpha), slow_bound(net, legit, alpha)
    seen = {kind.name: ratio_bound(kind.net, kind.legit, alpha, kind.times) for kind in paired.blocks}
    rare = {kind.name: rare_bound(kind, alpha) for kind in paired.blocks}
    each = {ROWS: row, DAYS: days, SLOW_DAYS: slow} | {name: max(seen[name], rare[name]) for name in seen}
    # A bound by rare blocks allows for blocks that the window does not show. Adding it once a kind would allow for
    # several unlikely things at once, so only what was seen is added up.
    joint = joint_bound(ratio, row, [max(days, slow), *seen.values()])
    return {name: min(1.0, bound) for name, bound in (each | {TOGETHER: max(joint, *each.values())}).items()}


def fewest_blocks(margin: float, alpha: float) -> int:
    """Return how many blocks a comparison needs at least, so that a window without any difference is within a margin.

    No sound bound needs fewer. Suppose that the candidate flags a share of blocks as a whole, as large as the margin.
    Then a window of m blocks shows none of them with probability ``(1 - margin) ** m``, and must not pass more often
    than `alpha` allows.

    >>> fewest_blocks(0.005, 0.05)
    600
    """
    return int(np.ceil(-np.log(alpha) / margin))


def rare_bound(kind: PairedBlocks, alpha: float) -> float:
    """Bound the mean difference of a block, for differences that few blocks of any size may have.

    Every block counts alike, because a large one is as rare as a small one. One block more than the window shows is
    allowed to be flagged as a whole: without any difference, the bound is that of no event among so many blocks.

    Args:
        kind: The blocks.
        alpha: Probability that the bound is too low.

    Source: Fay & Feuer (1997), Confidence intervals for directly standardized rates: a method based on the gamma
    distribution. The difference of two such rates as in Zou & Donner (2008), Construction of confidence limits about
    effect measures: a general approach.

    >>> same = PairedBlocks("terminals", np.array([20]), np.array([0]), np.array([1_000]))
    >>> round(rare_bound(same, 0.05), 6)  # the rule of three: 3 / 1,000
    0.002996
    """
    share, times = kind.net / kind.legit, kind.times
    more, less = np.maximum(share, 0.0), np.maximum(-share, 0.0)
    added, added_squared, removed, removed_squared = (float(part @ times) for part in (more, more**2, less, less**2))
    excess = _excess(added, added_squared, removed, removed_squared, alpha)
    return (added - removed + excess) / float(times.sum())


def _excess(more: float, more_squared: float, less: float, less_squared: float, alpha: float) -> float:
    """Return how far above the difference of two sums of rare events its bound lies; the sums add squared distances."""
    # An event of weight 1, the largest there is, is added to what was seen.
    scale = (more_squared + 1) / (more + 1)
    upper = scale * float(stats.gamma.ppf(1 - alpha, (more + 1) / scale)) - more
    if not less:
        return upper
    scale = less_squared / less
    lower = less - scale * float(stats.gamma.ppf(alpha, less / scale))
    return float(np.hypot(upper, lower))


def slow_bound(net: Ints, legit: Ints, alpha: float) -> float:
    """Bound the difference where days resemble the days before, by the variance of its slowest waves.

    Args:
        net: Numerator of each day, in order, shape ``(days,)``.
        legit: Denominator of each day, above 0, shape ``(days,)``.
        alpha: Probability that the bound is too low.

    Source: Lazarus, Lewis, Stock & Watson (2018), HAR inference: recommendations for practice; equal-weighted cosines.

    >>> fast, slow = np.arange(28) % 2, np.arange(28) // 14
    >>> [round(slow_bound(net, np.full(28, 1), 0.05), 2) for net in (fast, slow)]
    [0.55, 1.43]
    """
    ratio, days = float(net.sum()) / float(legit.sum()), net.size
    variance = float(np.square(_slow_waves(net, legit)).mean())
    return ratio + float(stats.t.ppf(1 - alpha, SLOW_WAVES) * np.sqrt(variance / days))


def slow_variance(net: Ints, legit: Ints) -> float:
    """Return the variance of the slowest waves as a multiple of the days' own; independent days have about 1.

    Arguments are those of `slow_bound`.

    >>> fast, slow = np.arange(28) % 2, np.arange(28) // 14
    >>> [round(slow_variance(net, np.full(28, 1)), 1) for net in (fast, slow)]
    [0.0, 11.0]
    """
    residual = (net - float(net.sum()) / float(legit.sum()) * legit) / legit.mean()
    own = float(residual.var(ddof=1))
    return float(np.square(_slow_waves(net, legit)).mean()) / own if own else 0.0


def _slow_waves(net: Ints, legit: Ints) -> Floats:
    """Return the amplitudes of the slowest waves, scaled to the standard deviation of independent days."""
    residual: Floats = (net - float(net.sum()) / float(legit.sum()) * legit) / legit.mean()
    turns = np.outer(np.arange(1, SLOW_WAVES + 1), np.arange(net.size) + 0.5) / net.size
    amplitudes: Floats = np.sqrt(2 / net.size) * (np.cos(np.pi * turns) @ residual)
    return amplitudes
