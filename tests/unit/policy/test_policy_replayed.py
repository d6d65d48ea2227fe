"""The figures of a replay, as a person reads them, and what speaks against a policy."""

import datetime as dt

import pytest
from msgspec import structs

from antifraud.errors import SchemaError
from antifraud.policy.replayed import (
    Figures,
    PolicyReport,
    RuleFigures,
    decode_report,
    describe_report,
    encode_report,
    find_objections,
)
from antifraud.policy.rules import AmountCap, Policy

MODEL = Figures(days=10, payments=10_000, flags=300, legitimate=9_000, legitimate_flags=270, fraud=100, fraud_flags=30)
FIGURES = Figures(
    days=10,
    payments=10_000,
    flags=400,
    reviews=100,
    let_through=5,
    legitimate=9_000,
    legitimate_flags=360,
    fraud=100,
    fraud_flags=40,
    missed=5_000_000,
    reviewed=250_000,
)
REPORT = PolicyReport(
    version=2,
    sha256="0" * 64,
    release="r1",
    threshold=50_000,
    first=dt.date(2026, 4, 1),
    last=dt.date(2026, 4, 10),
    as_of=dt.date(2026, 4, 17),
    model=MODEL,
    active=None,
    policy=FIGURES,
    rules=(RuleFigures("cap", 150, 90, 20), RuleFigures("pace")),
)
POLICY = Policy(2, "a test", amount=(AmountCap("cap", 9, "flag"),))


def test_the_figures_are_shares_of_what_is_known():
    """Precision counts flags with a label; without any it is not known."""
    assert (FIGURES.fpr, FIGURES.precision, FIGURES.alerts_a_day) == (0.04, 0.1, 50.0)
    assert (Figures(days=1).fpr, Figures(days=1).precision) == (0.0, None)


def test_a_report_is_read_as_it_was_written():
    """Anything else is refused."""
    assert decode_report(encode_report(REPORT).encode()) == REPORT
    with pytest.raises(SchemaError, match="replay it again"):
        decode_report(b"{}")


def test_a_report_has_a_line_for_each_way_and_each_rule_that_was_hit():
    """The policy stands below the model alone."""
    assert describe_report(REPORT) == [
        "policy version 2 on 2026-04-01 to 2026-04-10, with release r1 at threshold 50,000, labels as of 2026-04-17:",
        (
            "  model alone: 300 flags, 0 reviews, 0 let through; 30 alerts a day; flags 3.00% of legitimate payments, "
            "precision 10.0%; misses 0 RUB of fraud, 0 RUB more if reviews find none"
        ),
        (
            "  this policy: 400 flags, 100 reviews, 5 let through; 50 alerts a day; flags 4.00% of legitimate "
            "payments, precision 10.0%; misses 50,000 RUB of fraud, 2,500 RUB more if reviews find none"
        ),
        "  cap: hit by 150 payments (1.50%), 20 of them frauds, 90 legitimate",
        "  never hit: 1 of 2 rules",
    ]


def test_nothing_speaks_against_a_moderate_policy():
    """It flags 4 % of legitimate payments."""
    assert list(find_objections(POLICY, REPORT, fpr_limit=0.05)) == []


def test_a_policy_that_was_not_replayed_is_objected_to():
    """Nobody knows what it would do."""
    assert list(find_objections(POLICY, None, 0.05)) == [
        "it was not replayed: run `python -m jobs.policy_replay` on past days first"
    ]


def test_a_rule_that_flags_everything_is_objected_to():
    """The file alone shows a limit of 0; the replay shows a limit that most payments are above."""
    everything = structs.replace(FIGURES, flags=9_990, legitimate_flags=8_990)
    report = structs.replace(REPORT, policy=everything, rules=(RuleFigures("cap", 9_900, 8_900, 100),))
    policy = Policy(2, "a test", amount=(AmountCap("cap", 0, "flag"),))

    assert list(find_objections(policy, report, 0.05)) == [
        "cap is hit by every payment",
        "it flags 99.89% of legitimate payments, at most 5.00% are expected",
        "cap is hit by 99.0% of all payments",
    ]
