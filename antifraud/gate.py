"""The gate: may this model, at this threshold, decide about payments?

The threshold is the larger of two: the F_beta optimum tuned on the select window, and the lowest one that the
false-positive rate allows on the certify window. Certify is used once: it can raise the threshold, then the loss is
tested. Three verdicts:

- PASS: the widest FPR bound, the loss bound and the alerts are within their limits, and the loss limit says something.
- INFEASIBLE: even at the lowest threshold that the FPR allows the loss is too large, and the loss limit demands a
  higher value recall at this volume than `Limits.attainable_value_recall`: no other model at hand would do either.
- FAIL: anything else. Where all fraud together is worth less than the loss limit, that limit says nothing; such a
  window cannot pass.
"""

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from antifraud.errors import DataError
from antifraud.gate_report import Findings, GateReport, Limits, Verdict
from antifraud.gate_rules import reasons, verdict
from antifraud.loss import SEED, Frauds, LossBound, Volume, loss_bound
from antifraud.score_tables import MAX_SCORE, MONTH_DAYS, ScoreTable, curve
from antifraud.threshold import LegitBlocks, certified_threshold, fpr_bounds, select_beta

__all__ = ["Certify", "Demand", "GateReport", "Limits", "Verdict", "check_threshold", "judge"]


@dataclass(frozen=True, slots=True, eq=False)
class Certify:
    """Evidence of the certify window: its score table, all its frauds, and blocks of legitimate rows beside the days.

    Raises:
        DataError: Table and frauds do not describe the same rows.
    """

    table: ScoreTable
    frauds: Frauds
    blocks: Sequence[LegitBlocks] = ()

    def __post_init__(self) -> None:
        found, expected = int(self.frauds.amount.sum()), int(self.table.fraud_amount.sum())
        if found != expected or self.frauds.score.size != self.table.fraud.sum():
            raise DataError(
                f"the certify window has {self.table.fraud.sum()} frauds worth {expected} in its score table, "
                f"but {self.frauds.score.size} worth {found} in its rows: validate again"
            )

    @property
    def all_blocks(self) -> list[LegitBlocks]:
        """The days, then what was passed."""
        return [LegitBlocks.of_days(self.table), *self.blocks]

    @property
    def transactions_a_month(self) -> float:
        """Scored transactions in 30 such days."""
        return self.table.transactions * MONTH_DAYS / self.frauds.days


@dataclass(frozen=True, slots=True)
class Demand:
    """Volume that the loss limit is judged at: as observed, unless transactions a month or fraud share are declared.

    0 transactions a month and a share of None mean as observed; `relative_sd` is the volume's own error, as a share.
    """

    transactions_a_month: int = 0
    fraud_share: float | None = None
    relative_sd: float = 0.03

    def volume(self, certify: Certify) -> Volume:
        """As a multiple of the certify window's frauds."""
        factor = self.transactions(certify) / certify.transactions_a_month
        if self.fraud_share is not None:
            factor *= self.fraud_share * certify.table.transactions / float(certify.table.fraud.sum())
        return Volume(factor, self.relative_sd)

    def transactions(self, certify: Certify) -> float:
        """Transactions a month that are judged at."""
        return self.transactions_a_month or certify.transactions_a_month


def judge(
    select: ScoreTable, certify: Certify, limits: Limits, *, demand: Demand | None = None, seed: int = SEED
) -> GateReport:
    """Choose the threshold and judge it.

    Raises:
        NotEnoughRows: Too few rows or days for the confidence asked for; the message says how many are missing.
        UndefinedMetric: A window lacks frauds or legitimate rows.
    """
    at = demand or Demand()
    factor = at.volume(certify).factor
    chosen = select_beta(select, limits.loss_limit_minor, level=limits.loss_level, factor=factor)
    lowest = certified_threshold(certify.table, certify.all_blocks, limits.fpr_target, limits.delta)
    return _Case(certify, limits, at, seed, lowest).report(max(chosen.threshold, lowest), chosen.beta)


def check_threshold(
    certify: Certify, threshold: int, limits: Limits, *, demand: Demand | None = None, seed: int = SEED
) -> GateReport:
    """Judge a threshold that is given, such as an earlier release's; it must meet the limits, not the FPR target.

    Raises as `judge` does.
    """
    lowest = certified_threshold(certify.table, certify.all_blocks, limits.fpr_target, limits.delta)
    return _Case(certify, limits, demand or Demand(), seed, lowest).report(threshold, None)


@dataclass(frozen=True, slots=True, eq=False)
class _Case:
    """One window under judgement; `lowest` is the lowest threshold that the FPR target allows."""

    certify: Certify
    limits: Limits
    demand: Demand
    seed: int
    lowest: int

    def report(self, threshold: int, beta: float | None) -> GateReport:
        found = self._findings(threshold, beta)
        numbers = {field.name: getattr(found, field.name) for field in dataclasses.fields(found)}
        return GateReport(**numbers, verdict=verdict(found), reasons=reasons(found))

    def _findings(self, threshold: int, beta: float | None) -> Findings:
        trade_off = curve(self.certify.table)
        at = trade_off.at(threshold)
        bounds = fpr_bounds(self.certify.table, self.certify.all_blocks, threshold, self.limits.delta)
        observed, judged = self.certify.transactions_a_month, self.demand.transactions(self.certify)
        false_alarms = float(trade_off.false_positives[at]) * MONTH_DAYS / self.certify.frauds.days * judged / observed
        everything = self._loss(MAX_SCORE)
        precision = float(trade_off.precision[at])
        return Findings(
            limits=self.limits,
            threshold=threshold,
            beta=beta,
            fpr=float(trade_off.fpr[at]),
            fpr_bounds=bounds,
            fpr_binding=max(bounds, key=bounds.__getitem__),
            threshold_at_fpr_target=self.lowest,
            false_positives=int(trade_off.false_positives[at]),
            legitimate=trade_off.legits,
            recall=float(trade_off.recall[at]),
            value_recall=float(trade_off.value_recall[at]),
            value_recall_at_fpr_target=float(trade_off.value_recall[trade_off.at(self.lowest)]),
            precision=None if np.isnan(precision) else precision,
            alerts_a_day=float(trade_off.alerts_a_day[at]) * judged / observed,
            false_alarms_a_month=false_alarms,
            false_alarm_cost_a_month=false_alarms * self.limits.false_alarm_cost_minor,
            loss=self._loss(threshold),
            loss_at_fpr_target=self._loss(self.lowest),
            fraud_a_month=everything,
            required_value_recall=max(0.0, 1 - self.limits.loss_limit_minor / everything.mean),
            observed_transactions_a_month=observed,
            judged_transactions_a_month=judged,
        )

    def _loss(self, threshold: int) -> LossBound:
        missed, volume = self.certify.frauds.missed(threshold), self.demand.volume(self.certify)
        return loss_bound(missed, level=self.limits.loss_level, volume=volume, seed=self.seed)
