"""Kill -9 of real guards and workers, two guards at once, clocks apart: the verdict is that without any of it."""

import pytest

from bench.switch.kill_days import Plan
from bench.switch.kills import compare


@pytest.mark.parametrize(
    "plan",
    [Plan(days=5, kills=2, payments=120), pytest.param(Plan(days=20, kills=10), marks=pytest.mark.prove)],
    ids=["10 kills", "200 kills"],
)
def test_kills_change_no_verdict(tmp_path, plan):
    """Transitions, evidence, counts and eras are the same, and the service has tripped in between."""
    outcome = compare(tmp_path, plan, seed=1)

    assert outcome.differences == []
    assert sum(outcome.kills.values()) == plan.days * plan.kills
    assert outcome.trips >= 1
