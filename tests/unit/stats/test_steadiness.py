"""Measures of steadiness find a ramp, an outlying day and a flagged terminal, and nothing in a steady window."""

import numpy as np
import pytest

from antifraud.stats.steadiness import halves, memory, rise, standing_out

ROWS = np.full(56, 1_000)


def test_a_ramp_rises_and_its_mirror_falls():
    """Days that rise evenly from 35 to 55 flags rise by many standard errors, and as many downwards if mirrored."""
    noise = np.tile([3, -3, 2, -2], 14)
    flagged = np.linspace(35, 55, 56).astype(int) + noise

    assert halves(flagged, ROWS) == pytest.approx((0.0395, 0.0495), abs=5e-4)
    assert rise(flagged, ROWS) > 10
    assert rise(flagged[::-1], ROWS) == pytest.approx(-rise(flagged, ROWS), rel=0.1)


def test_days_without_flags_do_not_rise():
    """Where nothing is flagged nothing rises, remembers or stands out."""
    nothing = np.zeros(56, int)

    assert (rise(nothing, ROWS), memory(nothing, ROWS), standing_out(nothing, ROWS)[1]) == (0.0, 0.0, 0.0)


def test_weeks_widen_the_error_of_the_slope():
    """The same daily rates rise by fewer standard errors where they stay alike for a week."""
    alike = np.repeat([40, 50, 38, 52, 41, 51, 45, 54], 7)
    mixed = np.concatenate([np.random.default_rng(1).permutation(alike[:28]), alike[28:][::1]])

    assert rise(alike, ROWS) < rise(np.sort(mixed), ROWS)
    assert memory(alike, ROWS) > 2.33


def test_one_day_at_a_fifth_stands_out():
    """One day at 20 % among days at 4.5 % is named, with a chance far below one in 10,000."""
    flagged = np.tile([40, 45, 50, 45], 14)
    flagged[17] = 200

    place, surprise = standing_out(flagged, ROWS)
    assert place == 17
    assert surprise > 4


def test_blocks_that_differ_moderately_do_not_stand_out():
    """Terminals between 2 and 8 % of few rows are what chance and their spread give."""
    flagged = np.tile([2, 4, 5, 6, 8], 60)

    assert standing_out(flagged, np.full(300, 100))[1] < 0
