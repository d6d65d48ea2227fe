"""Score tables: any number of scored rows reduced to counts per day and risk level, and the curves they give.

The cluster sends back a table, and thresholds, curves and bounds come from the table in milliseconds. Tables add up, so
a window is the merge of its days. A transaction is flagged iff its score is *above* the threshold, here and everywhere.
"""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any, Final, Self

import numpy as np
from numpy.typing import NDArray

from antifraud.errors import AmountOverflow, DataError, NoFraud, NotANumber, OnlyFraud

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]
Objects = NDArray[np.object_]

MONTH_DAYS: Final = 30
MAX_SCORE: Final = 1_000_000
MAX_AMOUNT: Final = 1 << 62
"""Largest amount of a row, minor units: floats and 64-bit integers both have it exactly."""
FLAG_ALL: Final = -1
"""The threshold below every score."""


@dataclass(frozen=True, slots=True, eq=False)
class ScoreTable:
    """Counts of scored rows: one entry for each day and score, sorted by them; all columns have shape ``(n,)``.

    Attributes:
        day: Days since 1970.
        score: Risk, ppm.
        legit: Legitimate transactions.
        fraud: Frauds.
        fraud_amount: Sum of the frauds' amounts, minor units.
        fraud_amount_sq: Sum of their squares; exact Python integers, because the sums exceed 64 bits.
        fraud_amount_max: Largest of their amounts, minor units; 0 without a fraud.

    >>> table = ScoreTable.from_rows([3, 3, 3], [10, 10, 99], [False, True, True], [500, 700, 900])
    >>> table.columns()["fraud_amount"]
    [700, 900]
    """

    day: NDArray[np.int32]
    score: NDArray[np.int32]
    legit: Ints
    fraud: Ints
    fraud_amount: Ints
    fraud_amount_sq: Objects
    fraud_amount_max: Ints

    @classmethod
    def from_rows(cls, day: Any, score: Any, is_fraud: Any, amount: Any) -> Self:
        """Reduce labelled rows to a table; all arguments have shape ``(n,)``.

        Args:
            day: Days since 1970.
            score: Risk, ppm.
            is_fraud: Whether the row is a fraud; other rows count as legitimate.
            amount: Minor units.

        Raises:
            DataError: The arrays differ in length, or the amounts exceed 64 bits together.
            NotANumber: A score is not an integer in 0..1,000,000, or an amount not one of 0 or more.
        """
        fraud = np.asarray(is_fraud, bool)
        worth = np.where(fraud, _amounts(amount), 0)
        squares: Objects = np.zeros(fraud.size, object)
        squares[fraud] = worth[fraud].astype(object) ** 2
        return cls._folded(day, score, ~fraud, fraud, worth, squares, worth)

    @classmethod
    def from_columns(cls, columns: Mapping[str, Any]) -> Self:
        """Read back what `columns` gave, or rows of the lake's `scores` table with Decimal squares, in any order.

        Raises:
            DataError: A column is missing, the columns differ in length, or the amounts exceed 64 bits together.
        """
        missing = [field.name for field in fields(cls) if field.name not in columns]
        if missing:
            raise DataError(
                f"a score table lacks {', '.join(missing)}: read it from the scores table or validate again"
            )
        return cls._folded(*(columns[field.name] for field in fields(cls)))

    @classmethod
    def _folded(cls, day: Any, score: Any, legit: Any, fraud: Any, amount: Any, square: Any, largest: Any) -> Self:
        days, scores = np.asarray(day, np.int32), _scores(score)
        sums: list[Ints] = [np.asarray(column, np.int64) for column in (legit, fraud, amount)]
        squares = _exact(square)
        maxima = np.asarray(largest, np.int64)
        if len({column.size for column in (days, scores, squares, maxima, *sums)}) > 1:
            raise DataError("the columns of a score table differ in length: pass one value per row in each")
        total_of(sums[2])
        # One number is sorted in half the time of two.
        keys = (days.astype(np.int64) << 32) + scores
        order = np.argsort(keys, kind="stable")
        starts = np.flatnonzero(np.diff(keys[order], prepend=-1))
        legits, frauds, amounts = (np.add.reduceat(column[order], starts) for column in sums)
        return cls(
            days[order][starts],
            scores[order][starts],
            legits,
            frauds,
            amounts,
            np.add.reduceat(squares[order], starts),
            np.maximum.reduceat(maxima[order], starts),
        )

    def columns(self) -> dict[str, list[int]]:
        """Return plain lists by column name, for storage; `from_columns` is the inverse."""
        return {field.name: getattr(self, field.name).tolist() for field in fields(self)}

    def where_days(self, first: int, last: int) -> "ScoreTable":
        """Return the table of the days `first` to `last` alone, both included (days since 1970)."""
        kept = (self.day >= first) & (self.day <= last)
        return ScoreTable(*(getattr(self, field.name)[kept] for field in fields(self)))

    @property
    def days(self) -> int:
        """Number of different days."""
        return int(np.unique(self.day).size)

    @property
    def transactions(self) -> int:
        """Number of scored rows."""
        return int(self.legit.sum() + self.fraud.sum())

    def by_day(self, column: Ints) -> Ints:
        """Sum a column of this table, such as `legit`, over each of its days in order, shape ``(days,)``."""
        if not self.day.size:
            return np.zeros(0, np.int64)
        sums: Ints = np.add.reduceat(column, np.flatnonzero(np.diff(self.day, prepend=self.day[0] - 1)))
        return sums


