"""The calendar of a folder of raw files follows from the days that the files cover."""

import datetime as dt

import pytest

from antifraud.lake.raw_lines import HEADER
from infra.local.raw_folder import calendar

FIRST, LAST = dt.date(2026, 3, 1), dt.date(2026, 3, 2)


def put(folder, first, days):
    """Write the file that begins on `first`, with twenty rows of each of the days, which are texts."""
    lines = [row(n, day) for day in days for n in range(20)]
    (folder / f"{first}.txt").write_text("\n".join([HEADER, *lines, ""]))


def row(number, day):
    """Return a row at 10:00 on a day; its seconds are those since the first day, if there is such a day."""
    try:
        since = (dt.date.fromisoformat(day) - FIRST).days
    except ValueError:
        since = 0
    return f"{number},{day} 10:00:00,1,1,1.50,{since * 86_400 + 36_000},0,0,0"


@pytest.mark.parametrize("days", [["2026-03-02"], [], ["2026-03-02", "2026-03-33"]], ids=["rows", "no row", "odd days"])
def test_the_calendar_ends_with_the_last_covered_day(tmp_path, days):
    """The calendar ends with the last file's last day, with its first day if it has no row, and ignores odd dates."""
    put(tmp_path, FIRST, ["2026-03-01"])
    put(tmp_path, LAST, days)

    assert calendar(tmp_path) == (FIRST, LAST)


def test_one_row_of_another_century_does_not_move_the_calendar(tmp_path):
    """A row of 2062 in the last file plans no day."""
    put(tmp_path, FIRST, ["2026-03-01"])
    with (tmp_path / f"{FIRST}.txt").open("a") as file:
        file.write(row(20, "2062-03-01") + "\n")

    assert calendar(tmp_path) == (FIRST, FIRST)


def test_a_file_of_the_year_9999_does_not_move_the_calendar(tmp_path):
    """A file that begins thousands of years after the others has a mistyped name and does not count."""
    put(tmp_path, FIRST, ["2026-03-01"])
    put(tmp_path, LAST, ["2026-03-02"])
    put(tmp_path, dt.date(9999, 12, 31), [])

    assert calendar(tmp_path) == (FIRST, LAST)


def test_a_file_of_a_month_covers_its_month(tmp_path):
    """A last file of 31 days covers all of them, whatever the length of the file before."""
    put(tmp_path, FIRST, ["2026-03-01"])
    put(tmp_path, LAST, [str(LAST + dt.timedelta(days=n)) for n in range(30)])

    assert calendar(tmp_path) == (FIRST, dt.date(2026, 3, 31))
