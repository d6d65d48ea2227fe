"""Missed fraud is corrected by the delays of missed fraud; days that know too little of it are left out."""

import numpy as np
import pytest

from antifraud.errors import NotEnoughRows
from antifraud.gate.judge import Certify, Demand, Limits, month_loss
from antifraud.stats.episodes import Frauds
from antifraud.stats.maturation import Maturation
from antifraud.stats.missed_delays import curve_of_missed, mature
from antifraud.stats.score_tables import ScoreTable

DAYS, AS_OF = 28, 34
"""The window's days are 7 to 34 days old."""
AGE = AS_OF - np.arange(DAYS)
EVERYONE = Maturation(np.array([0.0, 0.0, 0.9, 1.0]), np.zeros(4))
"""Most labels come after two days, all after three."""
EVEN = np.ones(DAYS)


def missed(day, delay, episode=None):
    """Make frauds of 1,000 kopecks that are known by the end of day `AS_OF`."""
    day, delay = np.asarray(day), np.asarray(delay)
    known = day + delay <= AS_OF
    own = np.arange(int(known.sum()))
    terminal = own if episode is None else np.asarray(episode)[known]
    return Frauds(own * 0, own * 0 + 1_000, own, terminal, DAYS, day[known], delay[known], first_day=0)


def late(a_day, delays):
    """Make so many frauds a day for each of these delays."""
    return missed(np.repeat(np.arange(DAYS), a_day * len(delays)), np.tile(delays, a_day * DAYS))


def test_missed_fraud_has_the_curve_of_its_own_delays():
    """Two of ten delays are 10 days, eight are 15: at 10 to 14 days a fifth is known, whatever all frauds say."""
    found = late(1, [10] * 2 + [15] * 8)
    curve = curve_of_missed(found, AS_OF - found.day, EVERYONE)

    assert curve.at(np.array([9, 10, 14, 15, 34, 90])).tolist() == pytest.approx([0.0, 0.2, 0.2, 1.0, 1.0, 1.0])


def test_beyond_the_windows_oldest_day_all_frauds_tell_the_rest():
    """If a tenth of all frauds is learnt after 50 days, missed fraud of the oldest day counts as known to 90 %."""
    everyone = Maturation(np.append(np.full(50, 0.9), 1.0), np.zeros(51))
    found = late(2, [10])
    curve = curve_of_missed(found, AS_OF - found.day, everyone)

    assert curve.at(np.array([9, 10, 34, 49, 50])).tolist() == pytest.approx([0.0, 0.9, 0.9, 0.9, 1.0])


def test_young_days_are_left_out_and_the_others_stand_for_them():
    """With a delay of 15 days, 20 of 28 days know their fraud: 20 frauds a day are 28 / 20 of what is known."""
    found = mature(late(20, [15]), EVERYONE, AGE, EVEN)

    assert (found.frauds.days, found.frauds.amount.sum()) == (20, 20 * 20 * 1_000)
    assert (found.factor, found.days, found.volume) == (pytest.approx(28 / 20), 8, pytest.approx(1.0))


def test_days_left_out_count_by_their_volume():
    """If the eight youngest days have twice the transactions, the month is larger by (20 + 16) / 28."""
    busy = np.where(AGE < 15, 2.0, 1.0)

    assert mature(late(20, [15]), EVERYONE, AGE, busy).volume == pytest.approx(36 / 28)


def test_too_few_days_are_refused():
    """With a delay of 25 days only ten days know their fraud, and a bound needs fourteen."""
    with pytest.raises(NotEnoughRows, match=r"10 of the window's 28 days know 25% .* 14 are needed: end the window 25"):
        mature(late(20, [25]), EVERYONE, AGE, EVEN)


def test_the_later_of_two_curves_counts_where_few_frauds_are_missed():
    """Three frauds learnt after 1 and 20 days: the curve of all frauds counts up to one day, their own from two on."""
    found = missed([1, 2, 3], [1, 20, 20])
    curve = curve_of_missed(found, AS_OF - found.day, EVERYONE)

    assert curve.at(np.array([1, 2, 19, 20])).tolist() == pytest.approx([0.0, 1 / 3, 1 / 3, 1.0])


def test_a_few_late_frauds_never_leave_too_few_days():
    """Three frauds learnt after 30 days know five days, but the oldest fourteen stay and each stands for four at most.

    The one that is 31 days old counts once; days without a label are not made up for.
    """
    found = mature(missed([1, 2, 3], [30, 30, 30]), EVERYONE, AGE, EVEN)

    assert (found.frauds.days, found.frauds.amount.tolist()) == (14, [1_000] * 3)
    assert found.factor == pytest.approx(28 / 14)


def test_without_delays_all_frauds_tell():
    """Frauds without delays are corrected by the curve of all frauds."""
    found = Frauds(*[np.arange(3)] * 4, DAYS, np.arange(3))

    assert curve_of_missed(found, AS_OF - found.day, EVERYONE) is EVERYONE


def test_labels_that_come_episode_by_episode_tell_less():
    """If ten frauds of an episode share their label's day, the error is three times that of single frauds."""
    rng = np.random.default_rng(5)
    episode = np.repeat(np.arange(168), 10)
    day, delay = (np.arange(168) % DAYS)[episode], rng.integers(5, 25, 168)[episode]
    errors = []
    for belongs in (None, episode):
        found = missed(day, delay, belongs)
        errors.append(curve_of_missed(found, AS_OF - found.day, EVERYONE).error_at(np.array([15]))[0])

    assert errors[1] / errors[0] == pytest.approx(np.sqrt(10), rel=0.15)


def test_single_frauds_have_greenwoods_error():
    """For episodes of one fraud the error is within 2 % of that of the fitted curve."""
    rng = np.random.default_rng(6)
    found = missed(rng.integers(0, DAYS, 900), rng.integers(1, 25, 900))
    plain = Maturation.fit(AS_OF - found.day, found.delay, np.ones_like(found.day))
    ages = np.arange(5, 30)

    assert curve_of_missed(found, AS_OF - found.day, EVERYONE).error_at(ages) == pytest.approx(
        plain.error_at(ages), rel=0.02
    )


def test_the_gate_corrects_what_each_threshold_misses():
    """Caught frauds learnt at once do not hide that missed ones come after 15 days: 28 a day stay 28 a day."""
    day = np.repeat(np.arange(DAYS), 2)
    score, delay = np.tile([1, 9], DAYS), np.tile([15, 0], DAYS)
    known = day + delay <= AS_OF
    own = np.arange(known.sum())
    frauds = Frauds(score[known], own * 0 + 1_000, own, own, DAYS, day[known], delay[known])
    rows = np.append(frauds.day, np.arange(DAYS)), np.append(frauds.score, np.full(DAYS, 5))
    table = ScoreTable.from_rows(*rows, np.arange(rows[0].size) < own.size, np.full(rows[0].size, 1_000))
    unlabelled = np.where(AGE < 15, 1, 0)
    certify = Certify(table, frauds, maturation=EVERYONE, as_of=AS_OF, unknown_a_day=unlabelled)
    at_labelled = Demand(transactions_a_month=round(certify.labelled_a_month))

    assert certify.correction(5).factor == pytest.approx(28 / 20)
    assert month_loss(certify, 5, Limits(), demand=at_labelled).mean == pytest.approx(30 * 1_000, rel=0.01)
