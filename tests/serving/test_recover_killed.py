"""The job `recover` as a process, killed at each step of its talk with a scorer that a real guard has suspended."""

import pytest

from tests.circles import for_proofs
from tests.killing import run, run_killed, steps_of
from tests.serving.recovery_scene import NEW, over_http, stand, trip_by_guard

STEPS = ["before handle_request", "after handle_request"] * 2
"""The switch is read, then it is changed."""
LOST = 4
"""The step after which the scorer has changed the switch, and nobody has read its answer."""


@pytest.fixture
def tripped(scorer, home):
    """The switch after a trip without a standing judgement; ``second`` passes only in a judgement that came later."""
    after = trip_by_guard(scorer, home)
    assert (after.mode, after.release, after.trip.epoch) == ("SUSPENDED", None, after.epoch)
    stand(home, "second")
    return after


@pytest.mark.parametrize("step", [LOST, *for_proofs(1, 2, 3)])
def test_a_killed_recovery_is_gone_on_with_and_rolls_back_once(scorer, home, tripped, step):
    """Until the change is made nothing serves; afterwards the good release does, by one change of the switch."""
    with over_http(scorer, home) as settings:
        killed = run_killed(settings, step, "jobs.recover")
        assert (killed.returncode, steps_of(killed)) == (-9, STEPS[:step])
        between = scorer.store.switch()
        assert between == tripped if step < LOST else between.release == "second"

        ended = run(settings, "jobs.recover")

    said = "no trip holds the service any more" if step == LOST else "second serves: the service is ROLLED_BACK"
    assert (ended.returncode, said in ended.stdout) == (0, True)
    after = scorer.store.switch()
    assert (after.mode, after.release, after.epoch) == ("ROLLED_BACK", "second", tripped.epoch + 1)
    assert after.trip == tripped.trip
    assert scorer.decide(**NEW).json["release"] == "second"
