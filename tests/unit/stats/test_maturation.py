"""The maturation curve recovers the true delays from truncated ones, and corrects totals for what is missing."""

import numpy as np
import pytest

from antifraud.errors import DataError, NotEnoughRows
from antifraud.gate.judge import Certify, Limits, month_loss
from antifraud.stats.episodes import Frauds
from antifraud.stats.maturation import Maturation
from antifraud.stats.score_tables import ScoreTable

AS_OF, DAYS = 60, 60


def simulated(rng, frauds_a_day=200):
    """Draw day, delay and amount of frauds of 61 days; half are known within a week, some only after a month."""
    day = np.repeat(np.arange(DAYS + 1), rng.poisson(frauds_a_day, DAYS + 1))
    delay = np.minimum(rng.negative_binomial(2, 0.2, day.size), 45)
    return day, delay, rng.integers(1_000, 20_000, day.size)


def fitted(day, delay):
    """Fit the curve to what is known at the end of day `AS_OF`."""
    known = day + delay <= AS_OF
    return Maturation.fit(AS_OF - day[known], delay[known], np.ones(known.sum(), int))


def test_the_curve_equals_the_true_distribution_of_delays():
    """From 12,000 frauds seen in part, every age from three days on lies within two points of the truth."""
    day, delay, _ = simulated(np.random.default_rng(3))
    curve, truth = fitted(day, delay), np.array([(delay <= age).mean() for age in range(DAYS + 1)])

    assert np.abs(curve.known - truth).max() < 0.02
    assert (np.diff(curve.known) >= 0).all()
    assert curve.known[-1] == 1.0


def test_corrected_totals_are_the_true_totals():
    """Over 100 histories the corrected fraud of the last month is unbiased, where counting misses a tenth."""
    counted, corrected = [], []
    for seed in range(100):
        day, delay, amount = simulated(np.random.default_rng(seed), 50)
        recent = (day > 30) & (day <= 55)
        seen = recent & (day + delay <= AS_OF)
        frauds = Frauds(np.zeros(seen.sum(), int), amount[seen], np.arange(seen.sum()), np.arange(seen.sum()), 25)
        whole = frauds.divided(fitted(day, delay).share_known(AS_OF - day[seen])).amount.sum()
        counted.append(amount[seen].sum() / amount[recent].sum())
        corrected.append(whole / amount[recent].sum())

    assert np.mean(counted) < 0.92
    assert np.mean(corrected) == pytest.approx(1.0, abs=0.005)


def test_the_stated_error_is_the_error_made():
    """Over 200 histories the standard error at five days is the spread of the estimates, within a fifth."""
    curves = [fitted(*simulated(np.random.default_rng(seed), 50)[:2]) for seed in range(200)]
    spread = np.std([curve.known[5] for curve in curves]) / np.mean([curve.known[5] for curve in curves])

    assert np.mean([curve.relative_se[5] for curve in curves]) == pytest.approx(spread, rel=0.2)


def test_a_fixed_delay_leaves_matured_days_alone_and_refuses_younger_ones():
    """With a fixed delay of 7 days, matured days are left as they are, and younger days are refused."""
    age = np.arange(7, 40)
    curve = Maturation.fit(age, np.full(33, 7), np.full(33, 20))

    assert curve.share_known(np.array([7, 12, 90])).tolist() == [1.0, 1.0, 1.0]
    assert curve.error_at(np.array([7])).tolist() == [0.0]
    with pytest.raises(NotEnoughRows, match=r"only 0\.0% of the frauds 6 days old are known.*end the window 7 days"):
        curve.share_known(np.array([20, 6]))


def test_no_known_label_is_refused():
    """A history without a known fraud is refused, because it gives no curve."""
    with pytest.raises(NotEnoughRows, match="found none"):
        Maturation.fit(np.array([3]), np.array([5]), np.array([10]))


def certify(maturation):
    """Make four weeks with a missed fraud of 1,000 kopecks a day; the two youngest days know 80 and 50 per cent."""
    day = np.repeat(np.arange(28), 2)
    table = ScoreTable.from_rows(day, [5, 9] * 28, [True, False] * 28, [1_000] * 56)
    frauds = Frauds(np.full(28, 5), np.full(28, 1_000), np.arange(28), np.arange(28), 28, np.arange(28))
    return Certify(table, frauds, maturation=maturation, as_of=27)


def test_the_loss_of_young_days_is_corrected_and_marked():
    """Young days that know 80 % and 50 % of their frauds count 1,250 and 2,000 kopecks instead of 1,000 each."""
    curve = Maturation(np.array([0.5, 0.8, 1.0]), np.array([0.1, 0.05, 0.0]))
    plain, corrected = (month_loss(certify(each), 7, Limits()) for each in (None, curve))
    correction = certify(curve).correction(7)

    assert plain.mean == pytest.approx(30_000)
    assert corrected.mean == pytest.approx(30 / 28 * (26_000 + 1_250 + 2_000))
    assert corrected.volume > plain.volume
    assert (correction.days, correction.factor) == (2, pytest.approx(29_250 / 28_000))
    assert correction.relative_sd == pytest.approx((2_000 * 0.1 + 1_250 * 0.05) / 29_250)
    assert certify(curve).correction(4).factor == 1.0


def test_frauds_without_days_cannot_be_corrected():
    """Frauds without days are refused, because their age is unknown."""
    ones = np.ones(3, int)
    with pytest.raises(DataError, match="no days"):
        Frauds(ones, ones, ones, ones, 28).require_day()
