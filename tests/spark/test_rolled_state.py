"""A state rolled on from the day before equals the one rebuilt from totals, and needs only one day's files."""

import json
from collections import defaultdict
from pathlib import Path

import lmdb
import pytest
from pyspark.sql import functions

from antifraud.artifacts.state_export import decode_entity, read_state_pointer
from antifraud.clock import DAY_SECONDS, HOUR_SECONDS, day_number
from antifraud.errors import MissingDay
from antifraud.features.labels import LabelHistory, Risk, changes_of
from antifraud.lake.catalog import open_catalog, published
from antifraud.lake.schemas import (
    CLEAN,
    FEATURES,
    LABELS,
    NAMESPACE,
    RUNS,
    STATE,
    TABLES,
    TOTALS_CUSTOMER,
    TOTALS_TERMINAL,
)
from antifraud.settings.core import JobSettings
from jobs.day import STAGES
from jobs.lake.checksums import checksums
from jobs.lake.export import export_state
from jobs.lake.state import rolled_state, state, state_of
from jobs.publishing.publish import Batch, publish, record
from jobs.publishing.tables import read_table
from tests.circles import for_proofs
from tests.spark.state_lake import DELAY, day, events_of, fill, labels_of

NEW = 41
"""The day that is rolled to; three more follow for the cases in which a state is rebuilt."""
DAYS = range(NEW + 4)
AFTER_RAW = ("totals", "state", "features")


def of_days(frame, *numbers):
    return frame.where(frame["day"].isin([day(number) for number in numbers]))


def totals_of(session, *numbers):
    """Return the totals of customers and terminals, of all days or of the given ones."""
    tables = [read_table(session, table) for table in (TOTALS_CUSTOMER, TOTALS_TERMINAL)]
    return [of_days(table, *numbers) if numbers else table for table in tables]


def run(session, settings, stages, numbers):
    return [STAGES[stage](session, settings, [day(number) for number in numbers]) for stage in stages]


def was_rolled(settings, number):
    found = published(open_catalog(settings), STATE, day(number), day(number))[day(number)]
    return json.loads(found.counts)["rolled"]


def same_rows(one, other):
    """Return whether two frames hold the same rows, in any order, and at least one."""
    rows = [sorted(map(repr, frame.select(*STATE.column_names).collect())) for frame in (one, other)]
    return rows[0] == rows[1] != []


def data_files(settings, table, number=None):
    """Return the paths of a table's live data files, of one day or of all."""
    condition = f"day = '{day(number)}'" if number is not None else "true"
    source = open_catalog(settings).load_table((NAMESPACE, table.name))
    return {Path(task.file.file_path.removeprefix("file:")) for task in source.scan(row_filter=condition).plan_files()}


def move_away(settings, folder, kept):
    """Move every data file that is not in `kept` out of the lake; return where each one went."""
    moved = {}
    for table in TABLES:
        if table is not RUNS:
            for path in (Path(settings.lake_warehouse) / NAMESPACE / table.name / "data").rglob("*.parquet"):
                if path not in kept:
                    moved[path] = path.rename(folder / f"{len(moved)}.parquet")
    return moved


@pytest.fixture(scope="module")
def rolled(tmp_path_factory, open_lake):
    """Return session and settings of a lake whose day `NEW` was made from its events and one state alone."""
    settings = JobSettings(home=tmp_path_factory.mktemp("rolled"))
    session = open_lake(settings)
    fill(session, settings, DAYS)
    run(session, settings, ["totals"], range(NEW))
    run(session, settings, ["state"], [NEW - 1])
    kept = [(CLEAN, NEW), (LABELS, NEW), (STATE, NEW - 1)]
    files = set().union(*(data_files(settings, table, number) for table, number in kept))
    moved = move_away(settings, tmp_path_factory.mktemp("away"), files)
    assert len(moved) > 4 * NEW
    try:
        assert all(run(session, settings, AFTER_RAW, [NEW]))
    finally:
        for path, away in moved.items():
            away.rename(path)
    assert was_rolled(settings, NEW)
    return session, settings


@pytest.fixture(scope="module")
def rebuilt(tmp_path_factory, open_lake):
    """Return settings of a lake of the same events in which totals gave the states in one pass."""
    settings = JobSettings(home=tmp_path_factory.mktemp("rebuilt"))
    session = open_lake(settings)
    fill(session, settings, range(NEW + 1))
    run(session, settings, ["totals"], range(NEW + 1))
    run(session, settings, ["state"], [NEW - 1, NEW])
    run(session, settings, ["features"], [NEW])
    assert not was_rolled(settings, NEW)
    return settings


def test_a_night_opens_its_day_and_one_state(rolled, rebuilt):
    """Without all other files, the day's totals, state and features equal those of a lake that has everything."""
    _, settings = rolled
    found, expected = (checksums(each, day(NEW), day(NEW)) for each in (settings, rebuilt))

    assert {name for name, _ in found} >= {STATE.name, FEATURES.name, TOTALS_TERMINAL.name}
    assert found == expected


def test_both_ways_have_the_same_inputs(rolled, rebuilt):
    """A rolled and a rebuilt state have the same inputs, so that both count as up to date."""
    for table in (STATE, FEATURES):
        one, other = (published(open_catalog(each), table, day(NEW), day(NEW)) for each in (rolled[1], rebuilt))
        assert one[day(NEW)].inputs == other[day(NEW)].inputs


