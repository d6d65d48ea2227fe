"""The table `runs` tells which days have tables from different files; nothing here needs Spark."""

import datetime as dt
import json

import pyarrow as pa
import pytest

from antifraud.lake.catalog import Run, open_catalog
from antifraud.lake.ownership import claim_lake
from antifraud.lake.schemas import NAMESPACE, RUNS
from antifraud.settings.core import JobSettings
from jobs.raw.contents import memories
from jobs.raw.demand import MIXED, TABLES, mixed_days

DAY = dt.date(2026, 3, 1)
OURS = {"quarantine": "q1", "labels": "l1", "clean": "c1"}
THEIRS = {"quarantine": "q2", "labels": "l2", "clean": "c2"}
TYPES = {"string": pa.string(), "date": pa.date32(), "bigint": pa.int64()}
SCHEMA = pa.schema([(column.name, TYPES[column.type]) for column in RUNS.columns])


@pytest.fixture
def lake(tmp_path):
    """Return settings of a lake with an empty `runs`, and a function that writes rows into it."""
    settings = JobSettings(home=tmp_path)
    catalog = open_catalog(settings)
    claim_lake(settings, catalog)
    table = catalog.create_table((NAMESPACE, RUNS.name), schema=SCHEMA)

    def write(runs):
        rows = [{column: getattr(run, column) for column in SCHEMA.names} for run in runs]
        table.append(pa.Table.from_pylist(rows, SCHEMA))

    return settings, write


def published_in(sequence, contents):
    """Return runs of the tables of `contents`, at one sequence number."""
    tables = [table for table in TABLES if table.name in contents]
    said = {table: json.dumps({"content": contents[table.name], "version": table.version}) for table in tables}
    return [Run(table.name, DAY, "i", 1, 1, said[table], sequence) for table in tables]


def remembered_as(source, contents):
    """Return the rows that a run remembers about the files `source`."""
    return memories({DAY: source}, {DAY: contents})


def test_a_day_of_our_own_is_whole(lake):
    """A day with all tables from our files needs nothing."""
    settings, write = lake
    write([*published_in(1, OURS), *remembered_as("ours", OURS)])

    assert mixed_days(settings, {DAY: OURS}) == {}


def test_a_day_that_another_run_published_whole_is_left(lake):
    """A day that a later run published whole is left as it is."""
    settings, write = lake
    write([*published_in(1, OURS), *remembered_as("ours", OURS)])
    write([*published_in(2, THEIRS), *remembered_as("theirs", THEIRS)])

    assert mixed_days(settings, {DAY: OURS}) == {}


@pytest.mark.parametrize("tables", [["labels"], ["quarantine"], ["clean"], ["labels", "clean"]])
def test_a_mix_is_found_by_either_run(lake, tables):
    """Either run finds the mix, and would publish `clean` and the tables that differ from its files.

    Contents of older files do not matter.
    """
    settings, write = lake
    write(remembered_as("older", {"quarantine": "q0", "labels": "l0", "clean": "c0"}))
    write([*published_in(1, OURS), *remembered_as("ours", OURS)])
    write([*published_in(2, {name: THEIRS[name] for name in tables}), *remembered_as("theirs", THEIRS)])
    held = OURS | {name: THEIRS[name] for name in tables}

    for contents in (OURS, THEIRS):
        differ = {name for name in held if held[name] != contents[name]}
        assert mixed_days(settings, {DAY: contents}) == {DAY: dict.fromkeys(differ | {"clean"}, MIXED)}


def test_tables_that_are_the_same_in_both_files_do_not_count(lake):
    """Tables with the same content in both files are no mix, as after a correction of one table only."""
    settings, write = lake
    theirs = OURS | {"labels": "l2"}
    write([*published_in(1, OURS), *remembered_as("ours", OURS)])
    write([*published_in(2, {"labels": "l2"}), *remembered_as("theirs", theirs)])

    assert mixed_days(settings, {DAY: OURS}) == {}
