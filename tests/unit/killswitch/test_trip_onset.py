"""The onset of a trouble is estimated from closed days, and the recovery from a trip ends where a person takes over."""

import dataclasses

import pytest

from antifraud.errors import TransitionRefused
from antifraud.killswitch.cohorts import CohortCounts
from antifraud.killswitch.machine import INITIAL, Mode, Order, change, trip
from antifraud.killswitch.trips import Trip, estimate_onset


def days(*flagged, rows=10_000):
    """Closed days from day 0 on with so many honest flags each."""
    return [CohortCounts(day, "", rows, each, legit_flagged=each) for day, each in enumerate(flagged)]


@pytest.mark.parametrize(
    ("flagged", "onset"),
    [
        ((400, 410, 390, 800), 3),
        ((400, 410, 800, 790), 2),
        ((800,), 0),
        ((400, 700, 480, 700), 1),
        ((400, 700, 300, 700), 3),
        ((400, 400), 1),
        ((10_000, 10_000), 0),
    ],
)
def test_the_onset_is_the_day_since_which_the_days_speak_most_clearly(flagged, onset):
    """A good day in between belongs to the trouble if the rest outweighs it; without an excess it is the newest day."""
    assert estimate_onset(days(*flagged), 0.05) == onset
    assert estimate_onset(days(*flagged)[::-1], 0.05) == onset


SUSPENDED = dataclasses.replace(INITIAL, trip=Trip(0, 60, "2026-04-01"), tripped=("a",))


def order(switch, mode, **more):
    return Order(mode=mode, expected_epoch=switch.epoch, reason="r", by="judge", at=90, release="b", **more)


def test_the_recovery_may_roll_back_and_resume_after_a_trip():
    """The trip stays known while the service is rolled back, and is over once it serves."""
    back = change(SUSPENDED, order(SUSPENDED, Mode.ROLLED_BACK, recovers=True))
    assert (back.trip, back.release) == (SUSPENDED.trip, "b")

    assert change(back, order(back, Mode.SERVING, recovers=True)).trip is None


@pytest.mark.parametrize("mode", [Mode.OBSERVE, Mode.SERVING, Mode.ROLLED_BACK])
def test_a_person_takes_over(mode):
    """Whatever an admin orders ends the recovery, and it can order nothing any more."""
    after = change(SUSPENDED, order(SUSPENDED, mode))

    assert after.trip is None
    with pytest.raises(TransitionRefused, match="an admin decides what serves"):
        change(after, order(after, Mode.SUSPENDED, recovers=True))


def test_a_technical_signal_ends_the_recovery():
    """A person has to look at it."""
    back = change(SUSPENDED, order(SUSPENDED, Mode.ROLLED_BACK, recovers=True))

    assert trip(back, release=None, reason="broken", at=99, evidence={}).trip is None
