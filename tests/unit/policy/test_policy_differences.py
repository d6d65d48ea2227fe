"""The difference of two policies names every rule and setting that decides otherwise, and no token."""

from antifraud.policy.differences import describe_difference
from antifraud.policy.rules import AllowList, AmountCap, ControlShare, DenyList, Policy, ScoreLimits, VelocityRule

BEFORE = Policy(
    1,
    "before",
    allow=(AllowList("staff", "customer", ("k1.a", "k1.b")),),
    deny=(DenyList("mules", "customer", ("k1.c",), "review"),),
    amount=(AmountCap("cap", 1_000, "review"), AmountCap("gone", 9, "flag")),
)


def test_equal_rules_have_no_difference():
    """Version and sentence decide nothing."""
    assert (
        describe_difference(BEFORE, Policy(2, "after", allow=BEFORE.allow, deny=BEFORE.deny, amount=BEFORE.amount))
        == []
    )


def test_added_removed_and_changed_rules_are_named():
    """If only the tokens of a list have changed, their numbers are told."""
    after = Policy(
        2,
        "after",
        score=ScoreLimits(300_000),
        control=ControlShare(0.02, 5_000),
        on_suspend="refuse",
        allow=(AllowList("staff", "customer", ("k1.b", "k1.d", "k1.e")),),
        deny=(DenyList("mules", "customer", ("k1.c",), "flag"),),
        amount=(AmountCap("cap", 2_000, "review"),),
        velocity=(VelocityRule("pace", "terminal", "count", "1h", 30, "flag"),),
    )

    assert describe_difference(BEFORE, after) == [
        "- gone: amount, above 9, flag",
        "+ pace: velocity, terminal, count, 1h, above 30, flag",
        "~ staff: allow, customer, 3 tokens (2 tokens added, 1 removed)",
        "~ mules: deny, customer, flag, 1 tokens (before: deny, customer, review, 1 tokens)",
        "~ cap: amount, above 2000, review (before: amount, above 1000, review)",
        "~ score.review_above: None -> 300000",
        "~ control.share: 0.0 -> 0.02",
        "~ control.amount_at_most: 0 -> 5000",
        "~ on_suspend: rules -> refuse",
    ]


def test_a_first_policy_adds_everything():
    """Without a policy, a suspended service refuses."""
    assert describe_difference(None, Policy(1, "first", amount=(AmountCap("cap", 9, "flag"),))) == [
        "+ cap: amount, above 9, flag",
        "~ on_suspend: refuse -> rules",
    ]
