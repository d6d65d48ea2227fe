"""The benchmark of a policy's cost: its rules are as promised, and its figure is the median of the turns."""

from collections import Counter

from antifraud.policy.reading import read_policy
from antifraud.policy.rules import input_of
from bench.serving import policy as bench


def test_the_policy_has_a_hundred_rules():
    """Half of them are velocity rules, which look at all twelve sums of both entities."""
    policy = read_policy(bench.policy_text().encode(), "the bench's policy")

    kinds = Counter(type(rule).__name__ for rule in policy.rules)
    assert kinds == {"VelocityRule": 50, "AllowList": 16, "DenyList": 14, "AmountCap": 20}
    assert len({input_of(rule) for rule in policy.velocity}) == 12
    assert {len(rule.tokens) for rule in (*policy.allow, *policy.deny)} == {1_000}


def test_the_median_of_the_turns_is_the_ratio(monkeypatch):
    """Ratios of 1.1, 1.05 and 1.2 give 1.1."""
    recorded = []
    found = [bench.Medians(440, 400), bench.Medians(420, 400), bench.Medians(480, 400)]
    monkeypatch.setattr(bench, "take_turns", lambda *_: found)
    monkeypatch.setattr(bench, "record", lambda *entry: recorded.append(entry))
    bench.main(type("Options", (), {"turns": 3}))

    ((name, value, unit, command, baseline, spread),) = recorded
    assert (name, unit, command) == ("scorer.policy_ratio", "1", "make bench-policy")
    assert (round(value, 3), [round(each, 3) for each in spread]) == (1.1, [1.05, 1.2])
    assert baseline.startswith("440 of 400 microseconds without a policy, in 3 turns; 50 velocity rules, 30 lists")
