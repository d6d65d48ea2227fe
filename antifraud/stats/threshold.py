"""Thresholds that keep the false-positive rate within a target with stated confidence, and the choice of beta."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

import numpy as np
from scipy import stats

from antifraud.errors import DataError, NotEnoughRows
from antifraud.stats.bounds import block_bound, joint_bound, row_bound
from antifraud.stats.score_tables import FLAG_ALL, MONTH_DAYS, Floats, Ints, ScoreTable, curve

ROWS: Final = "rows"
"""Name of the check that takes every row as independent."""
TOGETHER: Final = "all kinds together"
"""Name of the check that lets every kind of block add its own variance."""
MIN_BLOCKS: Final = 7
"""Fewer blocks than this say nothing about how blocks differ."""
BETAS: Final = (0.5, 0.7, 1.0, 1.5, 2.0, 3.0, 4.0, 6.0, 8.0, 12.0, 16.0, 24.0)
"""The grid that beta is tuned on."""
TUNING_SHARE: Final = 0.25
"""Part of the loss limit that beta is tuned to: a week shows few of the episodes that the bound on certify counts."""


@dataclass(frozen=True, slots=True, eq=False)
class LegitBlocks:
    """Legitimate rows counted by block and score; the columns have shape ``(n,)``.

    Attributes:
        name: Kind of the blocks, such as days or terminals.
        block: Number of the block; any integers, which are renumbered from 0.
        score: Risk, ppm.
        legit: Legitimate rows of this block with this score.
        lowest: Scores up to it may have been counted as one, so nothing can be said about thresholds below it.
    """

    name: str
    block: Ints
    score: Ints
    legit: Ints
    lowest: int = FLAG_ALL
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


def order_statistic(n: int, target: float, delta: float) -> int:
    """Return the rank of the threshold among legitimate scores: the least k with P(Bin(n, 1 - target) >= k) <= delta.

    Args:
        n: Legitimate rows.
        target: False-positive rate that must not be exceeded.
        delta: Probability with which it may be exceeded all the same.

    Raises:
        NotEnoughRows: Even the largest score gives no such confidence; the message says how many rows are missing.

    Source: Tong, Feng & Li (2018), Neyman-Pearson classification algorithms and NP receiver operating characteristics,
    proposition 1.

    >>> order_statistic(101, 0.045, 0.01)
    101
    """
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


def fpr_bounds(table: ScoreTable, blocks: Sequence[LegitBlocks], threshold: int, delta: float) -> dict[str, float]:
    """Bound the FPR at a threshold by rows and by each kind of block, each with confidence 1 - `delta`.

    Args:
        table: Score table of the rows.
        blocks: The same legitimate rows by blocks, one entry a kind.
        threshold: Scores above it are flagged, ppm.
        delta: Probability that one bound is too low.

    Returns:
        Upper bounds by name: `ROWS`, then the kinds of blocks. With two kinds or more `TOGETHER` comes last, which is
        `joint_bound` and never below any other.

    Raises:
        NotEnoughRows: There is no legitimate row, or fewer than `MIN_BLOCKS` blocks of a kind.
        DataError: `threshold` is below what the blocks were counted for.

    >>> day, score = np.arange(700) % 7, np.arange(700)
    >>> table = ScoreTable.from_rows(day, score, [False] * 700, [1] * 700)
    >>> found = fpr_bounds(table, [LegitBlocks.of_days(table)], 678, delta=0.01)
    >>> {name: round(bound, 4) for name, bound in found.items()}
    {'rows': 0.0486, 'days': 0.03}
    """
    rows = int(table.legit.sum())
    if not rows:
        raise NotEnoughRows("an FPR needs legitimate rows, found none: choose days whose labels have matured")
    false_positives = int(table.legit[table.score > threshold].sum())
    bounds = {ROWS: row_bound(false_positives, rows, delta)}
    for kind in blocks:
        flagged, legit = _per_block(kind, threshold)
        if legit.size < MIN_BLOCKS:
            raise NotEnoughRows(
                f"an FPR bound by {kind.name} needs {MIN_BLOCKS} {kind.name} with legitimate rows, found {legit.size}: "
                f"{MIN_BLOCKS - legit.size} are missing"
            )
        bounds[kind.name] = block_bound(flagged, legit, delta)
    if len(blocks) > 1:
        bounds[TOGETHER] = joint_bound(false_positives / rows, bounds[ROWS], [bounds[kind.name] for kind in blocks])
    return bounds


def _per_block(kind: LegitBlocks, threshold: int) -> tuple[Ints, Ints]:
    """Return flagged and all legitimate rows of each block that has any."""
    if threshold < kind.lowest:
        raise DataError(
            f"scores of {kind.name} were counted from {kind.lowest} ppm up, {threshold} lies below: reduce the rows "
            "again with that as the lowest threshold"
        )
    first = np.searchsorted(kind.score, threshold, side="right")
    flagged = np.bincount(kind.block[first:], kind.legit[first:], kind.totals.size)
    used = kind.totals > 0
    return flagged[used].astype(np.int64), kind.totals[used].astype(np.int64)


def certified_threshold(table: ScoreTable, blocks: Sequence[LegitBlocks], target: float, delta: float) -> int:
    """Find the smallest threshold (ppm), from `np_threshold` up, with every bound of `fpr_bounds` within `target`.

    Each bound alone is as good at the chosen threshold as at a fixed one. The choice goes wrong only where the bound at
    the lowest rightful threshold was too small, and this has probability `delta`.

    Raises:
        NotEnoughRows: As `order_statistic` and `fpr_bounds`.
        DataError: As `fpr_bounds`.

    >>> day, score = np.arange(700) % 7, np.arange(700)
    >>> table = ScoreTable.from_rows(day, score, [False] * 700, [1] * 700)
    >>> certified_threshold(table, [LegitBlocks.of_days(table)], target=0.045, delta=0.01)
    684
    """
    start = np_threshold(table, target, delta)
    candidates = np.unique(table.score[(table.legit > 0) & (table.score >= start)])

    def holds(index: int) -> bool:
        return max(fpr_bounds(table, blocks, int(candidates[index]), delta).values()) <= target

    # Halving, because bounds fall as the threshold rises, with rare small exceptions. At the largest legitimate score
    # nothing is flagged, so the last candidate always holds.
    low, high = 0, candidates.size - 1
    while low < high:
        middle = (low + high) // 2
        low, high = (low, middle) if holds(middle) else (middle + 1, high)
    return int(candidates[low])


@dataclass(frozen=True, slots=True)
class BetaChoice:
    """A beta, and the threshold (ppm) that maximises F_beta on the select window."""

    beta: float
    threshold: int


def select_beta(
    select: ScoreTable, loss_limit_minor: int, *, level: float, factor: float = 1.0, quiet_days: int = 0
) -> BetaChoice:
    """Select the smallest beta with an F_beta-optimal threshold that meets `TUNING_SHARE` of the loss limit.

    If no beta of `BETAS` does, the largest is taken: the certify window raises the threshold to what the FPR allows,
    and tests the loss.

    Args:
        select: Score table of the select window.
        loss_limit_minor: Missed fraud that is allowed a month, minor units.
        level: Probability of the prediction limit that is compared with it.
        factor: Volume judged at over that of the select window.
        quiet_days: Days of the window without any transaction, which are not in its table.

    Raises:
        NoFraud: The window has no fraud.
        OnlyFraud: It has no legitimate row.
        NotEnoughRows: The window has fewer than `MIN_BLOCKS` days.

    >>> week, ones = np.arange(28) // 4, np.ones(28)
    >>> table = ScoreTable.from_rows(week, [1, 5, 7, 9] * 7, [False, True, False, True] * 7, ones)
    >>> select_beta(table, loss_limit_minor=1_000, level=0.99), select_beta(table, loss_limit_minor=100, level=0.99)
    (BetaChoice(beta=0.5, threshold=7), BetaChoice(beta=1.0, threshold=1))
    """
    trade_off = curve(select)
    for beta in BETAS:
        choice = BetaChoice(beta, int(trade_off.threshold[np.argmax(trade_off.f_beta(beta))]))
        if _month_upper(select, choice.threshold, level, quiet_days) * factor <= TUNING_SHARE * loss_limit_minor:
            break
    return choice


def _month_upper(table: ScoreTable, threshold: int, level: float, quiet_days: int) -> float:
    """Return an upper prediction limit of 30 days' missed fraud, minor units.

    Days count as independent, which they are not: it is for tuning only.
    """
    missed = table.by_day(table.fraud_amount * (table.score <= threshold))
    daily = np.concatenate([missed, np.zeros(quiet_days, missed.dtype)])
    if daily.size < MIN_BLOCKS:
        raise NotEnoughRows(f"beta is tuned on {MIN_BLOCKS} days at least, found {daily.size}: select on more days")
    spread = daily.std(ddof=1) * np.sqrt(MONTH_DAYS + MONTH_DAYS**2 / daily.size)
    return float(MONTH_DAYS * daily.mean() + stats.t.ppf(level, daily.size - 1) * spread)
