"""The limits of the business: how much each allows, what is measured against it, and the words for both.

A new limit is an amount in `Limits` and an entry in `LIMITS`. The rules of the gate, the page, the model card and
the terminal go through that list.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Final

from antifraud.errors import SettingsError
from antifraud.figures import rub, share_text
from antifraud.settings.assumptions import AssumptionName
from antifraud.stats.draws import require_level
from antifraud.stats.threshold import TOGETHER

if TYPE_CHECKING:
    from antifraud.gate.findings import Findings


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """How much the business allows, and how sure the gate must be. Shares are fractions, money is minor units."""

    fpr_limit: float = 0.05
    """Largest false-positive rate."""
    fpr_target: float = 0.045
    """Rate that a new threshold is certified at, with room below the limit, so that a good release keeps passing."""
    delta: float = 0.01
    """Largest probability that the true rate exceeds what was certified."""
    loss_limit_minor: int = 50_000_000
    """Largest missed fraud of a 30-day month: 500,000 RUB."""
    loss_level: float = 0.99
    """Probability with which next month's loss must stay within its limit."""
    alerts_a_day: int | None = None
    """Alerts that the team can review a day; None: not limited."""
    false_alarm_cost_minor: int = 10_000
    """Declared cost of handling one false alarm: 100 RUB. It is reported apart, and is no part of the loss."""
    attainable_value_recall: float = 0.95
    """A loss limit that demands a higher value recall counts as out of reach: no model is advised any more."""
    refuse_if_failed: tuple[AssumptionName, ...] = ()
    """Assumptions that forbid a PASS where the window contradicts them; the others only warn."""

    def __post_init__(self) -> None:
        """Refuse amounts that no window could be judged by.

        Raises:
            SettingsError: The level of the loss leaves too few draws beyond it, or a limit is not above 0.
        """
        require_level(self.loss_level)
        if not 0 < self.loss_limit_minor < math.inf:
            raise SettingsError(
                f"the loss limit is {self.loss_limit_minor}, expected more than 0 minor units: declare what a month's "
                "missed fraud may cost"
            )


class Unit(StrEnum):
    """The unit of a measure. A page, a card and a terminal each have their own format for it."""

    SHARE = "share"
    """A fraction, shown in percent."""
    MONEY = "RUB a month"
    """Minor units, shown in roubles."""
    COUNT = "count"


@dataclass(frozen=True, slots=True)
class Bound:
    """An upper bound of a measure, and how sure it is: `level` is a confidence or a probability, as `kind` says."""

    value: float
    level: float
    kind: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Limit:
    """One limit of the business. Its functions read the findings of a window, and the amounts of `Limits`."""

    name: str
    unit: Unit
    allowed: Callable[[Limits], float | None]
    """The largest amount; None: not limited."""
    measured: Callable[["Findings"], float]
    bound: Callable[["Findings"], Bound] | None = None
    """Upper bound to compare with the limit; None for a count, which is compared itself."""
    says_nothing: Callable[["Findings"], bool] = lambda _: False
    """Whether any model would be within the limit."""
    column: str | None = None
    """Column of the trade-off table (`antifraud.gate.report.TradeoffRow`) that the limit is compared with."""
    reason: Callable[["Findings"], str]
    """A sentence with the limit, and with measure and bound where no other sentence has them."""
    remedy: Callable[["Findings"], str]
    """The best single action if the limit is not met."""

    @property
    def phrase(self) -> str:
        """The name with its period, for a sentence in which the figure has the unit.

        >>> RATE.phrase, LOSS.phrase
        ('false-positive rate', 'missed fraud a month')
        """
        return f"{self.name} a month" if self.unit is Unit.MONEY else self.name

    @property
    def title(self) -> str:
        """The name with its unit.

        >>> RATE.title, LOSS.title
        ('false-positive rate', 'missed fraud, RUB a month')
        """
        return f"{self.name}, {self.unit}" if self.unit is Unit.MONEY else self.name

    def compared(self, found: "Findings") -> float:
        """Return the figure that is compared with the limit."""
        return self.bound(found).value if self.bound else self.measured(found)

    def is_broken(self, found: "Findings") -> bool:
        """Return whether the findings are above the limit."""
        return self.excludes(self.compared(found), found.limits)

    def excludes(self, amount: float, limits: Limits) -> bool:
        """Return whether an amount is above the limit."""
        allowed = self.allowed(limits)
        return allowed is not None and amount > allowed


def declared(limits: Limits) -> list[Limit]:
    """Return the limits that the business has set.

    >>> len(declared(Limits())), len(declared(Limits(alerts_a_day=60)))
    (2, 3)
    """
    return [limit for limit in LIMITS if limit.allowed(limits) is not None]


def broken(found: "Findings") -> list[Limit]:
    """Return the limits that the findings break."""
    return [limit for limit in LIMITS if limit.is_broken(found)]


