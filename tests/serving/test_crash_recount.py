"""Kills under load: no decision is lost or counted twice."""

import pytest

from bench.serving.crash import measure
from bench.serving.places import redis_in
from bench.serving.processes import Version


@pytest.mark.prove
def test_three_kills_lose_nothing_and_count_nothing_twice(tmp_path):
    """A worker, everything and the guard are killed; a recount by arrival numbers equals the store bit by bit."""
    sent, faults = measure(tmp_path / "home", Version(), kills=3, rate=100)

    assert len(sent) > 300
    assert (faults.lost, faults.twice) == ([], [])


@pytest.mark.parametrize("kills", [5, pytest.param(50, marks=pytest.mark.prove)])
def test_kills_over_redis_lose_nothing_and_count_nothing_twice(tmp_path, kills):
    """A worker, everything, the guard, the master and Redis are killed in turns under load; the recount is equal."""
    with redis_in(tmp_path / "redis") as place:
        sent, faults = measure(tmp_path / "home", Version(), kills=kills, rate=100, place=place)

    assert len(sent) > 100 * kills
    assert (faults.lost, faults.twice) == ([], [])
