"""A small slice of the kill-switch's simulation: years without and with a reason to trip."""

from dataclasses import replace

import numpy as np
import pytest

from bench.switch.attack import KNOWN_IF_LATE, honest_payments_needed, suspends
from bench.switch.delays import STRONG, median_days
from bench.switch.figures import simulate
from bench.switch.old_evidence import BETS, count_day
from bench.switch.rivals import consecutive_failures, drift, z_test
from bench.switch.side_by_side import live
from bench.switch.streams import Days, Stream
from bench.switch.worlds import AT_LIMIT, DECLARED, EVERY, INSIDE
from bench.switch.years import START, Life, Year, lower_limit

SMALL = (AT_LIMIT[0], AT_LIMIT[1], INSIDE[-3], INSIDE[-2])
INDEPENDENT = Stream("independent", rate=0.045)


@pytest.mark.parametrize("stream", SMALL, ids=lambda stream: stream.name)
def test_years_within_the_limit_do_not_trip(stream):
    """Two years each of the whole guard, with one release and with a new one every night."""
    for seed in range(2):
        life = Life.draw(stream, seed)
        assert life.live(nightly=False).tripped is None
        assert life.live(nightly=True).tripped is None


@pytest.mark.parametrize(
    "stream",
    [
        AT_LIMIT[1],
        INSIDE[-1],
        replace(AT_LIMIT[0], rate=0.056),
        *(stream for stream in EVERY if stream.name in {"heavy-tailed days", "wild giant", "holidays"}),
        DECLARED[-1],
    ],
    ids=lambda stream: stream.name,
)
def test_lives_side_by_side_are_those_of_production(stream):
    """The arrays of the simulation give the same trip on the same day as the functions of the guard."""
    for seed in range(2):
        life = Life.draw(stream, seed)
        for nightly in (False, True):
            assert live(life, nightly=nightly) == life.live(nightly=nightly)


def test_a_year_far_above_the_limit_trips_at_once():
    """At 20 % all year, the first closed day is enough, for the release that serves and for the service."""
    year = Life.draw(Stream("bad", rate=0.2), 1)
    year.days[:START] = Life.draw(INDEPENDENT, 1).days[:START]
    for nightly in (False, True):
        assert year.live(nightly=nightly) == Year("release", 0)


def test_missed_fraud_trips_as_loss():
    """Five times the allowed fraud is missed, and the rate is kept."""
    life = Life.draw(INDEPENDENT, 3)
    assert Life(life.days, life.missed * 5, life.allowed).live(nightly=False).tripped == "loss"


@pytest.mark.parametrize(("rate", "most"), [(0.08, 2), (0.10, 3), (0.20, 1)])
def test_an_excess_is_found_in_time(rate, most):
    """Median of 11, with one release and with a new one every night; the inflation is not far from the true one."""
    (one, ratio), (nightly, _) = (median_days(INDEPENDENT, rate, 11, nightly=each) for each in (False, True))
    assert one <= most
    assert nightly <= 1.1 * one
    assert ratio <= 2.5


def test_strong_day_effects_take_longer():
    """Days that differ by 10 %: a rate of 8 % is found within six days."""
    assert median_days(STRONG, 0.08, 5, nightly=False)[0] <= 6


@pytest.mark.parametrize("known", [1.0, KNOWN_IF_LATE])
def test_bursts_of_fraud_suspend_nothing(known):
    """Eight bursts, with all frauds known in time and with a fifth of them late."""
    assert [suspends(seed, known) for seed in range(8)] == [None] * 8


def test_an_attacker_needs_hundreds_of_flagged_honest_payments():
    """A tenth of a day's honest payments could not suspend the service even if all were flagged on one day."""
    payments, days = honest_payments_needed()
    assert payments > 500
    assert days > 1


def test_an_interrupted_run_goes_on(tmp_path):
    """The years of a stream are kept in chunks of 50; asking again simulates nothing."""
    tiny = Stream("tiny", rate=0.045, rows=1_000, terminals=2)
    first = simulate(tiny, 50, tmp_path)
    assert first["years"] == 50
    assert simulate(tiny, 50, tmp_path) == first


def test_the_lower_limit_is_exact():
    """With 62 trips of 1,000 years the lower limit is below 5 %, with 63 it is above; at 1 % these are 15 and 16."""
    assert lower_limit(62, 1_000) < 0.05 < lower_limit(63, 1_000)
    assert lower_limit(15, 1_000) < 0.01 < lower_limit(16, 1_000)
    assert lower_limit(62, 1_000) == pytest.approx(0.04993, abs=1e-5)


def test_the_old_detector_is_that_of_its_commit():
    """Blocks one after the other, each opening its bets before its factor, as the commit counted them."""
    rng = np.random.default_rng(6)
    rows = rng.integers(0, 30, 40)
    flagged = rng.binomial(rows, 0.06)
    wealth = expected = np.full(BETS.size, 0.01)
    for n, k in zip(rows.tolist(), flagged.tolist(), strict=True):
        if n:
            expected = (expected + min(n, 10) / 3_650_000) * (1 + BETS * (k / n - 0.05) * min(n, 10))
    assert count_day(wealth, rows, flagged)[0] == pytest.approx(expected)


def test_rivals_stop_where_they_say():
    """A year at 4 % with three days at 9 %, and one day at 60 %."""
    rates = np.full(START + 365, 0.04)
    rates[START + 100 : START + 103] = 0.09
    rates[START + 200] = 0.6
    days = Days(np.full((START + 365, 1), 10_000), np.rint(rates * 10_000).astype(int)[:, None])
    assert consecutive_failures(days) == 102
    assert drift(days) == 200
    assert z_test(days) is None
    worse = Days(days.rows, days.flagged + 200)
    assert z_test(worse) == 0
