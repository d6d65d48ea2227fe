"""A night reads its day and one state, or 37 days of totals, however long the history is."""

from pathlib import Path
from typing import NamedTuple

import pytest

from antifraud.lake.catalog import open_catalog, open_table
from antifraud.lake.schemas import CLEAN, FEATURES, LABELS, NAMESPACE, RUNS, STATE, TOTALS_CUSTOMER, TOTALS_TERMINAL
from antifraud.settings.core import JobSettings
from bench.lake.event_log import ELSEWHERE, Read, event_log, reads_of, total
from jobs.day import STAGES
from tests.spark.opened import opened_files
from tests.spark.state_lake import DELAY, day, fill
from tests.spark.test_rolled_state import fewer_rows, was_rolled

pytestmark = pytest.mark.prove
NIGHT = 120
HISTORIES = {"short": 40, "long": 120}
"""Days before the night. The short one, too, is longer than what a state looks back on."""
REACH = 30 + DELAY


class Nights(NamedTuple):
    """Files opened and reads by table, for a night that rolls a state and for the next one, which rebuilds it."""

    settings: JobSettings
    rolled_files: set[Path]
    rolled: dict[str, Read]
    rebuilt_files: set[Path]
    rebuilt: dict[str, Read]


def run(session, settings, stages, *numbers):
    for stage in stages:
        STAGES[stage](session, settings, [day(number) for number in numbers])


def watched(session, settings, folder, name, stages, number):
    """Return the files opened in the lake while stages run for a day, and the reads in the event log."""
    with opened_files(Path(settings.lake_warehouse) / NAMESPACE) as files, event_log(session, folder / name):
        run(session, settings, stages, number)
    return files, reads_of((folder / name).read_text().splitlines())


def nights_of(session, settings, logs, history):
    """Make a lake with this many days of history, run two nights and return what they read."""
    fill(session, settings, range(NIGHT - history, NIGHT))
    fill(session, settings, [NIGHT])
    fill(session, settings, [NIGHT + 1])
    run(session, settings, ["totals"], *range(NIGHT - history, NIGHT))
    run(session, settings, ["state"], NIGHT - 1)
    rolled = watched(session, settings, logs, "rolled", ["totals", "state", "features"], NIGHT)
    assert was_rolled(settings, NIGHT)
    run(session, settings, ["totals"], NIGHT + 1)
    fewer_rows(session, settings, NIGHT)
    rebuilt = watched(session, settings, logs, "rebuilt", ["state"], NIGHT + 1)
    assert not was_rolled(settings, NIGHT + 1)
    return Nights(settings, *rolled, *rebuilt)


@pytest.fixture(scope="module")
def nights(tmp_path_factory, open_lake):
    """Return the nights of both lakes; only the longer lake has the earliest days."""
    found = {}
    for name, history in HISTORIES.items():
        settings = JobSettings(home=tmp_path_factory.mktemp(name))
        found[name] = nights_of(open_lake(settings), settings, tmp_path_factory.mktemp("logs"), history)
    return found


def data_files(settings, table, *numbers):
    """Return a table's data files for some days."""
    source = open_table(open_catalog(settings), table)
    among = ", ".join(f"'{day(number)}'" for number in numbers)
    return {
        Path(task.file.file_path.removeprefix("file:"))
        for task in source.scan(row_filter=f"day in ({among})").plan_files()
    }


def data_opened(files, settings):
    """Return those of the files that hold rows of a table other than `runs`."""
    of_runs = Path(settings.lake_warehouse) / NAMESPACE / RUNS.name
    return {path for path in files if path.suffix == ".parquet" and of_runs not in path.parents}


@pytest.mark.parametrize("name", HISTORIES)
def test_a_night_opens_the_files_of_its_day_and_of_one_state(nights, name):
    """A night that rolls the state opens exactly the data files of its day and of the state before."""
    night = nights[name]
    wanted = [(CLEAN, NIGHT), (LABELS, NIGHT), (STATE, NIGHT - 1)]

    expected = set().union(*(data_files(night.settings, table, number) for table, number in wanted))
    assert data_opened(night.rolled_files, night.settings) == expected
    assert len(expected) == 5  # two files of labels, one a source, and two of the state, one a kind


@pytest.mark.parametrize("name", HISTORIES)
def test_rebuilding_opens_the_files_of_37_days_of_totals(nights, name):
    """A night that rebuilds the state opens exactly the data files of 37 days of totals."""
    night = nights[name]
    window = range(NIGHT + 2 - REACH, NIGHT + 2)

    expected = set().union(*(data_files(night.settings, each, *window) for each in (TOTALS_CUSTOMER, TOTALS_TERMINAL)))
    assert data_opened(night.rebuilt_files, night.settings) == expected
    assert len(expected) == 2 * 37


def test_tasks_read_the_same_after_three_times_the_history(nights):
    """With three times the history, tasks read the same bytes, records and data files of every table.

    The reads of the night's own audit are counted, too.
    """
    short, long = nights["short"], nights["long"]

    for name in ("rolled", "rebuilt"):
        one, other = getattr(short, name), getattr(long, name)
        assert {table: read.data for table, read in one.items()} == {table: read.data for table, read in other.items()}
    tables = {table.name for table in (CLEAN, LABELS, STATE, TOTALS_CUSTOMER, TOTALS_TERMINAL, FEATURES)}
    assert set(long.rolled) - {ELSEWHERE} == tables
    assert set(long.rebuilt) - {ELSEWHERE} == {STATE.name, TOTALS_CUSTOMER.name, TOTALS_TERMINAL.name}


def test_what_was_counted_is_not_nothing(nights):
    """The counted reads are real: a rolled night reads few files, a rebuilt state 37 of each totals table."""
    long = nights["long"]

    assert 0 < total(long.rolled).files < 40
    assert [long.rebuilt[table.name].files for table in (TOTALS_CUSTOMER, TOTALS_TERMINAL)] == [37, 37]
    assert all(read.bytes > 0 and read.records > 0 for read in long.rolled.values())
