"""Machines that write into one lake may have clocks half a minute apart, but two hours stop a run."""

import time
from types import SimpleNamespace

import pyiceberg.table.snapshots
import pytest

from antifraud.errors import ClockBehind
from antifraud.lake.catalog import open_catalog, open_table, published
from antifraud.lake.schemas import RUNS, TOTALS_CUSTOMER, TOTALS_TERMINAL
from jobs.day import STAGES
from jobs.lake.checksums import checksums
from jobs.spark.troubles import translate_troubles
from tests.spark.state_lake import day, fill

TABLES = (TOTALS_CUSTOMER, TOTALS_TERMINAL)


def commit_from_ahead(settings, table, seconds, monkeypatch):
    """Commit a snapshot without rows, as a machine with a fast clock does."""
    source = open_table(open_catalog(settings), table)
    none = source.scan().to_arrow().slice(0, 0)
    with monkeypatch.context() as patched:
        clock = SimpleNamespace(time=lambda: time.time() + seconds)
        patched.setattr(pyiceberg.table.snapshots, "time", clock)
        source.append(none)


@pytest.fixture
def two_days(settings, open_lake):
    """Return a session on a lake of two days; only the first day has totals."""
    session = open_lake(settings)
    fill(session, settings, range(2))
    STAGES["totals"](session, settings, [day(0)])
    return session


def test_two_hours_stop_a_run_and_leave_what_was_there(two_days, settings, monkeypatch):
    """A snapshot from two hours ahead stops a run, because Iceberg wants snapshots in order of time.

    Published rows stay as they were, and the day remains out of date, so that a later run loads it.
    """
    before = checksums(settings, day(0), day(0))
    for table in (RUNS, TOTALS_CUSTOMER):  # the table that a run writes last, then the one it writes first
        commit_from_ahead(settings, table, 7_200, monkeypatch)

        with pytest.raises(ClockBehind, match="clock is more than a minute behind"), translate_troubles(settings):
            STAGES["totals"](two_days, settings, [day(1)])
        catalog = open_catalog(settings)
        assert checksums(settings, day(0), day(0)) == before
        assert [published(catalog, each, day(1), day(1)) for each in TABLES] == [{}, {}]


def test_half_a_minute_is_no_trouble(two_days, settings, monkeypatch):
    """A clock that is half a minute ahead does not stop a run, because clocks never agree exactly."""
    for table in (RUNS, *TABLES):
        commit_from_ahead(settings, table, 30, monkeypatch)

    assert STAGES["totals"](two_days, settings, [day(1)]) > 0
    assert [list(published(open_catalog(settings), each, day(1), day(1))) for each in TABLES] == [[day(1)]] * 2
