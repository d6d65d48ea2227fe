"""Measuring the noise of a release: each part of it on windows made of known parts."""

import numpy as np
import pytest

from antifraud.killswitch.detectors.measuring import DayCounts, measure_noise

DAYS, LIMIT = 63, 0.05


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


def inflations(make, count=40):
    """The inflation of 10,000 rows as measured in so many windows."""
    return [measure_noise(make(seed), LIMIT).inflation(10_000, LIMIT) for seed in range(count)]


def test_independent_rows_have_little_inflation():
    """The limits of weeks allow for twice the variance of independent rows, in the median of 40 windows."""
    noise = measure_noise(window([0.05] * DAYS), LIMIT)
    assert noise.within == pytest.approx(1.0, abs=0.05)
    assert noise.rows == 10_000
    assert 1 <= np.median(inflations(lambda seed: window([0.05] * DAYS, seed=seed))) < 2.5


def test_terminals_that_are_flagged_together_inflate_days():
    """Rows of 20 with a correlation of .1 vary 2.9 times as much as independent ones."""
    noise = measure_noise(window([0.05] * DAYS, spread=1 / 9), LIMIT)
    assert noise.within == pytest.approx(1 + 19 * 0.1, rel=0.1)


def test_days_that_differ_are_known():
    """A standard deviation of 10 % of the rate of 5 %: the variance is within its limits of 95 %."""
    rng = np.random.default_rng(2)
    noise = measure_noise(window(0.05 * (1 + 0.1 * rng.standard_normal(DAYS))), LIMIT)
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
            days = window(0.05 * (1 + 0.1 * np.array(levels)), seed=seed)
            found[name].append(measure_noise(days, LIMIT).day_variance)
    assert np.mean(found["wandering"]) > 2 * np.mean(found["shuffled"])


def test_a_weekly_rhythm_is_no_noise():
    """Factors follow the rhythm, and have a mean of 1."""
    rhythm = np.array([0.8, 0.9, 0.9, 1.0, 1.1, 1.2, 1.1])
    noise = measure_noise(window(0.045 * rhythm[np.arange(DAYS) % 7]), LIMIT)
    assert noise.factors == pytest.approx(rhythm, abs=0.05)
    assert np.mean(noise.factors) == pytest.approx(1.0)
    assert noise.inflation(10_000, LIMIT) < 5


def test_factors_without_a_rhythm_are_shrunk():
    """Weekdays that differ by chance only get nearly the same limit."""
    noise = measure_noise(window([0.05] * DAYS), LIMIT)
    assert noise.factors == pytest.approx([1.0] * 7, abs=0.02)


def test_factors_are_clipped():
    """A weekday with a tenth of the rate keeps 70 % of the limit, before the mean is made 1."""
    rates = np.where(np.arange(DAYS) % 7 == 0, 0.005, 0.05)
    lowest, *others = measure_noise(window(rates), LIMIT).factors
    assert lowest / max(others) == pytest.approx(0.7 / 1.15, rel=0.05)


@pytest.mark.parametrize(
    "days", [window([0.05] * 20), window([0.0] * DAYS), window([1.0] * DAYS), []],
    ids=["short", "none", "all", "empty"],
)  # fmt: skip
def test_windows_that_say_nothing_are_refused(days):
    """A short window, and one with nothing or everything flagged."""
    with pytest.raises(ValueError, match="the noise of days needs"):
        measure_noise(days, LIMIT)


def test_days_without_rows_are_left_out():
    """A source that is closed on one day of the week is measured by the other six."""
    open_days = [day for day in window([0.05] * DAYS) if day.day % 7]
    closed = [DayCounts(day, 0, 0) for day in range(0, DAYS, 7)]
    noise = measure_noise(sorted(open_days + closed, key=lambda each: each.day), LIMIT)
    assert noise == measure_noise(open_days, LIMIT)
    assert noise.inflation(10_000, LIMIT) < 5


def test_a_day_with_few_rows_counts_little():
    """Ten rows of a day of an outage, three of them flagged, do not pass for a day at 30 %."""
    days = window([0.05] * DAYS)
    days[30] = DayCounts(30, 10, 3, 2.0)
    assert measure_noise(days, LIMIT).inflation(10_000, LIMIT) < 5


def test_a_window_below_the_limit_is_scaled_up_to_it():
    """Days that differ by 10 % of 2.5 % would differ by 10 % of 5 % at the limit: four times the variance."""
    steps = 1 + 0.1 * np.random.default_rng(3).standard_normal(DAYS)
    low, high = (measure_noise(window(rate * steps, rows=100_000), LIMIT).day_variance for rate in (0.025, 0.05))
    assert low == pytest.approx(high, rel=0.25)


def test_rare_days_in_the_window_cannot_trip():
    """Two days of 63 are at 20 %: each is then worth less than the logarithm of the number of days to any rate."""
    rates = np.where(np.isin(np.arange(DAYS), (20, 41)), 0.20, 0.045)
    noise = measure_noise(window(rates), LIMIT)
    for times, ratio in ((1.6, 10_000 * (0.2 * np.log(1.6) + 0.8 * np.log(0.92 / 0.95))),
                         (7.0, 10_000 * (0.2 * np.log(7) + 0.8 * np.log(0.65 / 0.95)))):  # fmt: skip
        assert ratio / noise.inflation(10_000, LIMIT) < np.log(DAYS), times


def test_earlier_days_raise_the_variance_and_never_lower_it():
    """Each earlier day shows 1,000 rows; a tenth of these days had three times the rate."""
    days = window([0.05] * DAYS)
    alike = window([0.05] * 180, rows=1_000, seed=5)
    odd = window(np.where(np.arange(180) % 10 == 3, 0.15, 0.05), rows=1_000, seed=5)
    alone = measure_noise(days, LIMIT).day_variance
    assert alone <= measure_noise(days, LIMIT, alike).day_variance < alone + 0.01**2
    assert measure_noise(days, LIMIT, odd).day_variance > 0.02**2
