"""The evidence that the gate judges: scored rows of the certify window, and the volume to predict the loss at."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from typing import Final

import numpy as np

from antifraud.errors import (
    ConstantScore,
    DataError,
    MissingDay,
    NoFraud,
    NotANumber,
    OnlyFraud,
    SettingsError,
    UndefinedMetric,
)
from antifraud.gate.findings import Correction, Estimate
from antifraud.gate.history import History
from antifraud.stats.episodes import Frauds, label_delay_loss
from antifraud.stats.loss import MONTH_SD, Volume
from antifraud.stats.maturation import Maturation
from antifraud.stats.missed_delays import Matured, mature
from antifraud.stats.months import MissedDays, Months, find_months
from antifraud.stats.score_tables import MONTH_DAYS, Curve, Floats, Ints, ScoreTable, curve, total_of
from antifraud.stats.threshold import GROUPS, MIN_BLOCKS, LegitBlocks, time_blocks
from antifraud.stats.weighted import HeavyRows

EPOCH: Final = np.datetime64(0, "D")
MOST_TRANSACTIONS: Final = 10**12
"""Largest volume that can be declared, transactions a month."""


@dataclass(frozen=True, slots=True, eq=False)
class Certify:
    """Evidence of the certify window: its score table, all its frauds, and blocks of legitimate rows other than days.

    `maturation` corrects the frauds of days that are young at the end of day `as_of` (days since 1970). Without it,
    every day counts as matured. `label_delay_days` is the time that a label takes by contract.

    `unknown_a_day` counts the scored rows without a label, one number for each day of the window; None means none.
    Such rows count as volume, and in no rate. `quiet_days` are the days (since 1970) without any transaction.
    `history` has earlier days for the assumptions that a window is too short to check; None: there are none.
    `heavy` are legitimate rows that all other columns count several times; None: there are none.

    Raises:
        DataError: Table and frauds do not describe the same rows, or `unknown_a_day` does not have one count a day.
        NotANumber: A fraud's amount is negative.
        MissingDay: A day of the window that is not quiet has no labelled row.
    """

    table: ScoreTable
    frauds: Frauds
    blocks: Sequence[LegitBlocks] = ()
    maturation: Maturation | None = None
    as_of: int = 0
    label_delay_days: int = 7
    unknown_a_day: Ints | None = None
    quiet_days: Collection[int] = ()
    history: History | None = None
    heavy: HeavyRows | None = None

    def __post_init__(self) -> None:
        if (negative := self.frauds.amount < 0).any():
            raise NotANumber(
                f"{int(negative.sum())} of {negative.size} frauds have a negative amount, such as "
                f"{self.frauds.amount[negative][0]}: expected 0 minor units or more, correct them at their source"
            )
        found, expected = total_of(self.frauds.amount), total_of(self.table.fraud_amount)
        if found != expected or self.frauds.score.size != self.table.fraud.sum():
            raise DataError(
                f"the certify window has {self.table.fraud.sum()} frauds worth {expected} in its score table, "
                f"but {self.frauds.score.size} worth {found} in its rows: validate again"
            )
        _require_every_day(self.table, self.frauds.days, self.quiet_days)
        if self.unknown_a_day is not None and self.unknown_a_day.size != self.frauds.days:
            raise DataError(
                f"the certify window has {self.frauds.days} days, but {self.unknown_a_day.size} counts of rows without "
                "a label: validate again"
            )

    @property
    def all_blocks(self) -> list[LegitBlocks]:
        """Days and weeks, then the blocks that were passed; groups of terminals only where they are enough."""
        enough = [kind for kind in self.blocks if kind.name != GROUPS or kind.totals.size >= MIN_BLOCKS]
        return [*time_blocks(self.table), *enough]

    @property
    def unknown(self) -> int:
        """Scored transactions without a label."""
        return 0 if self.unknown_a_day is None else int(self.unknown_a_day.sum())

    @property
    def transactions_a_day(self) -> Floats:
        """Scored transactions of each day, with and without a label, shape ``(days,)``."""
        labelled = np.zeros(self._days.size)
        labelled[np.isin(self._days, np.unique(self.table.day))] = _labelled_a_day(self.table)
        return labelled if self.unknown_a_day is None else labelled + self.unknown_a_day

    @property
    def first_day(self) -> int:
        """The first day of the window, days since 1970."""
        return int(self._days[0])

    @property
    def curve(self) -> Curve:
        """The curve of the score table, over all days of the window."""
        return replace(curve(self.table), days=self.frauds.days)

    @property
    def _days(self) -> Ints:
        """All days of the window in order, quiet ones included."""
        return np.union1d(self.table.day, np.array(sorted(self.quiet_days), np.int64)).astype(np.int64)

    @property
    def transactions_a_month(self) -> float:
        """Scored transactions in 30 such days, with and without a label."""
        return (self.table.transactions + self.unknown) * MONTH_DAYS / self.frauds.days

    @property
    def labelled_a_month(self) -> float:
        """Scored transactions in 30 such days, with a label."""
        return self.table.transactions * MONTH_DAYS / self.frauds.days

    @property
    def expected_frauds(self) -> Frauds:
        """The frauds; each amount is divided by the share of its day's frauds that is known."""
        if self.maturation is None:
            return self.frauds
        return self.frauds.divided(self.maturation.share_known(self.as_of - self.frauds.require_day()))

    def missed(self, threshold: int) -> Matured:
        """Return the frauds that `threshold` misses; where a curve is known, each stands for labels still to come.

        Raises:
            NotEnoughRows: Of too many days too little of the missed fraud is known.
        """
        missed = replace(self.frauds.missed(threshold), first_day=self.first_day)
        if self.maturation is None:
            return Matured(missed)
        return mature(missed, self.maturation, self.as_of - self._days, self.transactions_a_day)

    def months_before(self, threshold: int) -> Months:
        """Return what missed fraud differed by from month to month, in the history and the window together."""
        if self.history is None:
            return Months()
        missed = self.missed(threshold).frauds
        now = MissedDays(missed, self.transactions_a_day[: missed.days])
        return find_months(self.history.missed(threshold), now)

    def correction(self, threshold: int) -> Correction:
        """Return the correction of the fraud that `threshold` misses; days share a curve, so their errors add up."""
        found = self.missed(threshold)
        return Correction(found.factor, found.days, found.relative_sd)


