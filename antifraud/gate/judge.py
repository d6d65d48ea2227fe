"""The gate: may this model, at this threshold, decide about payments?

The threshold is the largest of three. One is the F_beta optimum, tuned on the select window. The other two come from
the certify window: the lowest that the false-positive rate allows, and the lowest that a limit of alerts allows. The
certify window is used once: it may raise the threshold, and then the loss is tested. There are three verdicts:

- PASS: the widest bound of the rate, the bound of the loss and the alerts are within their limits.
- INFEASIBLE: the loss of every model at hand is too large, even at the lowest threshold that the rate allows.
- FAIL: anything else. If all fraud together is worth less than the loss limit, any model would meet that limit, and
  the window cannot pass.

Each judgement spends `Limits.delta` once. `antifraud.stats.spending` adds that up over a year of nights.
"""

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from antifraud.gate.certify import Certify, Demand, require_judgeable
from antifraud.gate.checks import check_rate
from antifraud.gate.findings import Alternative, Findings, Judgement, Verdict
from antifraud.gate.limits import Limits
from antifraud.gate.loss_checks import check_loss
from antifraud.gate.rules import conclude
from antifraud.stats.beta import select_beta
from antifraud.stats.draws import SEED
from antifraud.stats.loss import LossBound, loss_bound
from antifraud.stats.score_tables import MAX_SCORE, MONTH_DAYS, ScoreTable
from antifraud.stats.threshold import certified_threshold, fpr_bounds

__all__ = ["Certify", "Demand", "Judgement", "Limits", "Verdict", "check_threshold", "judge", "month_loss"]


def judge(
    select: ScoreTable,
    certify: Certify,
    limits: Limits,
    *,
    demand: Demand | None = None,
    seed: int = SEED,
    alternatives: Sequence[Alternative] = (),
    quiet_days: int = 0,
) -> Judgement:
    """Choose the threshold and judge it; `alternatives` are other models on the same rows.

    `quiet_days` counts the days of the select window without any transaction.

    Raises:
        NotEnoughRows: Too few rows or days for the confidence asked for; the message says how many are missing.
        NoFraud: A window has no fraud.
        OnlyFraud: A window has no legitimate row.
        UndefinedMetric: The frauds of a window are all worth 0.
        ConstantScore: All rows of a window have one score.
    """
    require_judgeable(select, "select")
    require_judgeable(certify.table, "certify")
    at = demand or Demand()
    factor = at.volume(certify).factor
    most = limits.loss_limit_minor
    chosen = select_beta(select, most, level=limits.loss_level, factor=factor, quiet_days=quiet_days)
    lowest = certified_threshold(certify.table, certify.all_blocks, limits.fpr_target, limits.delta, certify.heavy)
    case = _Case(certify, limits, at, seed, lowest, tuple(alternatives))
    return case.judge(max(chosen.threshold, lowest, case.lowest_for_alerts or lowest), chosen.beta)


def check_threshold(
    certify: Certify,
    threshold: int,
    limits: Limits,
    *,
    demand: Demand | None = None,
    seed: int = SEED,
    alternatives: Sequence[Alternative] = (),
) -> Judgement:
    """Judge a given threshold, such as an earlier release's. It must meet the limit of the rate, not the target.

    Raises as `judge` does.
    """
    require_judgeable(certify.table, "certify")
    lowest = certified_threshold(certify.table, certify.all_blocks, limits.fpr_target, limits.delta, certify.heavy)
    return _Case(certify, limits, demand or Demand(), seed, lowest, tuple(alternatives)).judge(threshold, None)


def month_loss(
    certify: Certify, threshold: int, limits: Limits, *, demand: Demand | None = None, seed: int = SEED
) -> LossBound:
    """Return the bound of a month's missed fraud at a threshold, corrected for labels that have not arrived.

    Raises:
        NotEnoughRows: The window is too short, or too little of its youngest day is known.
    """
    missed, volume = certify.missed(threshold), (demand or Demand()).volume(certify)
    error = float(np.hypot(volume.relative_sd, missed.relative_sd))
    volume = dataclasses.replace(volume, factor=volume.factor * missed.volume, relative_sd=error)
    known = certify.expected_frauds
    earlier_sd = certify.months_before(threshold).month_sd
    return loss_bound(
        missed.frauds, known=known, level=limits.loss_level, volume=volume, seed=seed, earlier_sd=earlier_sd
    )


