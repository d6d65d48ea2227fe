"""The streams that the kill-switch is tried on have the rates that they are named for."""

from dataclasses import replace

import numpy as np
import pytest

from bench.switch.streams import Stream
from bench.switch.worlds import AT_LIMIT, EVERY, INSIDE

YEARS = 8


@pytest.mark.parametrize("stream", EVERY, ids=lambda stream: stream.name)
def test_the_mean_rate_is_the_one_that_is_named(stream):
    """Over eight years, 3 % of the rate more or less, or three standard errors where days resemble each other."""
    small = replace(stream, rows=min(stream.rows, 10_000), terminals=min(stream.terminals, 500), growth=1.0)
    days = small.draw(np.random.default_rng(1), YEARS * 365)
    rates = days.flagged.sum(axis=1) / np.maximum(days.rows.sum(axis=1), 1)
    errors = np.std(rates.reshape(-1, 73).mean(axis=1)) / np.sqrt(YEARS * 5)
    mean = days.flagged.sum() / days.rows.sum()
    assert mean == pytest.approx(stream.rate, abs=max(0.03 * stream.rate, 3 * errors))


def test_the_promise_names_its_streams():
    """Those of the promise at the limit are inside it, too, with a weekly rhythm and strong day effects."""
    assert {stream.rate for stream in AT_LIMIT} == {0.05}
    assert {stream.rate for stream in INSIDE} == {0.045}
    assert len(INSIDE) == len(AT_LIMIT) + 3
    rhythm = next(stream for stream in INSIDE if stream.name == "weekly rhythm").rhythm
    assert (min(rhythm) * 0.045, max(rhythm) * 0.045) == pytest.approx((0.033, 0.064), abs=0.001)
    assert np.mean(rhythm) == pytest.approx(1.0)


def test_names_are_unique():
    """Each stream has a file of its own, where an interrupted run goes on."""
    assert len({stream.name for stream in EVERY}) == len(EVERY)


def test_a_compromise_lasts_for_its_days():
    """Spells of 28 days, of a rate that is far above the others."""
    days = Stream("s", rows=2_000_000, terminals=20, compromised=0.2, compromised_rate=0.2).draw(
        np.random.default_rng(2), 400
    )
    bad = (days.flagged / days.rows > 0.1).T
    edges = np.flatnonzero(np.diff(np.pad(bad[0].astype(int), 1)))
    lengths = np.diff(edges)[::2]
    assert lengths[1:-1].min() >= 28


def test_rows_follow_weekday_growth_and_quiet_days():
    """A tenth on quiet days, twice as many after a year, and none of the weekday's rows lost."""
    grown = Stream("s", growth=2.0).draw(np.random.default_rng(3), 366).rows.sum(axis=1)
    assert (grown[0], grown[365]) == (10_000, 20_000)
    quiet = Stream("s", quiet_every=10).draw(np.random.default_rng(3), 500).rows.sum(axis=1)
    assert set(quiet.tolist()) == {1_000, 10_000}
    weekly = Stream("s", volume=(1.5, 1.5, 1.0, 1.0, 1.0, 0.5, 0.5)).draw(np.random.default_rng(3), 7)
    assert weekly.rows.sum(axis=1).tolist() == [15_000, 15_000, 10_000, 10_000, 10_000, 5_000, 5_000]
