"""What the gate says: the verdict, the numbers behind it, and the limits it was judged by; plain values for JSON."""

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Self

from antifraud.stats.loss import LossBound


class Verdict(StrEnum):
    """PASS: the limits are met. FAIL: one is broken. INFEASIBLE: no threshold of any model at hand meets both."""

    PASS = "PASS"  # noqa: S105
    FAIL = "FAIL"
    INFEASIBLE = "INFEASIBLE"


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """What the business allows, and how sure the gate must be. Shares are fractions, money is minor units."""

    fpr_limit: float = 0.05
    """Largest false-positive rate."""
    fpr_target: float = 0.045
    """Rate that a new threshold is certified at, so that a good release does not live on the edge."""
    delta: float = 0.01
    """Largest probability that the true rate exceeds what was certified."""
    loss_limit_minor: int = 50_000_000
    """Largest missed fraud of a 30-day month: 500,000 RUB."""
    loss_level: float = 0.99
    """Probability with which next month's loss must stay within its limit."""
    alerts_a_day: int | None = None
    """Alerts that the team can review a day; None: not limited."""
    false_alarm_cost_minor: int = 10_000
    """Declared cost of handling one false alarm: 100 RUB. Reported beside the loss, not part of it."""
    attainable_value_recall: float = 0.95
    """A loss limit that demands a higher value recall is not worth another model: it counts as out of reach."""


@dataclass(frozen=True, slots=True)
class Estimate:
    """A quantity that the loss depends on: as declared, or as observed in the window; `relative_sd` is its error."""

    value: float
    declared: bool
    relative_sd: float


@dataclass(frozen=True, slots=True)
class Correction:
    """What maturation adds to the missed fraud of days whose labels have not all come.

    `factor` multiplies the missed amount of the window as it is known now (1: nothing to correct), `days` is the
    number of days corrected, `relative_sd` the factor's error.
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
    """What was measured at one threshold. Money is minor units, rates are fractions, volumes are a 30-day month's."""

    limits: Limits
    threshold: int
    beta: float | None
    """Tuned beta; None where the threshold was given."""
    fpr: float
    fpr_bounds: Mapping[str, float]
    """Upper bounds of the FPR by check: rows, days, and any other blocks."""
    fpr_binding: str
    """The widest of them."""
    threshold_at_fpr_target: int
    """The lowest threshold at which every bound is within the target."""
    threshold_at_alerts_limit: int | None
    """The lowest threshold with no more alerts a day than `Limits.alerts_a_day`; None where they are not limited."""
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
    """At the judged volume and fraud share, as the false alarms."""
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
    """Missed in the first `label_delay_days` of terminal episodes, minor units a month; None where days are unknown."""
    alternatives: tuple[Alternative, ...]
    """Other models at hand, for the best single action."""

    @property
    def fpr_bound(self) -> float:
        """The widest bound of the false-positive rate."""
        return self.fpr_bounds[self.fpr_binding]

    @property
    def loss_limit_informative(self) -> bool:
        """False where all fraud together is within the loss limit, so that any model would meet it."""
        return self.fraud_a_month.bound > self.limits.loss_limit_minor


@dataclass(frozen=True, slots=True, kw_only=True)
class GateReport(Findings):
    """The gate's judgement of one threshold."""

    verdict: Verdict
    reasons: tuple[str, ...]
    """Sentences with the numbers; the last one is the best single action."""

    def to_dict(self) -> dict[str, Any]:
        """Plain values, for JSON."""
        return {
            **dataclasses.asdict(self),
            "verdict": str(self.verdict),
            "reasons": list(self.reasons),
            "alternatives": [dataclasses.asdict(each) for each in self.alternatives],
            "loss_limit_informative": self.loss_limit_informative,
        }

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Self:
        """Read back what `to_dict` gave."""
        losses = {name: LossBound(**values[name]) for name in ("loss", "loss_at_fpr_target", "fraud_a_month")}
        known = {field.name: values[field.name] for field in dataclasses.fields(cls)}
        parsed = {
            "verdict": Verdict(values["verdict"]),
            "reasons": tuple(values["reasons"]),
            "limits": Limits(**values["limits"]),
            "transactions": Estimate(**values["transactions"]),
            "fraud_share": Estimate(**values["fraud_share"]),
            "maturity": Correction(**values["maturity"]),
            "alternatives": tuple(Alternative(**each) for each in values["alternatives"]),
        }
        return cls(**{**known, **losses, **parsed})
