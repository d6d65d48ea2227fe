"""Champion against candidate: the same rows, scored by both, paired by day.

The candidate need not be better. It must not be worse by more than a declared margin, in loss and in false-positive
rate, with stated confidence. This is a test of non-inferiority (Wellek 2010, Testing Statistical Hypotheses of
Equivalence and Noninferiority, chapter 2). Days are the pairs: fraud that both models miss cancels out, and with it
most of the noise. The rest of the loss comes in episodes, which give a second bound (`antifraud.stats.discordance`).
Rows that only one model flags may come from few terminals, customers or days (`antifraud.stats.differences`).
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Final, NamedTuple

import numpy as np

from antifraud.errors import DataError, NotEnoughRows
from antifraud.figures import roubles
from antifraud.stats.bounds import ratio_bound
from antifraud.stats.differences import ROWS, TOGETHER, difference_bounds, fewest_blocks, slow_variance
from antifraud.stats.discordance import excess_bound, find_discordant
from antifraud.stats.episodes import Frauds
from antifraud.stats.paired import PairedRows
from antifraud.stats.score_tables import MONTH_DAYS, Ints, ScoreTable

MIN_PAIRED_DAYS: Final = 7
"""Fewer days say nothing about how the difference varies."""


@dataclass(frozen=True, slots=True)
class Margins:
    """By how much a candidate may be worse than the champion.

    Attributes:
        loss_minor: Loss a month, minor units.
        fpr: False-positive rate, a fraction.
        confidence: Confidence of each of the two bounds.
    """

    loss_minor: float = 5_000_000
    fpr: float = 0.005
    confidence: float = 0.95


@dataclass(frozen=True, slots=True, eq=False)
class Decider:
    """A model's scores on the rows of some days, and the threshold that decides about them.

    Attributes:
        table: Score table of the rows.
        threshold: Scores above it are flagged, ppm.
        frauds: The frauds of the table, with their days.
    """

    table: ScoreTable
    threshold: int
    frauds: Frauds

    def where_days(self, first: int, last: int) -> "Decider":
        """Return the decider of the days `first` to `last` alone, both included (days since 1970).

        Raises:
            DataError: The frauds have no days.
        """
        day = self.frauds.require_day()
        kept = self.frauds.take(np.flatnonzero((first <= day) & (day <= last)))
        frauds = replace(kept, days=last - first + 1)
        return Decider(self.table.where_days(first, last), self.threshold, frauds)

    @property
    def missed(self) -> Ints:
        """Missed fraud of each day, minor units."""
        return self.table.by_day(self.table.fraud_amount * (self.table.score <= self.threshold))

    @property
    def false_positives(self) -> Ints:
        """Flagged legitimate rows of each day."""
        return self.table.by_day(self.table.legit * (self.table.score > self.threshold))


@dataclass(frozen=True, slots=True)
class Comparison:
    """Candidate minus champion: negative is better.

    Attributes:
        days: Paired days.
        loss_difference: Minor units a month at the judged volume.
        loss_difference_bound: Its upper bound, the wider of two: by days and by episodes.
        fpr_difference: Difference of the false-positive rates, a fraction.
        fpr_difference_bounds: Its upper bounds by unit of sampling: rows, days and any other blocks.
        margins: What the bounds are compared with.
        slow_variance: How much more the slowest waves of the daily rates' difference vary than those of independent
            days would, as a factor.
        fpr_blocks: Number of terminals and of customers in the paired days.
    """

    days: int
    loss_difference: float
    loss_difference_bound: float
    fpr_difference: float
    fpr_difference_bounds: Mapping[str, float]
    margins: Margins
    slow_variance: float = 1.0
    fpr_blocks: Mapping[str, int] = field(default_factory=dict)

    @property
    def too_few_blocks(self) -> dict[str, int]:
        """Kinds with fewer blocks than the margin needs: even without any difference the bound is above it."""
        needed = fewest_blocks(self.margins.fpr, 1 - self.margins.confidence)
        return {name: found for name, found in self.fpr_blocks.items() if found < needed}

    @property
    def fpr_difference_bound(self) -> float:
        """The widest bound of the difference of the false-positive rates."""
        return max(self.fpr_difference_bounds.values())

    @property
    def fpr_binding(self) -> str:
        """Name of the widest bound; of equal ones the last but the joint one, which says less about the cause."""
        alone = {name: bound for name, bound in self.fpr_difference_bounds.items() if name != TOGETHER}
        widest = max(reversed(alone), key=alone.__getitem__)
        return widest if alone[widest] >= self.fpr_difference_bound else TOGETHER

    @property
    def non_inferior(self) -> bool:
        """Whether both bounds are within their margins."""
        within_fpr = self.fpr_difference_bound <= self.margins.fpr
        return within_fpr and self.loss_difference_bound <= self.margins.loss_minor


def compare(
    champion: Decider, candidate: Decider, margins: Margins, *, paired: PairedRows | None = None,
    known: Frauds | None = None, factor: float = 1.0
) -> Comparison:  # fmt: skip
    """Compare two models by the differences of their paired days, and of other blocks of the same rows.

    Two models that give every row the same score, at the same threshold, are one model: they do not differ at all.

    Args:
        champion: Scores and threshold of the release that serves.
        candidate: Scores and threshold of the model that may replace it, on the same rows.
        margins: By how much it may be worse, and the confidence of the bounds.
        paired: The legitimate rows by what both models do with them; None knows the differences of the days alone.
        known: Frauds that tell how large episodes are; None takes those of the paired days.
        factor: Frauds at the judged volume over frauds in the window.

    Raises:
        NotEnoughRows: There are fewer than `MIN_PAIRED_DAYS` days.
        NoFraud: No fraud is known that is worth anything.
        DataError: The rows are not the same.

    >>> day, amount = np.arange(16) // 2, np.full(16, 700)
    >>> fraud = np.arange(16) % 2 == 0
    >>> def scored(flagged):
    ...     score = np.where(fraud & (day < flagged), 9, 1)
    ...     frauds = Frauds(*(column[fraud] for column in (score, amount, day, day)), 8, day[fraud])
    ...     return Decider(ScoreTable.from_rows(day, score, fraud, amount), 5, frauds)
    >>> found = compare(scored(8), scored(4), Margins())
    >>> found.loss_difference, found.fpr_difference
    (10500.0, 0.0)
    """
    legit = _same_rows(champion.table, candidate.table)
    if paired and paired.rescored == 0 and champion.threshold == candidate.threshold:
        return Comparison(legit.size, 0.0, 0.0, 0.0, {ROWS: 0.0}, margins)
    alpha = 1 - margins.confidence
    losses = _compare_losses(champion, candidate, known or candidate.frauds, alpha, factor)
    rates = _compare_rates(champion, candidate, legit, paired, alpha)
    return Comparison(legit.size, *losses, rates.difference, rates.bounds, margins, rates.slow_variance, rates.blocks)


def _compare_losses(
    champion: Decider, candidate: Decider, known: Frauds, alpha: float, factor: float
) -> tuple[float, float]:
    """Return the difference of the losses a month and its bound, minor units."""
    month = MONTH_DAYS * factor
    # Differences are taken before bounding, so fraud that both models miss cancels out.
    missed = (candidate.missed - champion.missed).astype(np.float64)
    one_misses = find_discordant(champion.frauds, champion.threshold, candidate.frauds, candidate.threshold)
    # The mean of days is a ratio with a day as block. Episodes span many days, so a bound by episodes counts as well.
    by_days = ratio_bound(missed, np.ones(missed.size, np.int64), alpha) * month
    by_episodes = excess_bound(one_misses, alpha, known=known, factor=factor)
    return float(missed.mean()) * month, max(by_days, by_episodes)


class _Rates(NamedTuple):
    difference: float
    bounds: Mapping[str, float]
    slow_variance: float
    blocks: Mapping[str, int]


def _compare_rates(
    champion: Decider, candidate: Decider, legit: Ints, paired: PairedRows | None, alpha: float
) -> _Rates:
    """Return the difference of the false-positive rates with its bounds."""
    flagged = candidate.false_positives - champion.false_positives
    bounds = difference_bounds(paired or PairedRows.of_days(flagged), flagged, legit, alpha)
    blocks = {kind.name: int(kind.times.sum()) for kind in paired.blocks} if paired else {}
    return _Rates(float(flagged.sum()) / float(legit.sum()), bounds, slow_variance(flagged, legit), blocks)


def _same_rows(first: ScoreTable, second: ScoreTable) -> Ints:
    """Return the legitimate rows of each day, after both tables have turned out to describe the same rows."""
    if not np.array_equal(np.unique(first.day), np.unique(second.day)):
        raise DataError("champion and candidate were scored on different days: score both on the same rows")
    # Scores differ between models, but a day's rows and amounts do not: equal sums stand for equal rows.
    for column in ("legit", "fraud", "fraud_amount"):
        mine, other = (table.by_day(getattr(table, column)) for table in (first, second))
        if not np.array_equal(mine, other):
            raise DataError(f"champion and candidate differ in {column} of some day: score both on the same rows")
    days = first.days
    if days < MIN_PAIRED_DAYS:
        raise NotEnoughRows(
            f"a comparison needs {MIN_PAIRED_DAYS} days, found {days}: {MIN_PAIRED_DAYS - days} missing"
        )
    return first.by_day(first.legit)


def outcome(candidate_passes: bool, champion_passes: bool | None, comparison: Comparison | None) -> tuple[bool, str]:  # noqa: FBT001 - a truth table
    """Decide whether the candidate replaces the champion, and say why.

    Only a candidate that passes does. A pass is enough where the champion breaks today's limits, or where there is
    nothing to compare on. Otherwise the candidate must be non-inferior as well.

    Args:
        candidate_passes: Whether the gate's verdict on the candidate is PASS.
        champion_passes: The same for the champion on the same days; None where it could not be judged.
        comparison: Both models on paired days; None where there is no champion, or no day to compare on.

    >>> outcome(True, False, None)
    (True, 'The champion breaks a limit on the same days, so a PASS is enough.')
    """
    if not candidate_passes:
        return False, "The verdict is not PASS."
    if champion_passes is False:
        return True, "The champion breaks a limit on the same days, so a PASS is enough."
    if comparison is None:
        return True, "There is no champion to compare with, so a PASS is enough."
    if comparison.non_inferior:
        return True, f"Not worse than the champion on {comparison.days} paired days: {_numbers(comparison)}."
    words = f"May be worse than the champion on {comparison.days} paired days: {_numbers(comparison)}."
    return False, words + _too_few(comparison)


def _too_few(found: Comparison) -> str:
    """Return the sentence that says which blocks are too few to show any candidate to be as good."""
    if not found.too_few_blocks:
        return ""
    present = " and ".join(f"{count:,} {name}" for name, count in found.too_few_blocks.items())
    needed = fewest_blocks(found.margins.fpr, 1 - found.margins.confidence)
    return f" The days have {present}; a margin of {found.margins.fpr:.2%} needs at least {needed:,}."


def _numbers(found: Comparison) -> str:
    loss, bound = roubles(found.loss_difference, "+"), roubles(found.loss_difference_bound, "+")
    return (
        f"loss {loss} RUB a month, at most {bound} (margin {roubles(found.margins.loss_minor)}); "
        f"false-positive rate {found.fpr_difference:+.2%}, at most "
        f"{found.fpr_difference_bound:+.2%} by {found.fpr_binding} (margin {found.margins.fpr:.2%})"
    )