def total_of(amounts: Ints) -> int:
    """Return the sum of amounts, minor units.

    Raises:
        AmountOverflow: It is beyond `MAX_AMOUNT`: 64-bit integers would silently wrap around.
    """
    # Floats cannot wrap.
    if abs(amounts.sum(dtype=np.float64)) > MAX_AMOUNT:
        raise AmountOverflow(
            f"{amounts.size} amounts add up to more than {MAX_AMOUNT} minor units, which sums hold at most: correct "
            "the amounts at their source, or judge fewer days"
        )
    return int(amounts.sum())


def _exact(values: Any) -> Objects:
    """Return Python's integers, of any size; a list may hold Decimals, as storage gives them."""
    return np.asarray(values if isinstance(values, np.ndarray) else [int(value) for value in values], object)


def _scores(values: Any) -> NDArray[np.int32]:
    """Return scores as integers; a model that gave no number must not pass for one that never flags."""
    advice = "the model gave no risk for some rows, look for NaN or infinite features and validate again"
    return _integers(values, "scores", MAX_SCORE, advice).astype(np.int32)


def _amounts(values: Any) -> Ints:
    """Return amounts as integers; a negative fraud would hide the loss of another."""
    return _integers(values, "amounts", MAX_AMOUNT, "correct them where they come from").astype(np.int64)


def _integers(values: Any, name: str, most: int, advice: str) -> NDArray[Any]:
    """Return the values if all are whole numbers in 0..`most`; nothing is rounded or cut off."""
    found = np.asarray(values)
    # Negated, because NaN compares as false both ways.
    odd = ~((found >= 0) & (found <= most))
    if found.dtype.kind == "f":
        odd |= found != np.floor(found)
    if odd.any():
        raise NotANumber(
            f"{int(odd.sum())} of {found.size} {name} are not integers in 0..{most}, such as {found[odd][0]}: {advice}"
        )
    return found


def merge(*tables: ScoreTable) -> ScoreTable:
    """Merge tables into one of all their rows; the order of the tables does not matter.

    >>> one, other = (ScoreTable.from_rows([3], [10], [True], [amount]) for amount in (700, 900))
    >>> merge(one, other).columns()["fraud_amount"]
    [1600]
    """
    if not tables:
        return ScoreTable.from_rows([], [], [], [])
    columns = {field.name: np.concatenate([getattr(t, field.name) for t in tables]) for field in fields(ScoreTable)}
    return ScoreTable.from_columns(columns)


