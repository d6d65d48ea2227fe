"""The noise of days: each of its parts on windows made of known parts."""

import numpy as np
import pytest

from antifraud.killswitch.detectors.noise import DayCounts, Noise, measure_noise

DAYS = 63


def window(rates, rows=10_000, terminals=500, seed=1, spread=0.0):
    """Days with these rates; with `spread`, each terminal's day has a rate of its own, Beta distributed."""
    rng = np.random.default_rng(seed)
    days = []
    for day, rate in enumerate(rates):
        own = rng.beta(rate / spread, (1 - rate) / spread, terminals) if spread else np.full(terminals, rate)
        flagged = rng.binomial(rows // terminals, own)
        share = flagged.sum() / rows
        squares = float(((flagged - share * (rows // terminals)) ** 2).sum())
        days.append(DayCounts(day, rows, int(flagged.sum()), squares))
    return days


def test_independent_rows_have_little_inflation():
    """The limits of weeks allow for some three times the variance of independent rows."""
    noise = measure_noise(window([0.05] * DAYS))
    assert noise.within == pytest.approx(1.0, abs=0.05)
    assert 1 <= noise.inflation(10_000, 0.05) < 4


def test_terminals_that_are_flagged_together_inflate_days():
    """Rows of 20 with a correlation of .1 vary 2.9 times as much as independent ones."""
    noise = measure_noise(window([0.05] * DAYS, spread=1 / 9))
    assert noise.within == pytest.approx(1 + 19 * 0.1, rel=0.1)


def test_days_that_differ_are_known():
    """A standard deviation of 10 % of the rate of 5 %: the variance is within its limits of 95 %."""
    rng = np.random.default_rng(2)
    noise = measure_noise(window(0.05 * (1 + 0.1 * rng.standard_normal(DAYS))))
    assert 0.005**2 < noise.day_variance < 4 * 0.005**2


def test_days_that_resemble_each_other_count_by_weeks():
    """With a correlation of .8 from day to day, a long sum varies more than separate days tell; mean of 20 windows."""
    found = {"wandering": [], "shuffled": []}
    for seed in range(20):
        rng = np.random.default_rng(seed)
        level = [rng.standard_normal()]
        for step in 0.6 * rng.standard_normal(DAYS - 1):
            level.append(0.8 * level[-1] + step)
        for name, levels in (("wandering", level), ("shuffled", rng.permutation(level))):
            found[name].append(measure_noise(window(0.05 * (1 + 0.1 * np.array(levels)), seed=seed)).day_variance)
    assert np.mean(found["wandering"]) > 3 * np.mean(found["shuffled"])


def test_a_weekly_rhythm_is_no_noise():
    """Factors follow the rhythm, and have a mean of 1."""
    rhythm = np.array([0.8, 0.9, 0.9, 1.0, 1.1, 1.2, 1.1])
    noise = measure_noise(window(0.045 * rhythm[np.arange(DAYS) % 7]))
    assert noise.factors == pytest.approx(rhythm, abs=0.05)
    assert np.mean(noise.factors) == pytest.approx(1.0)
    assert noise.inflation(10_000, 0.05) < 5


def test_factors_without_a_rhythm_are_shrunk():
    """Weekdays that differ by chance only get nearly the same limit."""
    noise = measure_noise(window([0.05] * DAYS))
    assert noise.factors == pytest.approx([1.0] * 7, abs=0.02)


def test_factors_are_clipped():
    """A weekday with a tenth of the rate keeps 70 % of the limit, before the mean is made 1."""
    rates = np.where(np.arange(DAYS) % 7 == 0, 0.005, 0.05)
    lowest, *others = measure_noise(window(rates)).factors
    assert lowest / max(others) == pytest.approx(0.7 / 1.15, rel=0.05)


@pytest.mark.parametrize(
    "days", [window([0.05] * 20), window([0.0] * DAYS), window([1.0] * DAYS)], ids=["short", "none", "all"]
)
def test_windows_that_say_nothing_are_refused(days):
    """A short window, and one with nothing or everything flagged."""
    with pytest.raises(ValueError, match="the noise of days needs"):
        measure_noise(days)


def test_more_rows_have_more_inflation():
    """The part of the days does not shrink with the rows."""
    noise = Noise(1.5, 0.000_025, (1.0,) * 7)
    assert [noise.inflation(rows, 0.05) for rows in (0, 1_900, 190_000)] == pytest.approx([1.5, 2.5, 101.5])