@dataclass(frozen=True, slots=True, eq=False)
class _Case:
    """One window under judgement; `lowest` is the lowest threshold that the FPR target allows."""

    certify: Certify
    limits: Limits
    demand: Demand
    seed: int
    lowest: int
    alternatives: tuple[Alternative, ...]

    @property
    def lowest_for_alerts(self) -> int | None:
        """The lowest threshold that the limit of alerts allows; None where there is none."""
        if (most := self.limits.alerts_a_day) is None:
            return None
        trade_off = self.certify.curve
        few = self.demand.growth(self.certify).alerts_a_day(trade_off) <= most
        return int(trade_off.threshold[np.argmax(few)])

    def judge(self, threshold: int, beta: float | None) -> Judgement:
        return conclude(self._findings(threshold, beta))

    def _findings(self, threshold: int, beta: float | None) -> Findings:
        bounds = fpr_bounds(
            self.certify.table, self.certify.all_blocks, threshold, self.limits.delta, self.certify.heavy
        )
        everything = self._loss(MAX_SCORE)
        return Findings(
            limits=self.limits,
            threshold=threshold,
            beta=beta,
            fpr_bounds=bounds,
            # The last of equal bounds: the joint one stands behind the single kinds, and explains more.
            fpr_binding=max(reversed(bounds), key=bounds.__getitem__),
            threshold_at_fpr_target=self.lowest,
            threshold_at_alerts_limit=self.lowest_for_alerts,
            loss=self._loss(threshold),
            loss_at_fpr_target=self._loss(self.lowest),
            fraud_a_month=everything,
            required_value_recall=self._required_value_recall(everything.mean),
            maturity=self.certify.correction(threshold),
            label_delay_days=self.certify.label_delay_days,
            label_delay_loss=self.demand.label_delay_loss(self.certify, threshold),
            alternatives=self.alternatives,
            assumptions=(*check_rate(self.certify, threshold), *check_loss(self.certify, threshold)),
            **self._counts(threshold),
            **self._volumes(),
        )

    def _required_value_recall(self, fraud_a_month: float) -> float:
        # All fraud may be of days that are too young to count.
        return max(0.0, 1 - self.limits.loss_limit_minor / fraud_a_month) if fraud_a_month else 0.0

    def _counts(self, threshold: int) -> dict[str, Any]:
        """Return the figures that the curve gives at a threshold."""
        trade_off = self.certify.curve
        at, growth = trade_off.at(threshold), self.demand.growth(self.certify)
        false_positives, precision = int(trade_off.false_positives[at]), float(trade_off.precision[at])
        false_alarms = false_positives * MONTH_DAYS / self.certify.frauds.days * growth.legitimate
        return {
            "fpr": float(trade_off.fpr[at]),
            "false_positives": false_positives,
            "legitimate": trade_off.legits,
            "unknown": self.certify.unknown,
            "false_positives_share": false_positives / self.certify.table.transactions,
            "recall": float(trade_off.recall[at]),
            "value_recall": float(trade_off.value_recall[at]),
            "value_recall_at_fpr_target": float(trade_off.value_recall[trade_off.at(self.lowest)]),
            "precision": None if np.isnan(precision) else precision,
            "alerts_a_day": float(growth.alerts_a_day(trade_off)[at]),
            "false_alarms_a_month": false_alarms,
            "false_alarm_cost_a_month": false_alarms * self.limits.false_alarm_cost_minor,
        }

    def _volumes(self) -> dict[str, Any]:
        return {
            "observed_transactions_a_month": self.certify.transactions_a_month,
            "judged_transactions_a_month": self.demand.transactions(self.certify).value,
            "transactions": self.demand.transactions(self.certify),
            "fraud_share": self.demand.share(self.certify),
        }

    def _loss(self, threshold: int) -> LossBound:
        return month_loss(self.certify, threshold, self.limits, demand=self.demand, seed=self.seed)