@dataclass(frozen=True, slots=True, eq=False)
class Curve:
    """The effect of each candidate threshold; arrays have shape ``(m,)``.

    Attributes:
        threshold: Candidates, ascending from `FLAG_ALL`, ppm.
        true_positives: Flagged frauds.
        false_positives: Flagged legitimate rows.
        missed_amount: Fraud that is not flagged, minor units.
        frauds: All frauds.
        legits: All legitimate rows.
        fraud_amount: Amount of all frauds, minor units.
        days: Days that the rows came from.
    """

    threshold: Ints
    true_positives: Ints
    false_positives: Ints
    missed_amount: Ints
    frauds: int
    legits: int
    fraud_amount: int
    days: int

    @property
    def fpr(self) -> Floats:
        """False-positive rate: flagged legitimate rows over legitimate rows."""
        return self.false_positives / self.legits

    @property
    def recall(self) -> Floats:
        """Flagged frauds over frauds."""
        return self.true_positives / self.frauds

    @property
    def value_recall(self) -> Floats:
        """Amount of flagged frauds over the amount of frauds."""
        return 1.0 - self.missed_amount / self.fraud_amount

    @property
    def precision(self) -> Floats:
        """Flagged frauds over flagged rows; NaN where nothing is flagged."""
        flagged = self.true_positives + self.false_positives
        return np.where(flagged > 0, self.true_positives / np.maximum(flagged, 1), np.nan)

    @property
    def alerts_a_day(self) -> Floats:
        """Flagged rows a day."""
        return (self.true_positives + self.false_positives) / self.days

    def f_beta(self, beta: float) -> Floats:
        """Return the F-measure that values recall `beta` times as much as precision, shape ``(m,)``.

        Source: van Rijsbergen (1979), Information Retrieval, chapter 7.

        >>> c = curve(ScoreTable.from_rows([0, 0, 0, 0], [5, 7, 7, 9], [False, False, True, True], [1, 1, 300, 100]))
        >>> c.f_beta(1.0).round(3).tolist()
        [0.667, 0.8, 0.667, 0.0]
        """
        weighted = (1 + beta**2) * self.true_positives
        return weighted / (weighted + beta**2 * (self.frauds - self.true_positives) + self.false_positives)

    def at(self, threshold: int) -> int:
        """Return the index of the candidate that flags the same rows as `threshold` (ppm)."""
        return max(int(np.searchsorted(self.threshold, threshold, side="right")) - 1, 0)


def curve(table: ScoreTable) -> Curve:
    """Return the trade-off over every threshold that makes a difference.

    Raises:
        NoFraud: The table holds no fraud.
        OnlyFraud: The table holds no legitimate row.

    >>> c = curve(ScoreTable.from_rows([0, 0, 0, 0], [5, 7, 7, 9], [False, False, True, True], [1, 1, 300, 100]))
    >>> c.threshold.tolist(), c.fpr.tolist(), c.value_recall.tolist()
    ([-1, 5, 7, 9], [1.0, 0.5, 0.0, 0.0], [1.0, 1.0, 0.25, 0.0])
    """
    # The table is sorted by day first, so scores are gathered over the days.
    scores, where = np.unique(table.score, return_inverse=True)
    legit, fraud, amount = (
        _by_score(column, where, scores.size) for column in (table.legit, table.fraud, table.fraud_amount)
    )
    if not (legit[-1] and fraud[-1]):
        raise (OnlyFraud if fraud[-1] else NoFraud)(
            f"curves need legitimate rows and frauds, found {legit[-1]} and {fraud[-1]}: choose days that have both"
        )
    return Curve(
        threshold=np.append(FLAG_ALL, scores).astype(np.int64),
        true_positives=fraud[-1] - fraud,
        false_positives=legit[-1] - legit,
        missed_amount=amount,
        frauds=int(fraud[-1]),
        legits=int(legit[-1]),
        fraud_amount=int(amount[-1]),
        days=table.days,
    )


def _by_score(column: Ints, where: NDArray[np.intp], size: int) -> Ints:
    """Return running totals over the scores, starting with 0."""
    totals = np.zeros(size + 1, np.int64)
    np.add.at(totals, where + 1, column)
    return np.cumsum(totals)
