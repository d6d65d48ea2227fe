"""Thresholds that keep the false-positive rate within a target with stated confidence."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

import numpy as np
from scipy import stats

from antifraud.errors import DataError, NotEnoughRows
from antifraud.stats.bounds import block_bound, joint_bound, require_delta, row_bound
from antifraud.stats.score_tables import FLAG_ALL, Floats, Ints, ScoreTable
from antifraud.stats.weighted import HeavyRows, weighted_row_bound

ROWS: Final = "rows"
"""Name of the check that takes every row as independent."""
TOGETHER: Final = "all kinds together"
"""Name of the check that lets every kind of block add its own variance."""
GROUPS: Final = "groups"
"""Name of the kind that joins terminals: chains or regions."""
MIN_BLOCKS: Final = 7
"""Fewer blocks than this say nothing about how blocks differ."""
WEEK: Final = 7
MIN_WEEKS: Final = 4
"""Fewer weeks than this are no blocks. Weeks are nearly normal, so few of them do, at the cost of a wide bound."""
MOST_TRIED: Final = 1_000
"""A search tries at most so many thresholds, evenly spaced: a step is a thousandth of what the target flags."""


@dataclass(frozen=True, slots=True, eq=False)
class LegitBlocks:
    """Legitimate rows counted by block and score; the columns have shape ``(n,)``.

    Attributes:
        name: Kind of the blocks, such as days or terminals.
        block: Number of the block; any integers, which are renumbered from 0.
        score: Risk, ppm.
        legit: Legitimate rows of this block with this score.
        lowest: Scores up to it may have been counted as one, so nothing can be said about thresholds below it.
        within: Name of the kind that these blocks are parts or groups of; None: their own. Kinds that share it nest, so
            only the widest of them adds its variance to the others.
    """

    name: str
    block: Ints
    score: Ints
    legit: Ints
    lowest: int = FLAG_ALL
    within: str | None = None
    totals: Floats = field(init=False)
    """Legitimate rows of each block."""

    def __post_init__(self) -> None:
        """Renumber the blocks and sort by score once, because bounds are asked for at many thresholds."""
        order = np.argsort(self.score, kind="stable")
        numbers = np.unique(self.block, return_inverse=True)[1]
        for name, column in (("block", numbers), ("score", self.score), ("legit", self.legit)):
            object.__setattr__(self, name, column[order])  # frozen for all others
        object.__setattr__(self, "totals", np.bincount(self.block, self.legit))

    @classmethod
    def of_days(cls, table: ScoreTable) -> "LegitBlocks":
        """Take the days of a score table as blocks."""
        return cls(
            "days",
            table.day.astype(np.int64),
            table.score.astype(np.int64),
            table.legit,
        )

    @classmethod
    def of_weeks(cls, table: ScoreTable) -> "LegitBlocks | None":
        """Take each seven consecutive days of a score table as a block; None with fewer than `MIN_WEEKS` of them.

        Days in a row may resemble each other, and weeks take that into account. The last block has the days that are
        left over, too.

        >>> days = np.arange(30)
        >>> weeks = LegitBlocks.of_weeks(ScoreTable.from_rows(days, days, [False] * 30, [1] * 30))
        >>> weeks.totals.tolist()
        [7.0, 7.0, 7.0, 9.0]
        """
        if not table.day.size:
            return None
        day = table.day.astype(np.int64) - int(table.day.min())
        weeks = (int(day.max()) + 1) // WEEK
        if weeks < MIN_WEEKS:
            return None
        block = np.minimum(day // WEEK, weeks - 1)
        return cls("weeks", block, table.score.astype(np.int64), table.legit, within="days")


def time_blocks(table: ScoreTable) -> list[LegitBlocks]:
    """Return the days of a score table as blocks, and its weeks where it has enough of them."""
    weeks = LegitBlocks.of_weeks(table)
    return [LegitBlocks.of_days(table), *([weeks] if weeks else [])]


def order_statistic(n: int, target: float, delta: float) -> int:
    """Return the rank of the threshold among legitimate scores: the least k with P(Bin(n, 1 - target) >= k) <= delta.

    Args:
        n: Legitimate rows.
        target: False-positive rate that must not be exceeded.
        delta: Probability with which it may be exceeded all the same.

    Raises:
        NotEnoughRows: Even the largest score gives no such confidence; the message says how many rows are missing.
        SettingsError: `delta` is none.

    Source: Tong, Feng & Li (2018), Neyman-Pearson classification algorithms and NP receiver operating characteristics,
    proposition 1.

    >>> order_statistic(101, 0.045, 0.01)
    101
    """
    require_delta(delta)
    needed = int(np.ceil(np.log(delta) / np.log1p(-target)))
    if n < needed:
        raise NotEnoughRows(
            f"an FPR of {target:.3%} with confidence {1 - delta:.3%} needs {needed} legitimate rows, found {n}: "
            f"{needed - n} are missing, certify on more days"
        )
    # isf may be off by one where a probability equals delta to the last bits, so its neighbours are tried as well.
    k = int(stats.binom.isf(delta, n, 1 - target)) + 1
    while k > 1 and stats.binom.sf(k - 2, n, 1 - target) <= delta:
        k -= 1
    while stats.binom.sf(k - 1, n, 1 - target) > delta:
        k += 1
    return k


def np_threshold(table: ScoreTable, target: float, delta: float) -> int:
    """Return the lowest threshold (ppm) with a true FPR above `target` with probability `delta` at most.

    This holds for exchangeable rows. Ties are safe: only scores strictly above the threshold are flagged.

    Raises:
        NotEnoughRows: As `order_statistic`.

    Source as for `order_statistic`.

    >>> table = ScoreTable.from_rows([0] * 200, range(200), [False] * 200, [100] * 200)
    >>> np_threshold(table, target=0.045, delta=0.01)
    197
    """
    k = order_statistic(int(table.legit.sum()), target, delta)
    # The k-th smallest legitimate score, from counts: the first score with k legitimate rows at or below it.
    order = np.argsort(table.score, kind="stable")
    return int(table.score[order][np.searchsorted(np.cumsum(table.legit[order]), k)])


def fpr_bounds(
    table: ScoreTable, blocks: Sequence[LegitBlocks], threshold: int, delta: float, heavy: HeavyRows | None = None
) -> dict[str, float]:
    """Bound the FPR at a threshold by rows and by each kind of block, each with confidence 1 - `delta`.

    Args:
        table: Score table of the rows.
        blocks: The same legitimate rows by blocks, one entry a kind.
        threshold: Scores above it are flagged, ppm.
        delta: Probability that one bound is too low.
        heavy: Rows of the table that are counted several times; None if there are none.

    Returns:
        Upper bounds by name: `ROWS`, then the kinds of blocks. With two kinds or more `TOGETHER` comes last, which is
        `joint_bound` and never below any other.

    Raises:
        NotEnoughRows: There is no legitimate row, or fewer than `MIN_BLOCKS` blocks of a kind.
        DataError: `threshold` is below what the blocks were counted for.
        SettingsError: `delta` is none.

    >>> day, score = np.arange(700) % 7, np.arange(700)
    >>> table = ScoreTable.from_rows(day, score, [False] * 700, [1] * 700)
    >>> found = fpr_bounds(table, [LegitBlocks.of_days(table)], 678, delta=0.01)
    >>> {name: round(bound, 4) for name, bound in found.items()}
    {'rows': 0.0486, 'days': 0.03}
    """
    require_delta(delta)
    return _bounds(table, blocks, threshold, delta, heavy)


def _bounds(
    table: ScoreTable,
    blocks: Sequence[LegitBlocks],
    threshold: int,
    delta: float,
    heavy: HeavyRows | None,
    most: float = 1.0,
) -> dict[str, float]:
    """Return what `fpr_bounds` does, but only up to the first bound above `most`."""
    rows = int(table.legit.sum())
    if not rows:
        raise NotEnoughRows("an FPR needs legitimate rows, found none: choose days whose labels have matured")
    false_positives = int(table.legit[table.score > threshold].sum())
    if heavy is None:
        bounds = {ROWS: row_bound(false_positives, rows, delta)}
    else:
        bounds = {ROWS: weighted_row_bound(false_positives, rows, heavy, threshold, delta)}
    together = bounds[ROWS]
    for place, kind in enumerate(blocks, start=1):
        if together > most:
            return bounds | {TOGETHER: together}
        flagged, legit = flagged_by_block(kind, threshold)
        _require_blocks(kind, legit.size)
        bounds[kind.name] = block_bound(flagged, legit, delta)
        together = joint_bound(false_positives / rows, bounds[ROWS], _widest_of_nested(blocks[:place], bounds))
    return bounds | {TOGETHER: together} if len(blocks) > 1 else bounds


def _require_blocks(kind: LegitBlocks, found: int) -> None:
    least = MIN_WEEKS if kind.within == "days" else MIN_BLOCKS
    if found < least:
        raise NotEnoughRows(
            f"an FPR bound by {kind.name} needs {least} {kind.name} with legitimate rows, found {found}: "
            f"{least - found} are missing"
        )


def _widest_of_nested(blocks: Sequence[LegitBlocks], bounds: Mapping[str, float]) -> list[float]:
    """Return the widest bound of each set of nested kinds: weeks hold the variance of their days already."""
    widest: dict[str, float] = {}
    for kind in blocks:
        of = kind.within or kind.name
        widest[of] = max(widest.get(of, 0.0), bounds[kind.name])
    return list(widest.values())


def flagged_by_block(kind: LegitBlocks, threshold: int) -> tuple[Ints, Ints]:
    """Return flagged and all legitimate rows of each block that has any, in the order of the blocks' numbers.

    Raises:
        DataError: `threshold` is below what the blocks were counted for.
    """
    if threshold < kind.lowest:
        raise DataError(
            f"scores of {kind.name} were counted from {kind.lowest} ppm up, {threshold} lies below: reduce the rows "
            "again with that as the lowest threshold"
        )
    first = np.searchsorted(kind.score, threshold, side="right")
    flagged = np.bincount(kind.block[first:], kind.legit[first:], kind.totals.size)
    used = kind.totals > 0
    return flagged[used].astype(np.int64), kind.totals[used].astype(np.int64)


def certified_threshold(
    table: ScoreTable, blocks: Sequence[LegitBlocks], target: float, delta: float, heavy: HeavyRows | None = None
) -> int:
    """Find the smallest threshold (ppm), from `np_threshold` up, with every bound of `fpr_bounds` within `target`.

    Where more than `MOST_TRIED` scores come into question, it is the smallest of so many evenly spaced ones. Rows that
    are counted several times (`heavy`) make `np_threshold` too low, which the bounds correct.

    Each bound alone is as good at the chosen threshold as at a fixed one. The choice goes wrong only where the bound at
    the lowest rightful threshold was too small, and this has probability `delta`.

    Raises:
        NotEnoughRows: As `order_statistic` and `fpr_bounds`.
        DataError: As `fpr_bounds`.

    >>> day, score = np.arange(700) % 7, np.arange(700)
    >>> table = ScoreTable.from_rows(day, score, [False] * 700, [1] * 700)
    >>> certified_threshold(table, [LegitBlocks.of_days(table)], target=0.045, delta=0.01)
    681
    """
    start = np_threshold(table, target, delta)
    candidates = np.unique(table.score[(table.legit > 0) & (table.score >= start)])

    # One by one, because bounds do not fall steadily: where a giant terminal's rows end, halving skipped a threshold
    # that holds (tests/unit/stats/test_threshold_search.py). The last one flags no legitimate row, so it holds.
    tried = candidates[np.unique(np.linspace(0, candidates.size - 1, MOST_TRIED).astype(int))]
    bounds = ((int(each), _bounds(table, blocks, int(each), delta, heavy, target)) for each in tried)
    holding = (each for each, found in bounds if max(found.values()) <= target)
    return next(holding, int(tried[-1]))
