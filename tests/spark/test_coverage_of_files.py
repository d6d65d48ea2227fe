"""Ingest takes the days of a raw file from its rows: files of any length, odd rows, late cuts, quiet days."""

import datetime as dt
import os

import pytest

from antifraud.clock import Span
from antifraud.errors import MissingDay, QuarantineLimit
from antifraud.features.registry import FEATURE_NAMES
from antifraud.lake.catalog import ingested, open_catalog, published, read_days
from antifraud.lake.schemas import CLEAN, FEATURES, LABELS, QUARANTINE, STATE, TOTALS_CUSTOMER, TOTALS_TERMINAL
from antifraud.settings.core import JobSettings
from jobs import day as day_job
from jobs import ingest as ingest_job
from jobs.lake.staleness import stale
from jobs.reporting.drift import sample_of
from tests.circles import for_proofs
from tests.spark.raw_days import (
    FOR_EVER,
    clean_rows,
    days_from,
    deliver,
    exit_code,
    line,
    lines_in,
    march,
    quarantined,
    rows_out,
)

EVERY_STAGE = {"stages": list(day_job.STAGES)}
APRIL, MAY = dt.date(2026, 4, 1), dt.date(2026, 5, 1)
QUARTER = dt.date(2026, 1, 1)


def strict(settings):
    """Return settings with the ordinary limit on unusable rows."""
    return JobSettings(home=settings.home)


@pytest.mark.parametrize(
    "files",
    [
        {APRIL: 30, MAY: 31},
        *for_proofs(
            {march(2): 7, march(9): 7, march(16): 10},
            {QUARTER: 90, APRIL: 91},
            {QUARTER: 31, dt.date(2026, 2, 1): 28, march(1): 31},
            {QUARTER: 91},
            {QUARTER: 400},
        ),
    ],
    ids=["April and May", "weeks", "quarters", "months", "one file of 91 days", "one file of 400 days"],
)
def test_files_of_any_length_are_published_whole(settings, open_lake, capsys, files):
    """Each day of packed files is published with all of its rows, and the day after the last file is missing."""
    settings = strict(settings)
    for first, count in files.items():
        deliver(settings, first, dict.fromkeys(days_from(first, count), 4), packed=True)
    first, [*_, (newest, count)] = min(files), files.items()
    last = newest + dt.timedelta(days=count - 1)
    session = open_lake(settings)

    assert exit_code(ingest_job.main, session, settings, first, last) == 0
    assert clean_rows(settings) == dict.fromkeys([d for f, n in files.items() for d in days_from(f, n)], 4)
    assert quarantined(settings) == []
    assert sum(lines_in(settings).values()) == rows_out(settings) == 4 * sum(files.values())
    after = last + dt.timedelta(days=1)
    capsys.readouterr()
    assert exit_code(ingest_job.main, session, settings, after, after) == MissingDay.exit_code
    assert f"{newest}.txt.gz ends on {last}, {after} is asked for" in capsys.readouterr().out


def test_odd_rows_and_names_do_not_move_the_calendar(settings, open_lake, reads, capsys):
    """Rows of other days are quarantined under the nearest day, and a file of the year 9999 covers its own day only.

    A run that is refused remembers what it has read: the next one reads nothing.
    """
    deliver(settings, march(1), dict.fromkeys([march(1)], 50))
    days = dt.date(2062, 3, 2), march(12), dt.date(2025, 3, 2)
    odd = [line(day, 100 + n, march(2)) for n, day in enumerate(days[:2])]
    odd.append("102,2025-03-02 10:00:00,1,1,1.50,36000,0,0,0")
    deliver(settings, march(2), {march(2): 50}, more=odd)
    deliver(settings, dt.date(9999, 12, 31), {})
    session = open_lake(settings)

    assert exit_code(ingest_job.main, session, settings, march(3), march(3)) == MissingDay.exit_code
    assert "2026-03-02.txt ends on 2026-03-02, 2026-03-03 is asked for" in capsys.readouterr().out
    assert clean_rows(settings) == {}
    assert exit_code(ingest_job.main, session, settings, march(3), march(3)) == MissingDay.exit_code
    assert reads == [["2026-03-01.txt", "2026-03-02.txt"]]
    assert exit_code(ingest_job.main, session, settings, march(1), march(2)) == 0
    assert exit_code(ingest_job.main, session, settings, dt.date(9999, 12, 31), dt.date(9999, 12, 31)) == 0
    assert clean_rows(settings) == {march(1): 50, march(2): 50, dt.date(9999, 12, 31): 0}
    assert quarantined(settings) == [
        (march(2), "2026-03-02.txt", 52, "outside_file"),
        (march(2), "2026-03-02.txt", 53, "outside_file"),
        (march(2), "2026-03-02.txt", 54, "unparsable"),
    ]
    assert sum(lines_in(settings).values()) == rows_out(settings) == 103


