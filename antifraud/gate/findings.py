"""Findings of the gate at one threshold, and its judgement of them: verdict, reasons, action."""

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from antifraud.gate.assumptions import Assumption, failed
from antifraud.gate.limits import Limits
from antifraud.stats.loss import LossBound
from antifraud.stats.threshold import TOGETHER


class Verdict(StrEnum):
    """PASS: the limits are met. FAIL: one is broken. INFEASIBLE: no threshold of any model at hand meets both."""

    PASS = "PASS"  # noqa: S105
    FAIL = "FAIL"
    INFEASIBLE = "INFEASIBLE"


@dataclass(frozen=True, slots=True)
class Estimate:
    """A quantity that the loss depends on, declared or observed in the window; `relative_sd` is its relative error."""

    value: float
    declared: bool
    relative_sd: float


@dataclass(frozen=True, slots=True)
class Correction:
    """Correction of missed fraud for labels that have not arrived yet.

    `factor` multiplies the missed amount of the window as it is known now; 1 corrects nothing. `days` is the number of
    corrected days, and `relative_sd` the relative error of the factor.
    """

    factor: float = 1.0
    days: int = 0
    relative_sd: float = 0.0


@dataclass(frozen=True, slots=True)
class Alternative:
    """Another model on the same rows: bound of its loss (minor units) at the lowest threshold the FPR target allows."""

    name: str
    loss_bound: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Findings:
    """Measurements at one threshold. Money is minor units, rates are fractions, volumes are a 30-day month's."""

    limits: Limits
    threshold: int
    beta: float | None
    """Tuned beta; None where the threshold was given."""
    fpr: float
    fpr_bounds: Mapping[str, float]
    """Upper bounds of the false-positive rate by unit of sampling: rows, days, and any other blocks."""
    fpr_binding: str
    """Name of the widest bound."""
    threshold_at_fpr_target: int
    """The lowest threshold at which every bound is within the target."""
    threshold_at_alerts_limit: int | None
    """The lowest threshold with no more alerts a day than `Limits.alerts_a_day`; None where alerts are not limited."""
    false_positives: int
    legitimate: int
    """Legitimate transactions in the window, `false_positives` of which are flagged."""
    unknown: int
    """Transactions in the window without a label: part of the volume, not of any rate."""
    false_positives_share: float
    """False positives over all labelled transactions, frauds included."""
    recall: float
    value_recall: float
    value_recall_at_fpr_target: float
    """The most that this model can catch: at `threshold_at_fpr_target`."""
    precision: float | None
    """Share of the window's flagged rows that are fraud; None where nothing is flagged."""
    alerts_a_day: float
    """At the judged volume and fraud share; so are the false alarms."""
    false_alarms_a_month: float
    false_alarm_cost_a_month: float
    loss: LossBound
    """At `threshold`."""
    loss_at_fpr_target: LossBound
    """The least that this model can lose: at `threshold_at_fpr_target`."""
    fraud_a_month: LossBound
    """All fraud, caught or not."""
    required_value_recall: float
    """Share of the fraud amount that the loss limit demands to be caught."""
    observed_transactions_a_month: float
    """With and without a label."""
    judged_transactions_a_month: float
    transactions: Estimate
    """A month, as judged."""
    fraud_share: Estimate
    """As judged. Observed, its error is part of `LossBound.parameter`; declared, it is `LossBound.share`."""
    maturity: Correction
    label_delay_days: int
    label_delay_loss: float | None
    """Missed fraud in the first `label_delay_days` of terminal episodes, minor units a month; None: days unknown."""
    alternatives: tuple[Alternative, ...]
    """Other models at hand, for the best single action."""
    assumptions: tuple[Assumption, ...] = ()
    """Conditions that the promises rest on, as this window measured them."""

    def by_name(self) -> dict[str, Any]:
        """Return the fields by name, for an object that adds to them."""
        return {field.name: getattr(self, field.name) for field in dataclasses.fields(self)}

    @property
    def fpr_bound(self) -> float:
        """The widest bound of the false-positive rate."""
        return self.fpr_bounds[self.fpr_binding]

    @property
    def warnings(self) -> list[str]:
        """Sentences about the assumptions that this window contradicts."""
        return [each.warning for each in failed(self.assumptions)]

    @property
    def widest_alone(self) -> tuple[str, float]:
        """The widest bound of a single kind of blocks, with the name of the kind."""
        alone = [(kind, bound) for kind, bound in self.fpr_bounds.items() if kind != TOGETHER]
        return max(alone, key=lambda each: each[1])

    @property
    def best_at_hand(self) -> Alternative:
        """The model at hand that can lose least: this one or an alternative."""
        own = Alternative("this one", self.loss_at_fpr_target.bound)
        return min([own, *self.alternatives], key=lambda each: each.loss_bound)

    @property
    def loss_limit_informative(self) -> bool:
        """False where all fraud together is within the loss limit: any model would then meet that limit."""
        return self.fraud_a_month.bound > self.limits.loss_limit_minor


@dataclass(frozen=True, slots=True, kw_only=True)
class Judgement(Findings):
    """The gate's judgement of one threshold."""

    verdict: Verdict
    reasons: tuple[str, ...]
    """Sentences with the numbers."""
    action: str
    """The best single thing to do, in a sentence."""
