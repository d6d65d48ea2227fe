"""A policy compiled once a version, so that a velocity rule is a comparison with a sum that is there already.

Rules about the same sum share one sorted list of limits: one search in it finds all of them that are hit. All lists of
an entity are one dictionary. Nothing ends the search early, so the answer always names every rule that was hit.
"""

from bisect import bisect_left
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple

from antifraud.policy.rules import (
    EFFECTS,
    AllowList,
    AmountCap,
    ControlShare,
    DenyList,
    Effect,
    Entity,
    Measure,
    Policy,
    Rule,
    ScoreLimits,
    VelocityRule,
    input_of,
)
from antifraud.policy.ruling import Ruling, is_let_through

APPROVE, REVIEW, FLAG = range(len(EFFECTS))
Places = tuple[int, ...]


class Payment(NamedTuple):
    """A payment as rules see it: both tokens, the amount in minor units, and earlier sums by name.

    Sums are those of `antifraud.features.reference.feature_inputs` and `hour_inputs`, without the payment itself. A
    sum that is not known is missing; no rule about it is hit.
    """

    customer: str
    terminal: str
    amount: int
    sums: Mapping[str, int]


class Scored(NamedTuple):
    """A score and the threshold of its release, ppm."""

    score: int
    threshold: int


class Limits(NamedTuple):
    """Limits of rules about one number, ascending, and the place of each rule."""

    limits: tuple[int, ...]
    places: Places

    def below(self, value: int) -> Places:
        """Return the places of the rules with a limit below a value."""
        return self.places[: bisect_left(self.limits, value)]


@dataclass(frozen=True, slots=True, eq=False)
class Rulebook:
    """A compiled policy; two of them are equal if they are the same object.

    Attributes:
        version: Version of the policy; 0 stands for none.
        rules: Ids of the rules by place.
        score: Limits of the score.
        control: The control share.
        hourly: Entities with rules about their last hour.
        decides_alone: Whether the rules decide while the service is suspended.
    """

    version: int
    rules: tuple[str, ...]
    score: ScoreLimits
    control: ControlShare
    hourly: tuple[Entity, ...]
    decides_alone: bool
    _effects: tuple[int, ...]
    _allowed: int
    """Number of allow lists, which come first, ..."""
    _listed: int
    """... and of all lists."""
    _customers: Mapping[str, Places]
    _terminals: Mapping[str, Places]
    _amount: Limits
    _velocity: tuple[tuple[str, int, Limits], ...]
    """Names of sums; what a payment adds to each, 0 standing for its amount; and limits."""

    def decide(self, payment: Payment, scored: Scored | None, make_seed: Callable[[], str]) -> Ruling:
        """Rule on a payment; without a score, by the rules alone.

        `make_seed` makes the seed of the control share's draw. It must be known before the decision is stored.
        """
        hits = self._find_hits(payment)
        # Places ascend: allow lists have the first, and deny lists the next.
        is_denied = bisect_left(hits, self._allowed) < bisect_left(hits, self._listed)
        if hits and hits[0] < self._allowed and not is_denied:
            return Ruling("approve", hits)
        effect = EFFECTS[max(self._weigh_score(scored), max(map(self._effects.__getitem__, hits), default=APPROVE))]
        # Nobody who was denied by name is let through by chance.
        drawn = effect == "flag" and not is_denied and self._may_pass(payment.amount)
        return Ruling(effect, hits, drawn, drawn and is_let_through(make_seed(), self.control.share))

    def _may_pass(self, amount: int) -> bool:
        return bool(self.control.share) and amount <= self.control.amount_at_most

    def _find_hits(self, payment: Payment) -> bytes:
        customer, terminal, amount, sums = payment
        found = [*self._customers.get(customer, ()), *self._terminals.get(terminal, ()), *self._amount.below(amount)]
        for name, step, limits in self._velocity:
            before = sums.get(name)
            # The present payment counts: a rule is hit by the payment that breaks its limit.
            if before is not None and before + (step or amount) > limits.limits[0]:
                found += limits.below(before + (step or amount))
        return bytes(sorted(found))

    def _weigh_score(self, scored: Scored | None) -> int:
        if scored is None:
            return APPROVE
        score, threshold = scored
        review, flag = self.score.review_above, self.score.flag_above
        # A release may flag less than it was certified for, and never more.
        if score > threshold and (flag is None or score > flag):
            return FLAG
        return REVIEW if review is not None and score > review else APPROVE


def compile_policy(policy: Policy) -> Rulebook:
    """Return the rulebook of a policy."""
    rules = policy.rules
    return Rulebook(
        version=policy.version,
        rules=tuple(rule.id for rule in rules),
        score=policy.score,
        control=policy.control,
        hourly=tuple(sorted({rule.entity for rule in policy.velocity if rule.window == "1h"})),
        decides_alone=policy.on_suspend == "rules",
        _effects=tuple(EFFECTS.index(_effect_of(rule)) for rule in rules),
        _allowed=len(policy.allow),
        _listed=len(policy.allow) + len(policy.deny),
        _customers=_places_by_token(rules, "customer"),
        _terminals=_places_by_token(rules, "terminal"),
        _amount=_limits((place, rule.above) for place, rule in enumerate(rules) if isinstance(rule, AmountCap)),
        _velocity=tuple(_limits_by_input(policy.velocity, len(rules) - len(policy.velocity))),
    )


def _effect_of(rule: Rule) -> Effect:
    return "approve" if isinstance(rule, AllowList) else rule.effect


def _places_by_token(rules: Sequence[Rule], entity: Entity) -> dict[str, Places]:
    places: defaultdict[str, list[int]] = defaultdict(list)
    for place, rule in enumerate(rules):
        if isinstance(rule, AllowList | DenyList) and rule.entity == entity:
            for token in dict.fromkeys(rule.tokens):
                places[token].append(place)
    return {token: tuple(found) for token, found in places.items()}


def _limits_by_input(rules: Sequence[VelocityRule], first: int) -> Iterator[tuple[str, int, Limits]]:
    """Yield each sum that rules look at, what a payment adds to it, and their limits; `first` is the first place."""
    found: defaultdict[tuple[str, Measure], list[tuple[int, int]]] = defaultdict(list)
    for place, rule in enumerate(rules, first):
        found[input_of(rule), rule.measure].append((place, rule.above))
    yield from ((name, int(measure == "count"), _limits(limits)) for (name, measure), limits in found.items())


def _limits(rules: Iterable[tuple[int, int]]) -> Limits:
    ordered = sorted((limit, place) for place, limit in rules)
    return Limits(tuple(limit for limit, _ in ordered), tuple(place for _, place in ordered))


NO_POLICY: Final = compile_policy(Policy(version=0, about="none", on_suspend="refuse"))
"""The rulebook without rules: the release's threshold alone decides."""