@pytest.mark.parametrize("year", [2025, 2027, 2062])
def test_the_only_row_in_a_wrong_year_is_no_day_s_row(settings, open_lake, capsys, year):
    """A file whose only row lies in another year has too many unusable rows, and the other days go on."""
    settings = strict(settings)
    wrong = dt.date(year, 3, 2)
    deliver(settings, march(1), {march(1): 5})
    deliver(settings, march(2), {}, more=[line(wrong, 1, wrong)])
    deliver(settings, march(3), {march(3): 5})
    session = open_lake(settings)

    assert exit_code(ingest_job.main, session, settings, march(2), march(2)) == QuarantineLimit.exit_code
    assert (
        "100.00% of the 1 rows of 2026-03-02 are unusable (outside_file 1 (tx_datetime 1))" in capsys.readouterr().out
    )
    assert [exit_code(ingest_job.main, session, settings, march(n), march(n)) for n in (1, 3)] == [0, 0]
    assert clean_rows(settings) == {march(1): 5, march(3): 5}


def test_rows_of_a_late_cut_wait_in_quarantine_for_their_file(settings, open_lake):
    """Rows after midnight are quarantined until the next day's file arrives, and then move to that day.

    They do not count for the limit, and `clean` of the earlier day is not published again.
    """
    settings = strict(settings)
    deliver(settings, march(1), {march(1): 50, march(2): 2})
    session = open_lake(settings)
    assert exit_code(ingest_job.main, session, settings, march(1), march(1)) == 0
    assert clean_rows(settings) == {march(1): 50}
    assert [reason for *_, reason in quarantined(settings)] == ["outside_file"] * 2
    before = published(open_catalog(settings), CLEAN, march(1), march(1))

    deliver(settings, march(2), {}, more=[line(march(2), n, march(2)) for n in range(10, 60)])
    assert exit_code(ingest_job.main, session, settings, march(2), march(2)) == 0

    assert clean_rows(settings) == {march(1): 50, march(2): 52}
    assert quarantined(settings) == []
    assert sum(lines_in(settings).values()) == rows_out(settings) == 102
    assert published(open_catalog(settings), CLEAN, march(1), march(1)) == before
    assert ingested(open_catalog(settings), march(1), march(2))[march(1)]["rows_in"] == 50
    assert not {"clean", "labels", "quarantine"} & stale(settings, [march(1), march(2)]).keys()


def test_a_file_with_another_status_is_hashed_and_not_read(settings, open_lake, reads, monkeypatch):
    """A file with another time of change is hashed once and not read again; the next file makes no day stale."""
    deliver(settings, march(1), dict.fromkeys(days_from(march(1), 3), 5))
    session = open_lake(settings)
    assert exit_code(ingest_job.main, session, settings, march(1), march(1)) == 0
    os.utime(settings.raw_path / "2026-03-01.txt", ns=(1, 1))
    assert exit_code(ingest_job.main, session, settings, march(2), march(2)) == 0

    monkeypatch.setattr("jobs.raw.files._checksum", lambda _: pytest.fail("hashed again"))
    assert exit_code(ingest_job.main, session, settings, march(1), march(3)) == 0
    assert reads == [["2026-03-01.txt"]]

    monkeypatch.undo()
    deliver(settings, march(4), {march(4): 5})
    assert not {"clean", "labels", "quarantine"} & stale(settings, days_from(march(1), 3)).keys()


