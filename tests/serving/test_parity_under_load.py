"""The traffic of `make bench-parity` at a hundredth: eight clients, a midnight, a new cut-off, late events."""

import pytest

from antifraud.clock import date_of
from antifraud.lake.outcome_table import OUTCOMES
from antifraud.lake.shipped_tables import CLIENT_LABELS, DECISIONS
from antifraud.settings.core import JobSettings
from bench.serving.parity import run
from bench.serving.places import FOLDER, redis_in
from bench.serving.world import CUTOFF
from tests.lake_tables import rows_of

COUNT = 2_000


@pytest.fixture(params=["lmdb", pytest.param("redis", marks=pytest.mark.prove)])
def place(request, tmp_path):
    """The folder of a home, or a Redis."""
    if request.param == "lmdb":
        yield FOLDER
        return
    with redis_in(tmp_path / "redis") as redis:
        yield redis


def test_every_vector_is_that_of_the_arrival_order(tmp_path, place):
    """Each decision is in the lake once, and the replay by the report's code gives each vector bit by bit."""
    reports = run(tmp_path / "home", COUNT, **place.settings)

    assert [(report.mismatches, report.repeated) for report in reports] == [([], []), ([], [])]
    assert sum(report.same for report in reports) == COUNT
    assert min(report.same for report in reports) > COUNT // 5
    lake = JobSettings(home=tmp_path / "home")
    decisions = rows_of(lake, DECISIONS)
    assert {row["cutoff"] for row in decisions} == {date_of(CUTOFF), date_of(CUTOFF + 1)}
    assert sum(not row["history_complete"] for row in decisions) > 5
    assert "removed" in {row["effect"] for row in rows_of(lake, OUTCOMES)}
    assert len(rows_of(lake, CLIENT_LABELS)) > 5