def unmet(found: "Findings") -> list[Limit]:
    """Return the limits that forbid a PASS: a limit is broken, or any model would be within it."""
    return [limit for limit in LIMITS if limit.is_broken(found) or limit.says_nothing(found)]


def obstacle(found: "Findings") -> str:
    """Return the numbers that the loss limit fails on: bound, limit, the best at hand, and the label delay's part."""
    best, others = found.best_at_hand, len(found.alternatives)
    which = f"the best of {others + 1} models ({best.name})" if others else "it still"
    said = (
        f"loss bound {rub(found.loss.bound)} > {rub(found.limits.loss_limit_minor)}; at the lowest threshold that "
        f"the rate allows {which} reaches {rub(best.loss_bound)}"
    )
    if found.label_delay_loss:
        said += f"; the label delay of {found.label_delay_days} days alone costs {rub(found.label_delay_loss)}"
    return said


def _sense(limit: Limit, found: "Findings") -> str:
    return "above" if limit.is_broken(found) else "within"


def _rate(found: "Findings") -> str:
    return (
        f"The false-positive rate is {found.fpr:.2%} ({found.false_positives:,} of {found.legitimate:,} legitimate "
        f"transactions), at most {found.fpr_bound:.2%} with {share_text(1 - found.limits.delta, 0)} confidence (widest "
        f"bound: by {_binding(found)}): {_sense(RATE, found)} the limit of {found.limits.fpr_limit:.2%}."
    )


def _binding(found: "Findings") -> str:
    """Return the kind of the widest bound; for all kinds together, also the widest single kind."""
    if found.fpr_binding != TOGETHER:
        return found.fpr_binding
    kind, bound = found.widest_alone
    return f"{TOGETHER}, {kind} alone give {bound:.2%}"


def _higher_for_rate(found: "Findings") -> str:
    return f"Raise the threshold from {found.threshold} to {found.threshold_at_fpr_target} ppm and judge again."


def _loss(found: "Findings") -> str:
    return (
        f"A month's missed fraud is {rub(found.loss.mean)}, at most {rub(found.loss.bound)} with "
        f"{share_text(found.loss.level, 0)} probability: {_sense(LOSS, found)} the limit of "
        f"{rub(found.limits.loss_limit_minor)}. {share_text(found.value_recall)} of the fraud amount is caught, the "
        f"limit demands {share_text(found.required_value_recall)}."
    )


def _less_loss(found: "Findings") -> str:
    """Return what helps where some threshold of some model at hand meets both rate and loss."""
    limits, own, best = found.limits, found.loss_at_fpr_target.bound, found.best_at_hand
    if not LOSS.is_broken(found):
        return "Declare the volume that the model will serve, or a loss limit that fits this one, and judge again."
    if own > limits.loss_limit_minor:
        return f"Take {best.name} instead: {obstacle(found)}."
    if found.threshold == found.threshold_at_alerts_limit:  # a lower one would lose less, but alerts forbid it
        return (
            f"Make room for more alerts than {limits.alerts_a_day:,} a day, which keep the threshold at "
            f"{found.threshold} ppm: {obstacle(found)}."
        )
    return f"Lower the threshold from {found.threshold} towards {found.threshold_at_fpr_target} ppm and judge again."


def _alerts(found: "Findings") -> str:
    return f"Alerts a day are {_sense(ALERTS, found)} the limit of {found.limits.alerts_a_day:,}."


def _higher_for_alerts(found: "Findings") -> str:
    return (
        f"Raise the threshold from {found.threshold} to {found.threshold_at_alerts_limit} ppm and judge again: "
        f"{found.alerts_a_day:,.0f} alerts a day, {found.limits.alerts_a_day:,} are allowed."
    )


RATE: Final = Limit(
    name="false-positive rate",
    unit=Unit.SHARE,
    allowed=lambda limits: limits.fpr_limit,
    measured=lambda found: found.fpr,
    bound=lambda found: Bound(found.fpr_bound, 1 - found.limits.delta, "confidence"),
    column="fpr_bound",
    reason=_rate,
    remedy=_higher_for_rate,
)
LOSS: Final = Limit(
    name="missed fraud",
    unit=Unit.MONEY,
    allowed=lambda limits: limits.loss_limit_minor,
    measured=lambda found: found.loss.mean,
    bound=lambda found: Bound(found.loss.bound, found.loss.level, "probability"),
    says_nothing=lambda found: not found.loss_limit_informative,
    column="loss_bound",
    reason=_loss,
    remedy=_less_loss,
)
ALERTS: Final = Limit(
    name="alerts a day",
    unit=Unit.COUNT,
    allowed=lambda limits: limits.alerts_a_day,
    measured=lambda found: found.alerts_a_day,
    column="alerts_a_day",
    reason=_alerts,
    remedy=_higher_for_alerts,
)
LIMITS: Final = (RATE, LOSS, ALERTS)
"""All limits in the order of their names in a report. The gate advises about the first that is not met."""
