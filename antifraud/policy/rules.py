"""A policy as people write it: the rules of one TOML file, each value with its limits.

A rule is *hit* by a payment that meets its condition. The limits of velocity rules are for the sums of the features'
own buckets (`antifraud/features/buckets.py`), with the present payment added.
"""

from collections.abc import Iterator
from typing import Annotated, Final, Literal, TypeAlias

from msgspec import Meta, Struct

from antifraud.keys.pseudonym import TOKEN_PATTERN

Effect = Literal["approve", "review", "flag"]
"""All that a policy can make of a payment, the weakest first."""
EFFECTS: Final[tuple[Effect, ...]] = ("approve", "review", "flag")
Entity = Literal["customer", "terminal"]
Measure = Literal["count", "sum"]
Window = Literal["1h", "1d", "7d"]
MOST_RULES: Final = 250
"""A decision stores each hit in one byte."""
MOST_TOKENS: Final = 100_000
LARGEST: Final = (1 << 53) - 1

RuleId = Annotated[str, Meta(pattern=r"\A[a-z0-9][a-z0-9-]{0,39}\Z")]
Token = Annotated[str, Meta(pattern=rf"\A{TOKEN_PATTERN}\Z")]
Limit = Annotated[int, Meta(ge=0, le=LARGEST)]
Score = Annotated[int, Meta(ge=0, le=1_000_000)]
Hindrance = Literal["review", "flag"]
OnSuspend = Literal["rules", "refuse"]


class AllowList(Struct, frozen=True, forbid_unknown_fields=True):
    """Customers or terminals that are approved, whatever the model and the rules below the lists say."""

    id: RuleId
    entity: Entity
    tokens: Annotated[tuple[Token, ...], Meta(min_length=1, max_length=MOST_TOKENS)]


class DenyList(Struct, frozen=True, forbid_unknown_fields=True):
    """Customers or terminals with an effect that nothing weakens."""

    id: RuleId
    entity: Entity
    tokens: Annotated[tuple[Token, ...], Meta(min_length=1, max_length=MOST_TOKENS)]
    effect: Hindrance


class AmountCap(Struct, frozen=True, forbid_unknown_fields=True):
    """Payments with an amount above a limit, minor units."""

    id: RuleId
    above: Limit
    effect: Hindrance


class VelocityRule(Struct, frozen=True, forbid_unknown_fields=True):
    """Payments that bring a count or a sum (minor units) of an entity in a window above a limit."""

    id: RuleId
    entity: Entity
    measure: Measure
    window: Window
    above: Limit
    effect: Hindrance


Rule: TypeAlias = AllowList | DenyList | AmountCap | VelocityRule


class ScoreLimits(Struct, frozen=True, forbid_unknown_fields=True):
    """Limits of the score, ppm: above the first a payment is reviewed, above the second it is flagged.

    Without `flag_above` the release's certified threshold flags. A lower `flag_above` has no effect: a threshold that
    nobody has certified must not flag.
    """

    review_above: Score | None = None
    flag_above: Score | None = None


class ControlShare(Struct, frozen=True, forbid_unknown_fields=True):
    """The share of would-be flags that is let through at random, up to an amount (minor units)."""

    share: Annotated[float, Meta(ge=0, le=0.5)] = 0.0
    amount_at_most: Limit = 0


class Policy(Struct, frozen=True, forbid_unknown_fields=True):
    """The rules of one file. `version` rises with every change; `about` says in a sentence what they are for.

    While the switch suspends the service, the rules decide alone, without a score, or no decisions are made.
    """

    version: Annotated[int, Meta(ge=1, le=LARGEST)]
    about: Annotated[str, Meta(min_length=1, max_length=500)]
    score: ScoreLimits = ScoreLimits()
    control: ControlShare = ControlShare()
    on_suspend: OnSuspend = "rules"
    allow: tuple[AllowList, ...] = ()
    deny: tuple[DenyList, ...] = ()
    amount: tuple[AmountCap, ...] = ()
    velocity: tuple[VelocityRule, ...] = ()

    @property
    def rules(self) -> tuple[Rule, ...]:
        """All rules; a decision stores the places of its hits in this order."""
        return (*self.allow, *self.deny, *self.amount, *self.velocity)


def input_of(rule: VelocityRule) -> str:
    """Return the name of the sum that a velocity rule looks at, as `antifraud.features.reference` names it.

    >>> input_of(VelocityRule("pace", "customer", "count", "1d", above=20, effect="review"))
    'customer_1d_tx_count'
    """
    return f"{rule.entity}_{rule.window}_{'tx_count' if rule.measure == 'count' else 'amount_sum'}"


def find_hit_by_all(policy: Policy) -> Iterator[str]:
    """Yield the rules that every payment hits: each has an amount, and is one payment of its customer."""
    limited: list[AmountCap | VelocityRule] = [*policy.amount, *policy.velocity]
    yield from (rule.id for rule in limited if rule.above == 0)
    if policy.score.review_above == 0:
        yield "score.review_above"
