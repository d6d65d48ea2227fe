"""The effect of each kind of rule, alone and beside the others, and the draw of the control share."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from antifraud.policy.rulebook import NO_POLICY, Payment, Scored, compile_policy
from antifraud.policy.rules import (
    AllowList,
    AmountCap,
    ControlShare,
    DenyList,
    Policy,
    ScoreLimits,
    VelocityRule,
    input_of,
)
from antifraud.policy.ruling import Ruling, is_let_through, pack_ruling, unpack_ruling

THRESHOLD = 500_000


def policy_of(**parts):
    return Policy(
        1, "a test", **{name: part if name in {"score", "control"} else tuple(part) for name, part in parts.items()}
    )


def rule(policy, *, score=100_000, customer="c", terminal="t", amount=100, seed="s", **sums):
    payment = Payment(customer, terminal, amount, sums)
    scored = None if score is None else Scored(score, THRESHOLD)
    return compile_policy(policy).decide(payment, scored, lambda: seed)


def velocity(name, above, effect="flag", entity="customer", measure="count", window="1h"):
    return VelocityRule(name, entity, measure, window, above, effect)


@pytest.mark.parametrize(("score", "effect"), [(500_000, "approve"), (500_001, "flag"), (None, "approve")])
def test_without_a_policy_the_threshold_decides(score, effect):
    """A score at the threshold is not above it; without a score nothing is flagged."""
    scored = None if score is None else Scored(score, THRESHOLD)

    assert NO_POLICY.decide(Payment("c", "t", 1, {}), scored, str) == Ruling(effect)
    assert (NO_POLICY.version, NO_POLICY.decides_alone) == (0, False)


@pytest.mark.parametrize(
    ("limits", "score", "effect"),
    [
        (ScoreLimits(300_000), 300_000, "approve"),
        (ScoreLimits(300_000), 300_001, "review"),
        (ScoreLimits(300_000), 500_001, "flag"),
        (ScoreLimits(300_000, 700_000), 700_000, "review"),
        (ScoreLimits(300_000, 700_000), 700_001, "flag"),
        (ScoreLimits(None, 700_000), 600_000, "approve"),
        (ScoreLimits(None, 100_000), 400_000, "approve"),
        (ScoreLimits(50_000, 100_000), 400_000, "review"),
    ],
)
def test_two_limits_of_the_score_make_three_effects(limits, score, effect):
    """A limit below the certified threshold flags nothing more than that threshold does."""
    assert rule(policy_of(score=limits), score=score).effect == effect


def test_an_amount_above_the_cap_has_its_effect():
    """The cap itself is allowed."""
    policy = policy_of(amount=[AmountCap("cap", 1_000, "review"), AmountCap("hard", 5_000, "flag")])

    assert rule(policy, amount=1_000) == Ruling("approve")
    assert rule(policy, amount=1_001) == Ruling("review", b"\x00")
    assert rule(policy, amount=5_001) == Ruling("flag", b"\x00\x01")


def test_the_payment_that_breaks_a_limit_hits_the_rule():
    """A rule of at most 3 payments an hour is hit by the fourth, one of a sum by the payment that exceeds it."""
    policy = policy_of(velocity=[velocity("pace", 3), velocity("spent", 1_000, measure="sum", window="7d")])

    assert rule(policy, customer_1h_tx_count=2).hits == b""
    assert rule(policy, customer_1h_tx_count=3).hits == b"\x00"
    assert rule(policy, amount=100, customer_7d_amount_sum=900).hits == b""
    assert rule(policy, amount=101, customer_7d_amount_sum=900).hits == b"\x01"


def test_a_sum_that_is_not_known_hits_nothing():
    """A late event may lie in a day that the state has closed."""
    policy = policy_of(velocity=[velocity("pace", 0)])

    assert rule(policy) == Ruling("approve")


def test_an_allow_list_wins_over_score_and_limits():
    """All hits are named nevertheless."""
    policy = policy_of(allow=[AllowList("staff", "customer", ("c",))], amount=[AmountCap("cap", 10, "flag")])

    assert rule(policy, score=900_000) == Ruling("approve", b"\x00\x01")
    assert rule(policy, score=900_000, customer="d") == Ruling("flag", b"\x01")


def test_a_deny_list_wins_over_an_allow_list():
    """It may deny the terminal of a customer who is on an allow list."""
    policy = policy_of(
        allow=[AllowList("staff", "customer", ("c",))],
        deny=[DenyList("skimmed", "terminal", ("t",), "review")],
        control=ControlShare(0.5, 10_000),
    )

    assert rule(policy) == Ruling("review", b"\x00\x01")
    assert rule(policy, score=900_000) == Ruling("flag", b"\x00\x01"), "a review never weakens a flag"


def test_a_token_counts_for_its_own_kind_of_entity():
    """A customer's token on a list of terminals denies nobody."""
    assert rule(policy_of(deny=[DenyList("skimmed", "terminal", ("c",), "flag")])) == Ruling("approve")


def test_a_token_of_several_lists_hits_all_of_them():
    """Repeated tokens of one list count once."""
    lists = [DenyList("one", "customer", ("c", "c"), "review"), DenyList("two", "customer", ("b", "c"), "flag")]

    assert rule(policy_of(deny=lists)) == Ruling("flag", b"\x00\x01")


def test_rules_decide_without_a_score():
    """While the service is suspended, nothing is scored."""
    policy = policy_of(score=ScoreLimits(0), amount=[AmountCap("cap", 1_000, "flag")])

    assert rule(policy, score=None) == Ruling("approve")
    assert rule(policy, score=None, amount=1_001) == Ruling("flag", b"\x00")


CONTROL = ControlShare(0.25, 1_000)
PASSING, BLOCKED = "s2", "s0"
"""Seeds whose draws let a quarter through, and do not."""


