"""The weeks of a window show how far next month may lie from it; steady fraud seldom seems to change."""

import numpy as np
import pytest

from antifraud.stats.episodes import Frauds
from antifraud.stats.loss import Volume, loss_bound
from antifraud.stats.waves import MOST_SD, Waves, find_waves

DAYS = 28


def frauds(day, episode=None, stands_for=None, days=DAYS):
    """Make frauds of 1,000 kopecks on these days, each an episode of its own unless given."""
    day, own = np.asarray(day), np.arange(len(day))
    terminal = own if episode is None else np.asarray(episode)
    return Frauds(own * 0, own * 0 + 1_000, own, terminal, days, day, stands_for=stands_for, first_day=0)


def weekly(*counts):
    """Make so many frauds on the first day of each week."""
    return frauds(np.repeat(7 * np.arange(len(counts)), counts), days=7 * len(counts))


def test_weeks_that_differ_by_chance_add_a_part_of_their_error():
    """Weeks of 24, 26, 25 and 25 frauds differ by less than chance; a twentieth of the error of that is left.

    The squares of four weeks of 25 have a standard error of sqrt(2 * 3) * 25, and a month adds 1.54 times as much.
    """
    found = find_waves(weekly(24, 26, 25, 25))

    assert found.month_sd == pytest.approx(np.sqrt(0.05 * np.sqrt(6) * 25 / 25**2 * 1.5392), rel=1e-2)
    assert found.spread_p > 0.9


def test_the_spread_beyond_chance_is_carried_to_the_next_month():
    """For weeks of 40, 80, 120 and 160 frauds the excess is 8,000 - 300 of 10,000, and a month adds it 1.54 times."""
    found = find_waves(weekly(40, 80, 120, 160))

    assert found.month_sd == MOST_SD
    assert found.growth == pytest.approx(40 / 100 * 30 / 7)
    assert (found.growth_p < 1e-6, found.spread_p < 1e-6) == (True, True)
    small = find_waves(weekly(85, 95, 105, 115))
    # The squared differences add up to 500, of which chance explains 400 * 3 / 4 = 300; its error is sqrt(6) * 100.
    assert small.month_sd == pytest.approx(np.sqrt((500 - 300 + 0.05 * np.sqrt(6) * 100) / 100**2 * 1.5392), rel=2e-3)


def test_falling_fraud_does_not_count_as_growth():
    """Weeks of 160 to 40 frauds have waves, and a chance of nearly 1 for growth as strong."""
    found = find_waves(weekly(160, 120, 80, 40))

    assert found.growth < 0
    assert found.growth_p > 0.999


def test_the_frauds_of_an_episode_are_one_event():
    """Twenty episodes of 20 frauds each in a single week differ by chance, where 400 single frauds would not."""
    episode = np.repeat(np.arange(20), 20)
    week = np.array([0] * 7 + [1] * 3 + [2] * 6 + [3] * 4)[episode]
    together, alone = find_waves(frauds(7 * week, episode)), find_waves(frauds(7 * week))

    assert together.month_sd < 0.5 * alone.month_sd
    assert together.spread_p > 0.2
    assert alone.spread_p < 1e-6


def test_frauds_with_labels_to_come_count_as_often_as_they_stand_for_others():
    """A last week of ten frauds that each stand for two is as large as the other weeks of twenty."""
    day = np.repeat([0, 7, 14, 21], [20, 20, 20, 10])

    assert find_waves(frauds(day)).growth < -0.3
    assert find_waves(frauds(day, stands_for=np.where(day == 21, 2.0, 1.0))).growth == pytest.approx(0.0)


def test_odd_days_are_left_out_at_the_old_end():
    """The first two of 30 days make no week."""
    many = np.append(np.zeros(500, int), np.repeat([2, 9, 16, 23], 20))

    assert find_waves(frauds(many, days=30)) == find_waves(weekly(20, 20, 20, 20))


@pytest.mark.parametrize(
    "few", [frauds([]), frauds([3] * 40, days=21), Frauds(*[np.arange(40)] * 4, DAYS)],
    ids=["no fraud", "three weeks", "no days"],
)  # fmt: skip
def test_without_weeks_nothing_is_said(few):
    """No fraud, fewer than four weeks, or frauds without days show no change."""
    assert find_waves(few) == Waves()


def test_steady_fraud_seldom_warns():
    """At most 5 % of 400 windows with 40 steady episodes reach a chance of 1 % for growth or for spread."""
    warned = 0
    for seed in range(400):
        rng = np.random.default_rng(seed)
        found = find_waves(frauds(rng.integers(0, DAYS, rng.poisson(40))))
        warned += min(found.growth_p, found.spread_p) < 0.01

    assert warned <= 20


def test_the_bound_counts_the_larger_of_what_is_declared_and_what_weeks_show():
    """Weeks of 60 to 140 frauds lift the bound; so does a declared deviation, and both are reported."""
    steady, waving = weekly(100, 100, 100, 100), weekly(60, 90, 110, 140)
    calm, declared, seen = (
        loss_bound(steady, volume=Volume(month_sd=0.0)), loss_bound(steady, volume=Volume(month_sd=0.2)),
        loss_bound(waving, volume=Volume(month_sd=0.0)),
    )  # fmt: skip

    assert calm.month_sd == find_waves(steady).month_sd == pytest.approx(0.0434, rel=0.02)
    assert declared.month_sd == pytest.approx(np.hypot(0.2, calm.month_sd))
    assert seen.month_sd == pytest.approx(find_waves(waving).month_sd)
    assert 0 < declared.waves < declared.bound - declared.mean
    assert calm.bound < declared.bound < seen.bound
    assert calm.mean == declared.mean == seen.mean