def test_days_without_transactions_are_published_everywhere(settings, open_lake, capsys):
    """Files with only a header, at the beginning, between others and at the end, are days of 0 rows in every table.

    Quiet days inside a longer file are, too, and the days after them are made from what there is.
    """
    settings = strict(settings)
    days = days_from(march(1), 7)
    for first, rows in ((march(1), {}), (march(2), {march(2): 20}), (march(3), {}), (march(7), {})):
        deliver(settings, first, rows, packed=first == march(3))
    deliver(settings, march(4), {march(4): 20, march(6): 20})
    session = open_lake(settings)

    assert exit_code(day_job.main, session, settings, march(1), march(1), **EVERY_STAGE) == 0
    assert exit_code(day_job.main, session, settings, march(2), march(6), **EVERY_STAGE) == 0
    assert exit_code(day_job.main, session, settings, march(7), march(7), **EVERY_STAGE) == 0

    expected = [0, 20, 0, 20, 0, 20, 0]
    catalog = open_catalog(settings)
    for table in (CLEAN, LABELS, FEATURES):
        assert [published(catalog, table, *FOR_EVER)[day].rows for day in days] == expected
    assert [published(catalog, QUARANTINE, *FOR_EVER)[day].rows for day in days] == [0] * 7
    customers, terminals, states = (published(catalog, t, *FOR_EVER) for t in (TOTALS_CUSTOMER, TOTALS_TERMINAL, STATE))
    assert [customers[day].rows for day in days] == [0, 5, 0, 5, 0, 5, 0]
    assert [terminals[day].rows for day in days] == [0, 3, 0, 3, 0, 3, 0]
    assert [states[day].rows for day in days] == [0, 8, 8, 8, 8, 8, 8]
    assert read_days(catalog, FEATURES, march(4), march(4)).num_rows == 20
    assert sample_of(settings, Span(march(3), march(3))).shape == (0, len(FEATURE_NAMES))
    assert sum(lines_in(settings).values()) == rows_out(settings) == 60
    said = capsys.readouterr().out
    for name, day in (("2026-03-01.txt", 1), ("2026-03-03.txt.gz", 3), ("2026-03-07.txt", 7)):
        assert said.count(f"warning: {name} has only a header, so {march(day)} is a day without transactions\n") == 1
    assert stale(settings, days) == {}
    assert exit_code(day_job.main, session, settings, march(1), march(7), **EVERY_STAGE) == 0


def test_a_quiet_day_first_in_an_empty_lake_can_be_followed_backwards(settings, open_lake):
    """The newest day alone loads the quiet days before it, and an empty state is exported for the scorer."""
    settings = strict(settings)
    for number, rows in ((1, 0), (2, 0), (3, 8)):
        deliver(settings, march(number), {march(number): rows})
    session = open_lake(settings)

    assert exit_code(day_job.main, session, settings, march(3), march(3), **EVERY_STAGE) == 0
    assert exit_code(day_job.main, session, settings, march(2), march(2), **EVERY_STAGE) == 0
    assert clean_rows(settings) == {march(1): 0, march(2): 0, march(3): 8}


def test_a_file_of_no_bytes_is_refused(settings, open_lake, capsys):
    """A file of 0 bytes is no day without transactions: it is refused by name."""
    (settings.raw_path / "2026-03-01.txt").touch()

    assert exit_code(ingest_job.main, open_lake(settings), settings, march(1), march(1)) == 21
    assert "2026-03-01.txt, line 1: the file is empty, a header was expected" in capsys.readouterr().out