def test_the_control_share_lets_would_be_flags_through():
    """The seed alone decides; the effect and the chance are kept beside the answer."""
    through = rule(policy_of(control=CONTROL), score=900_000, seed=PASSING)
    blocked = rule(policy_of(control=CONTROL), score=900_000, seed=BLOCKED)

    assert through == Ruling("flag", drawn=True, let_through=True)
    assert blocked == Ruling("flag", drawn=True)
    assert (through.said, blocked.said) == ("approve", "flag")
    assert {through.propensity(0.25), blocked.propensity(0.25)} == {0.25}


@pytest.mark.parametrize(
    ("changes", "options"),
    [
        ({"control": CONTROL}, {"amount": 1_001}),
        ({"control": ControlShare(0.0, 1_000)}, {}),
        ({"control": CONTROL, "deny": [DenyList("mules", "customer", ("c",), "flag")]}, {}),
    ],
    ids=["above the amount", "no share", "denied"],
)
def test_a_flag_without_a_chance_has_propensity_0(changes, options):
    """Large amounts and denied tokens are never let through."""
    ruling = rule(policy_of(**changes), score=900_000, seed=PASSING, **options)

    assert (ruling.effect, ruling.drawn, ruling.said, ruling.propensity(0.25)) == ("flag", False, "flag", 0.0)


def test_reviews_and_approvals_are_not_drawn():
    """They are not blocked, so their labels become known."""
    ruling = rule(policy_of(control=CONTROL, score=ScoreLimits(50_000)), seed=PASSING)

    assert (ruling, ruling.propensity(0.25)) == (Ruling("review"), 1.0)


def test_the_share_of_draws_is_the_control_share():
    """Some 2 % of 20,000 seeds, within four standard deviations."""
    passed = sum(is_let_through(f"decision-{number}", 0.02) for number in range(20_000))

    assert 320 <= passed <= 480


EFFECT = st.sampled_from(["review", "flag"])
NAMES = st.sampled_from(["a", "b", "c"])
LISTS = st.lists(NAMES, min_size=1, max_size=3).map(tuple)
ENTITY = st.sampled_from(["customer", "terminal"])
SMALL = st.integers(0, 6)


@st.composite
def policies(draw):
    counts = [draw(st.integers(0, 4)) for _ in range(4)]
    names = iter(f"r{place}" for place in range(20))
    return Policy(
        1,
        "a test",
        score=ScoreLimits(draw(st.none() | st.integers(0, 6)), draw(st.none() | st.integers(0, 9))),
        control=ControlShare(draw(st.sampled_from([0.0, 0.5])), draw(SMALL)),
        allow=tuple(AllowList(next(names), draw(ENTITY), draw(LISTS)) for _ in range(counts[0])),
        deny=tuple(DenyList(next(names), draw(ENTITY), draw(LISTS), draw(EFFECT)) for _ in range(counts[1])),
        amount=tuple(AmountCap(next(names), draw(SMALL), draw(EFFECT)) for _ in range(counts[2])),
        velocity=tuple(
            VelocityRule(
                next(names), draw(ENTITY), draw(st.sampled_from(["count", "sum"])),
                draw(st.sampled_from(["1h", "1d", "7d"])), draw(SMALL), draw(EFFECT),
            )
            for _ in range(counts[3])
        ),
    )  # fmt: skip


SUMS = st.dictionaries(
    st.sampled_from(
        [
            f"{e}_{w}_{m}"
            for e in ("customer", "terminal")
            for w in ("1h", "1d", "7d")
            for m in ("tx_count", "amount_sum")
        ]
    ),
    SMALL,
)


def is_hit(each, payment):
    """Whether a payment meets the condition of one rule, written as the manual says it."""
    if isinstance(each, AllowList | DenyList):
        return getattr(payment, each.entity) in each.tokens
    if isinstance(each, AmountCap):
        return payment.amount > each.above
    before = payment.sums.get(input_of(each))
    return before is not None and before + (1 if each.measure == "count" else payment.amount) > each.above


def expected_effect(policy, payment, scored):
    """The effect as the manual's list of precedence says it, rule by rule."""
    hit = [each for each in policy.rules if is_hit(each, payment)]
    said = {each.effect for each in hit if not isinstance(each, AllowList)}
    if scored:
        flags = scored.score > scored.threshold
        flags = flags and (policy.score.flag_above is None or scored.score > policy.score.flag_above)
        if flags:
            said.add("flag")
        elif policy.score.review_above is not None and scored.score > policy.score.review_above:
            said.add("review")
    if any(isinstance(each, AllowList) for each in hit) and not any(isinstance(each, DenyList) for each in hit):
        return "approve"
    return "flag" if "flag" in said else "review" if "review" in said else "approve"


@given(policies(), NAMES, NAMES, st.integers(1, 6), SUMS, st.none() | st.integers(0, 9), st.text(max_size=3))
def test_a_compiled_policy_decides_as_its_rules_one_by_one(policy, customer, terminal, amount, sums, score, seed):
    """Hits, effect and draw agree with a plain reading of the rules, and a packed ruling is the same ruling."""
    payment, scored = Payment(customer, terminal, amount, sums), None if score is None else Scored(score, 5)

    ruling = compile_policy(policy).decide(payment, scored, lambda: seed)

    assert ruling.hits == bytes(place for place, each in enumerate(policy.rules) if is_hit(each, payment))
    assert ruling.effect == expected_effect(policy, payment, scored)
    assert ruling.let_through <= ruling.drawn <= (ruling.effect == "flag")
    assert not ruling.drawn or amount <= policy.control.amount_at_most
    assert unpack_ruling(pack_ruling(ruling) + b"rest") == (ruling, 2 + len(ruling.hits))
