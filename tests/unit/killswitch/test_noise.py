"""The noise of a release: its inflation, its storage, and the noise of several releases together."""

import json

import pytest

from antifraud.killswitch.detectors.noise import ALIKE, Noise
from antifraud.killswitch.detectors.rate import Cohort


def test_more_rows_have_more_inflation():
    """The part of the days grows with the rows; the part within a day does so beyond the rows of the window."""
    noise = Noise(1.5, 0.000_025, ALIKE, 19_000)
    assert [noise.inflation(rows, 0.05) for rows in (0, 1_900, 190_000)] == pytest.approx([1.5, 2.5, 106.0])


def test_more_volume_finds_an_excess_as_fast_as_before():
    """Rows over inflation, which set the speed, do not fall when volume grows tenfold."""
    noise = Noise(3.0, 0.0, ALIKE, 10_000)
    assert 100_000 / noise.inflation(100_000, 0.05) >= 10_000 / noise.inflation(10_000, 0.05)


def test_a_cohort_has_the_limit_of_its_weekday():
    """Day 20,001 is the third of its week, counted from day 0."""
    noise = Noise(2.0, 0.0, (1.0, 1.1, 0.9, 1.2, 1.0, 0.8, 1.0), 10_000)
    assert 20_001 % 7 == 2
    assert noise.cohort(20_001, 1_000, 60, 0.05, 0.5) == Cohort(1_000, 60, 0.05 * 0.9, 2.0, 0.5)


def test_a_manifest_holds_the_noise():
    """It is the same after JSON."""
    noise = Noise(2.5, 0.000_01, (0.9, 1.1, *ALIKE[2:]), 812.5)
    assert Noise.of_manifest(json.loads(json.dumps({"noise": noise.to_dict()})), 0.05) == noise


def test_a_manifest_without_noise_gets_a_cautious_one():
    """Days that differ by a fifth of the limit: wider than most sources."""
    found = Noise.of_manifest({}, 0.05)
    assert (found.within, found.factors, found.rows) == (4.0, ALIKE, 10_000)
    assert found.day_variance == pytest.approx(0.0001)


def test_the_largest_variances_of_several_releases_count():
    """Factors are weighted by rows; a release without rows on the day counts as one row."""
    quiet, loud = Noise(1.0, 0.002, (1.4, *ALIKE[1:]), 300), Noise(5.0, 0.001, (1.0,) * 7, 800)
    found = Noise.merged([(quiet, 0), (loud, 3)])
    assert (found.within, found.day_variance, found.rows) == (5.0, 0.002, 300)
    assert found.factors == pytest.approx((1.1, *ALIKE[1:]))


def test_the_inflation_of_several_releases_is_at_least_that_of_each():
    """A day decided by two releases is never taken for less noisy than either of them."""
    one, other = Noise(2.0, 0.000_2, ALIKE, 500), Noise(3.0, 0.000_1, ALIKE, 900)
    merged = Noise.merged([(one, 10), (other, 90)])
    for rows in (10, 600, 50_000):
        assert merged.inflation(rows, 0.05) >= max(each.inflation(rows, 0.05) for each in (one, other))