def test_the_export_tells_the_risk_of_every_hour(rebuilt):
    """The scorer's file gives every terminal's risk in each hour of the next two days, as the single labels do."""
    export_state(rebuilt, day(NEW))
    folder = rebuilt.state_dir / read_state_pointer(rebuilt.state_dir).path
    cutoff = day_number(day(NEW))
    hours = [(cutoff + 1) * DAY_SECONDS + hour * HOUR_SECONDS for hour in range(2 * 24)]
    terminals = changes_by_terminal(range(NEW + 1))
    with lmdb.open(str(folder), readonly=True, lock=False) as environment, environment.begin() as transaction:
        records = {terminal: transaction.get(terminal.encode()) for terminal in terminals}
    found = {
        terminal: [decode_entity(record, cutoff).labels.risk(time) for time in hours]
        for terminal, record in records.items()
        if record
    }

    assert found == {
        terminal: [LabelHistory.of(0, changes=terminals[terminal]).risk(time) for time in hours] for terminal in found
    }
    for name in Risk._fields:
        assert len({getattr(risk, name) for risks in found.values() for risk in risks}) > 1, name


def changes_by_terminal(numbers):
    """Return the changes of single transactions by terminal, with nothing summed up."""
    terminals = defaultdict(list)
    for number in numbers:
        said = defaultdict(list)
        for _, transaction, status, learned_at, source, sequence, _ in labels_of(number):
            said[transaction].append((learned_at, source, sequence, status))
        for _, transaction, time, _, terminal, *_ in events_of(number):
            entries = [(learned_at, status) for learned_at, _, _, status in sorted(said[transaction])]
            terminals[terminal] += changes_of(entries, time, DELAY)
    return terminals


@pytest.mark.parametrize("number", [1, 8, 31, 38, *for_proofs(2, 7, 29, 30, 33, 34, 36, 37, 40)])
def test_each_day_rolls_to_what_is_rebuilt(rolled, number):
    """A rolled state has the rows of a rebuilt one.

    The days cover entities that come, stay and leave, and labels that are early, late, corrected, taken back or still
    to come.
    """
    session, _ = rolled
    states = state_of(session, *totals_of(session), [day(number - 1), day(number)], DELAY).cache()
    before = of_days(states, number - 1)
    again = rolled_state(before, *totals_of(session, number), day(number), DELAY)

    assert same_rows(again, of_days(states, number))
    states.unpersist()


def test_who_has_nothing_left_in_any_window_leaves(rolled):
    """Entities of the first days leave the state, but a terminal stays for as long as its labels count."""
    session, _ = rolled
    states = state_of(session, *totals_of(session), [day(4), day(33), day(NEW)], DELAY).collect()
    known = {number: {row["entity"] for row in states if row["day"] == day(number)} for number in (4, 33, NEW)}
    labels_only = [row for row in states if not row["days"]]

    assert len(known[4]) > len(known[33]) > len(known[NEW])
    assert {row["day"] for row in labels_only} == {day(33)}
    assert all(row["kind"] == "terminal" and row["label_changes"] for row in labels_only)


def publish_again(session, settings, number, rows, version=STATE.version):
    """Publish other rows as the state of a day, with the same inputs, and maybe as made by an earlier version."""
    run_of = published(open_catalog(settings), STATE, day(number), day(number))[day(number)]
    batch = Batch(STATE, rows.localCheckpoint(), {day(number): run_of.inputs}, {day(number): {"version": version}})
    record(session, publish(session, settings, batch))


def other_key(session, settings, number):
    """Put the state under another key than the day's totals."""
    rows = of_days(read_table(session, STATE), number)
    publish_again(session, settings, number, rows.withColumn("entity", functions.regexp_replace("entity", "^k1", "k2")))


def other_inputs(session, settings, number):
    """Publish a day anew that the state looks back on."""
    fill(session, settings, [number - 9], made_from="corrected")
    run(session, settings, ["totals"], [number - 9])


def fewer_rows(session, _settings, number):
    """Delete rows of the state although its run says that they were published."""
    sql = "DELETE FROM lake.antifraud.state WHERE day = DATE '{}' AND kind = 'customer'"
    session.sql(sql.format(day(number)))


@pytest.mark.parametrize(
    ("number", "damage"), [(NEW + 1, other_key), (NEW + 2, other_inputs), (NEW + 3, fewer_rows)],
    ids=["other key", "other inputs", "fewer rows"],
)  # fmt: skip
def test_a_state_that_cannot_be_rolled_from_is_left_alone(rolled, number, damage):
    """If the state before is under another key, stale or incomplete, the day is rebuilt from totals instead."""
    session, settings = rolled
    run(session, settings, ["totals"], range(NEW + 1, number + 1))
    run(session, settings, ["state"], [number - 1])
    damage(session, settings, number - 1)
    assert state(session, settings, [day(number)]) > 0

    assert not was_rolled(settings, number)
    expected = state_of(session, *totals_of(session), [day(number)], DELAY)
    assert same_rows(of_days(read_table(session, STATE), number), expected)


def test_features_refuse_a_state_of_an_earlier_version(rolled):
    """Features refuse a state of an earlier version, which may lack columns; the message says how to make it anew."""
    session, settings = rolled
    publish_again(session, settings, NEW + 2, of_days(read_table(session, STATE), NEW + 2), STATE.version - 1)

    with pytest.raises(
        MissingDay, match=rf"states that an earlier version made \({day(NEW + 2)}\): publish them again"
    ):
        run(session, settings, ["features"], [NEW + 3])
