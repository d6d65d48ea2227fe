"""A warning begins and ends at different values, and only if they last."""

import pytest

from antifraud.killswitch.hysteresis import Band, Latch

FILL = Band(0.7, 0.6, begin_after=60, end_after=300)
PARITY = Band(0.999, 0.9995, begin_after=0, end_after=0)


def run(band, *steps):
    """The times at which a latch changes, for measurements as (time, value)."""
    latch, changes = Latch(), []
    for now, value in steps:
        before, latch = latch, latch.after(value, band, now)
        changes += [(now, latch.raised)] if latch.raised != before.raised else []
    return changes


def test_a_warning_begins_when_the_value_has_lasted():
    """At 0, 30 and 60 s the store is too full: the third measurement raises the warning."""
    assert run(FILL, (0, 0.8), (30, 0.75), (60, 0.71)) == [(60, True)]


def test_a_good_value_in_between_starts_the_wait_anew():
    """Fifty seconds before and fifty after a good value are no minute."""
    assert run(FILL, (0, 0.8), (50, 0.8), (55, 0.65), (60, 0.8), (110, 0.8), (120, 0.8)) == [(120, True)]


def test_a_warning_ends_at_a_better_value_than_it_began_with():
    """Between 0.6 and 0.7 it stays; at 0.6 it ends after five minutes."""
    raised = [(0, 0.8), (60, 0.8)]
    assert run(FILL, *raised, (100, 0.65), (1_000, 0.61)) == [(60, True)]
    assert run(FILL, *raised, (100, 0.6), (399, 0.6), (400, 0.6)) == [(60, True), (400, False)]


def test_a_value_that_swings_around_the_limit_warns_once():
    """A hundred swings between 0.69 and 0.71 every two minutes are one warning."""
    swings = [(120 * number + late, 0.71 if number % 2 == 0 else 0.69) for number in range(100) for late in (0, 60)]

    assert run(FILL, *swings) == [(60, True)]


def test_an_unknown_value_keeps_the_warning():
    """Nobody asks for the end of a warning while the value is not known."""
    assert run(FILL, (0, 0.8), (60, 0.8), (400, None), (1_000, None)) == [(60, True)]


def test_small_values_can_be_the_bad_ones():
    """The band says which side is worse by the order of its ends."""
    assert run(PARITY, (0, 0.9989), (10, 0.9992), (20, 0.9995)) == [(0, True), (20, False)]


@pytest.mark.parametrize("moved", [-10_000, 10_000])
def test_a_clock_that_jumps_delays_no_warning_for_ever(moved):
    """After a jump back the wait starts anew; a jump ahead can only shorten it."""
    steps = [(20_000, 0.8), (20_000 + moved, 0.8), (20_060 + moved, 0.8)]

    assert run(FILL, *steps)[0][1] is True