def _require_every_day(table: ScoreTable, days: int, quiet: Collection[int]) -> None:
    present = np.unique(table.day)
    if present.size + len(quiet) == days or not present.size:
        return
    gaps = np.setdiff1d(np.arange(present[0], present[-1] + 1), [*present, *quiet])
    named = f", none of {', '.join(str(EPOCH + int(gap)) for gap in gaps[:5])}" if gaps.size else ""
    raise MissingDay(
        f"the certify window has {days} days, {present.size} of them have labelled rows{named}: load the missing days "
        "and their labels, then validate again"
    )


def require_judgeable(table: ScoreTable, window: str) -> None:
    """Refuse a window from which no threshold can be learnt.

    Raises:
        NoFraud: It has no fraud.
        OnlyFraud: It has no legitimate row.
        UndefinedMetric: Its frauds are all worth 0.
        ConstantScore: All rows have one score.
    """
    legit, fraud = int(table.legit.sum()), int(table.fraud.sum())
    if not (legit and fraud):
        raise (OnlyFraud if fraud else NoFraud)(
            f"the {window} window needs legitimate rows and frauds, found {legit} and {fraud}: choose days that have "
            "both, or wait for their labels"
        )
    if not table.fraud_amount.sum():
        raise UndefinedMetric(
            f"all {fraud} frauds of the {window} window are worth 0: there is no loss to limit, look at the amounts "
            "or choose days with frauds that cost something"
        )
    if table.score.min() == table.score.max():
        raise ConstantScore(
            f"all {legit + fraud} rows of the {window} window have the score {table.score[0]}: the model cannot tell "
            "frauds apart, look at its features and train again"
        )


@dataclass(frozen=True, slots=True)
class Growth:
    """The number of frauds that a labelled fraud of the window stands for; the same of legitimate transactions."""

    fraud: float
    legitimate: float

    def alerts_a_day(self, trade_off: Curve) -> Floats:
        """Return the flags a day at each candidate threshold, shape ``(thresholds,)``.

        >>> from antifraud.stats.score_tables import curve
        >>> window = curve(ScoreTable.from_rows([0, 0, 0], [5, 7, 9], [False, False, True], [1, 1, 1]))
        >>> float(Growth(fraud=10.0, legitimate=3.0).alerts_a_day(window)[window.at(5)])
        13.0
        """
        caught = trade_off.true_positives / trade_off.days
        flags: Floats = trade_off.alerts_a_day * self.legitimate + caught * (self.fraud - self.legitimate)
        return flags


