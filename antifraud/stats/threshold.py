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
    """Legitimate rows counted by (block, score): `block`, `score` (ppm) and `legit` (counts) have shape ``(n,)``.

    `name` says what a block is, such as days or terminals. Any integers can name the blocks. Scores up to `lowest` may
    have been counted as one: below it nothing can be said.
    """

    name: str
    block: Ints
    score: Ints
    legit: Ints
    lowest: int = FLAG_ALL
    totals: Floats = field(init=False)
    """Legitimate rows of each block."""

    def __post_init__(self) -> None:
        """Renumber the blocks and sort by score once, since bounds are asked for at many thresholds."""
        order = np.argsort(self.score, kind="stable")
        numbers = np.unique(self.block, return_inverse=True)[1]
        for name, column in (("block", numbers), ("score", self.score), ("legit", self.legit)):
            object.__setattr__(self, name, column[order])
        object.__setattr__(self, "totals", np.bincount(self.block, self.legit))

    @classmethod
    def of_days(cls, table: ScoreTable) -> "LegitBlocks":
        """The days of a score table as blocks."""
        return cls(
            "days",
            table.day.astype(np.int64),
            table.score.astype(np.int64),
            table.legit,
        )


def order_statistic(n: int, target: float, delta: float) -> int:
    """Smallest k with P(Binomial(n, 1 - target) >= k) <= delta: the rank of the threshold among legitimate scores.

    Source: Tong, Feng & Li (2018), Neyman-Pearson classification algorithms and NP receiver operating characteristics.

    >>> order_statistic(101, 0.045, 0.01)
    101

    Raises:
        NotEnoughRows: Even the largest score gives no such confidence; the message says how many rows are missing.
    """
    needed = int(np.ceil(np.log(delta) / np.log1p(-target)))
    if n < needed:
        raise NotEnoughRows(
            f"an FPR of {target:.3%} with confidence {1 - delta:.3%} needs {needed} legitimate rows, found {n}: "
            f"{needed - n} are missing, certify on more days"
        )
    k = int(stats.binom.isf(delta, n, 1 - target)) + 1
    while k > 1 and stats.binom.sf(k - 2, n, 1 - target) <= delta:
        k -= 1
    while stats.binom.sf(k - 1, n, 1 - target) > delta:
        k += 1
    return k


def np_threshold(table: ScoreTable, target: float, delta: float) -> int:
    """The threshold (ppm) whose true FPR exceeds `target` with probability `delta` at most, for exchangeable rows.

    Ties are safe: flagged is strictly above the threshold. Raises `NotEnoughRows` as `order_statistic` does.

    >>> table = ScoreTable.from_rows([0] * 200, range(200), [False] * 200, [100] * 200)
    >>> np_threshold(table, target=0.045, delta=0.01)
    197
    """
    k = order_statistic(int(table.legit.sum()), target, delta)
    order = np.argsort(table.score, kind="stable")
    return int(table.score[order][np.searchsorted(np.cumsum(table.legit[order]), k)])


def fpr_bounds(table: ScoreTable, blocks: Sequence[LegitBlocks], threshold: int, delta: float) -> dict[str, float]:
    """Upper bounds of the FPR at `threshold`, each with confidence 1 - delta: by rows, and by each kind of block.

    With two kinds of blocks or more, `joint_bound` stands beside them; it is never below any of them.

    Raises:
        NotEnoughRows: There is no legitimate row, or fewer than `MIN_BLOCKS` blocks of a kind.
        DataError: `threshold` is below what the blocks were counted for.
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
    """The smallest threshold found, from `np_threshold` up, at which every bound of `fpr_bounds` is within `target`.

    Each bound alone is as good at the chosen threshold as at a fixed one: the choice goes wrong only where the bound
    at the lowest rightful threshold was too small, which has probability `delta`.
    """
    start = np_threshold(table, target, delta)
    candidates = np.unique(table.score[(table.legit > 0) & (table.score >= start)])

    def holds(index: int) -> bool:
        return max(fpr_bounds(table, blocks, int(candidates[index]), delta).values()) <= target

    low, high = 0, candidates.size - 1  # at the largest legitimate score nothing is flagged
    while low < high:
        middle = (low + high) // 2
        low, high = (low, middle) if holds(middle) else (middle + 1, high)
    return int(candidates[low])


@dataclass(frozen=True, slots=True)
class BetaChoice:
    """`beta` and the threshold (ppm) that maximises F_beta on the select window."""

    beta: float
    threshold: int


def select_beta(select: ScoreTable, loss_limit_minor: int, *, level: float, factor: float = 1.0) -> BetaChoice:
    """The smallest beta of `BETAS` whose F_beta-optimal threshold meets `TUNING_SHARE` of the limit on select.

    `factor` is the volume judged at over the select window's. The largest beta if none does: certify raises
    the threshold to what the FPR allows, and tests the loss.

    Raises:
        NoFraud: The window has no fraud.
        OnlyFraud: It has no legitimate row.
        NotEnoughRows: The window has fewer than `MIN_BLOCKS` days.
    """
    trade_off = curve(select)
    for beta in BETAS:
        choice = BetaChoice(beta, int(trade_off.threshold[np.argmax(trade_off.f_beta(beta))]))
        if _month_upper(select, choice.threshold, level) * factor <= TUNING_SHARE * loss_limit_minor:
            break
    return choice


def _month_upper(table: ScoreTable, threshold: int, level: float) -> float:
    """Upper prediction limit of 30 days' missed fraud (minor units) with days as independent: for tuning only."""
    daily = table.by_day(table.fraud_amount * (table.score <= threshold))
    if daily.size < MIN_BLOCKS:
        raise NotEnoughRows(f"beta is tuned on {MIN_BLOCKS} days at least, found {daily.size}: select on more days")
    spread = daily.std(ddof=1) * np.sqrt(MONTH_DAYS + MONTH_DAYS**2 / daily.size)
    return float(MONTH_DAYS * daily.mean() + stats.t.ppf(level, daily.size - 1) * spread)
