"""Kills under load: no decision is lost or counted twice."""

import pytest

from bench.serving.crash import measure
from bench.serving.processes import Version


@pytest.mark.prove
def test_three_kills_lose_nothing_and_count_nothing_twice(tmp_path):
    """A worker, everything and the guard are killed; a recount by arrival numbers equals the store bit by bit."""
    sent, faults = measure(tmp_path / "home", Version(), kills=3, rate=100)

    assert len(sent) > 300
    assert (faults.lost, faults.twice) == ([], [])