@dataclass(frozen=True, slots=True)
class Demand:
    """Volume that the loss limit is judged at: as observed, unless transactions a month or fraud share are declared.

    The observed volume is all scored transactions. Transactions without a label are assumed to have the fraud share of
    the others.

    `transactions_a_month` 0 and `fraud_share` None mean "as observed". `relative_sd` is the relative error of a
    declared volume. It is also the least error of an observed volume, because a window shows no growth.
    `share_relative_sd` is the error of a declared fraud share; the window gives the error of an observed one.
    `month_sd` is how much fraud differs from month to month at least, as a share (`antifraud.stats.waves`).

    Raises:
        SettingsError: The volume is not from 0 to `MOST_TRANSACTIONS`, or the fraud share not between 0 and 1.
    """

    transactions_a_month: int = 0
    fraud_share: float | None = None
    relative_sd: float = 0.03
    share_relative_sd: float = 0.05
    month_sd: float = MONTH_SD

    def __post_init__(self) -> None:
        if not 0 <= self.transactions_a_month <= MOST_TRANSACTIONS:
            raise SettingsError(
                f"the declared volume is {self.transactions_a_month} transactions a month, expected 0 (as observed) to "
                f"{MOST_TRANSACTIONS:,}: correct it"
            )
        if self.fraud_share is not None and not 0 < self.fraud_share < 1:
            raise SettingsError(
                f"the declared fraud share is {self.fraud_share}, expected a share between 0 and 1, such as 0.01: "
                "correct it, or leave it out to take the observed one"
            )

    def volume(self, certify: Certify) -> Volume:
        """Return the judged volume as a multiple of the certify window's labelled frauds."""
        transactions, share = self.transactions(certify), self.share(certify)
        error = share.relative_sd if share.declared else 0.0
        return Volume(self.growth(certify).fraud, transactions.relative_sd, error, self.month_sd)

    def growth(self, certify: Certify) -> Growth:
        """Return the growth from the window's labelled transactions to the judged volume and fraud share."""
        share, table = self.share(certify), certify.table
        of_all = self.transactions(certify).value / certify.labelled_a_month
        if not share.declared:
            return Growth(of_all, of_all)
        fraud, legitimate = float(table.fraud.sum()), float(table.legit.sum())
        return Growth(
            of_all * (share.value * table.transactions / fraud),
            of_all * ((1 - share.value) * table.transactions / legitimate),
        )

    def transactions(self, certify: Certify) -> Estimate:
        """Return the transactions a month that are judged; days that differ give the error of an observed volume."""
        if self.transactions_a_month:
            return Estimate(self.transactions_a_month, declared=True, relative_sd=self.relative_sd)
        daily = certify.transactions_a_day
        month_and_window = np.sqrt(1 / MONTH_DAYS + 1 / daily.size)
        seen = float(daily.std(ddof=1) / daily.mean() * month_and_window) if daily.size > 1 else self.relative_sd
        return Estimate(certify.transactions_a_month, declared=False, relative_sd=max(seen, self.relative_sd))

    def share(self, certify: Certify) -> Estimate:
        """Return the fraud share that is judged; an observed one has the error of a sample of days."""
        if self.fraud_share is not None:
            return Estimate(self.fraud_share, declared=True, relative_sd=self.share_relative_sd)
        rows, fraud = _labelled_a_day(certify.table), certify.table.by_day(certify.table.fraud).astype(np.float64)
        share = float(fraud.sum() / rows.sum())
        residual = (fraud - share * rows) / fraud.mean() if fraud.sum() else np.zeros(rows.size)
        spread = float(residual.std(ddof=1) / np.sqrt(rows.size)) if rows.size > 1 else 0.0
        return Estimate(share, declared=False, relative_sd=spread)

    def label_delay_loss(self, certify: Certify, threshold: int) -> float | None:
        """Return what the label delay alone costs a month at this volume, minor units; None where days are unknown."""
        found = label_delay_loss(certify.frauds, threshold, certify.label_delay_days, certify.first_day)
        return None if found is None else found * self.volume(certify).factor


def _labelled_a_day(table: ScoreTable) -> Floats:
    return table.by_day(table.fraud + table.legit).astype(np.float64)
