"""The table `files` tells which days a raw file covers, without Spark and without reading the file."""

import datetime as dt
import os

import pyarrow as pa
import pytest

from antifraud.lake.catalog import open_catalog
from antifraud.lake.coverage import DayRows
from antifraud.lake.known_files import KnownFile, files_by_rows, known_files, stamp_of
from antifraud.lake.ownership import claim_lake
from antifraud.lake.schemas import FILES, NAMESPACE
from antifraud.settings.core import JobSettings
from dags import publication

DAYS = pa.list_(
    pa.struct([("day", pa.date32()), ("rows", pa.int64()), ("usable", pa.int64()), ("last_second", pa.int32())])
)
TYPES = {"string": pa.string(), "bigint": pa.int64(), "boolean": pa.bool_()}
SCHEMA = pa.schema([(column.name, TYPES.get(column.type, DAYS)) for column in FILES.columns])


def april(day):
    return dt.date(2026, 4, day)


@pytest.fixture
def settings(tmp_path, monkeypatch):
    """Return settings of a home with a raw file of April and an empty table `files`."""
    settings = JobSettings(home=tmp_path)
    settings.raw_path.mkdir(parents=True)
    (settings.raw_path / "2026-04-01.txt").write_text("April")
    catalog = open_catalog(settings)
    claim_lake(settings, catalog)
    catalog.create_table((NAMESPACE, FILES.name), schema=SCHEMA)
    monkeypatch.setenv("ANTIFRAUD_HOME", str(tmp_path))
    return settings


def remember(settings, days, sha256="5a"):
    """Write a row about the file as it is now; `days` has its rows by day of April."""
    stamp = stamp_of(settings.raw_path / "2026-04-01.txt")
    read = None if days is None else {april(day): DayRows(rows, rows, 86_399) for day, rows in days.items()}
    row = dict(zip(FILES.column_names, KnownFile("2026-04-01.txt", stamp, sha256, read).values, strict=True))
    row["days"] = [dict(zip(("day", *DayRows._fields), one, strict=True)) for one in row["days"]]
    open_catalog(settings).load_table((NAMESPACE, FILES.name)).append(pa.Table.from_pylist([row], SCHEMA))


def test_a_known_file_covers_the_days_of_its_rows(settings):
    """A file with rows of 30 days is delivered for the 30th of April, and not for the 1st of May."""
    assert publication.is_delivered(dt.date(2026, 5, 1))

    remember(settings, dict.fromkeys(range(1, 31), 40))

    [file] = files_by_rows(settings, [april(30)])
    assert (file.first, file.last, file.rows_of(april(7))) == (april(1), april(30), 40)
    assert publication.is_delivered(april(1), april(30))
    assert not publication.is_delivered(dt.date(2026, 5, 1))


def test_a_file_of_which_only_the_overlap_was_read_is_not_known(settings):
    """A file of which only a checksum is known may still cover all days until the next file."""
    remember(settings, None)

    assert publication.is_delivered(april(30))


def test_rows_are_found_by_checksum_under_another_status(settings):
    """A file with another time of change is hashed again; its checksum then finds the rows of its days."""
    remember(settings, {1: 40, 2: 40})
    path = settings.raw_path / "2026-04-01.txt"
    os.utime(path, ns=(1, 1))

    [file] = files_by_rows(settings, [april(1)])
    assert (file.read, file.last) == (None, dt.date(2028, 12, 25))
    assert known_files(open_catalog(settings)).settle_by_sum(file, "5a").last == april(2)
    assert known_files(open_catalog(settings)).settle_by_sum(file, "5b").read is None


def test_a_write_that_sets_size_and_time_back_is_noticed(settings):
    """A correction of equal size with the old time of modification has another status: the time of change differs."""
    path = settings.raw_path / "2026-04-01.txt"
    before = stamp_of(path)
    path.write_text("lirpA")
    os.utime(path, ns=(before.modified, before.modified))

    after = stamp_of(path)
    assert (after.size, after.modified, after.version) == (before.size, before.modified, before.version)
    assert after != before


def test_planning_makes_no_catalog(tmp_path):
    """The sensor may ask before the first job has made the lake, and leaves no catalog behind."""
    settings = JobSettings(home=tmp_path)
    settings.raw_path.mkdir(parents=True)
    (settings.raw_path / "2026-04-01.txt").touch()

    assert [file.first for file in files_by_rows(settings, [april(2)])] == [april(1)]
    assert settings.catalog_file is not None
    assert not settings.catalog_file.exists()
