"""The last day that a raw file covers follows from its usable rows, and a few odd rows do not move it."""

import datetime as dt

import pytest

from antifraud.lake.coverage import DayRows, last_covered

FIRST = dt.date(2026, 3, 1)
FAR = dt.date(2028, 11, 24)


def after(days):
    return FIRST + dt.timedelta(days=days)


def last(rows, end=FAR, hour=23):
    """Return how many days after the first the coverage ends; `rows` has usable rows by such a number.

    The rows of each day end in the given hour.
    """
    read = {after(number): DayRows(count, count, hour * 3_600) for number, count in rows.items()}
    return (last_covered(FIRST, end, read) - FIRST).days


@pytest.mark.parametrize("days", [1, 7, 31, 91, 400, 1_000])
def test_equal_days_are_all_covered(days):
    """A file of equal days covers each of them, also if no day has a thousandth of its rows."""
    assert last(dict.fromkeys(range(days), 40)) == days - 1


@pytest.mark.parametrize(
    ("rows", "expected"),
    [
        ({}, 0),
        ({0: 0}, 0),
        ({0: 50, 36_000: 1}, 0),
        ({36_000: 1}, 0),
        ({365: 1}, 0),
        ({-365: 1}, 0),
        ({0: 40, 19: 1}, 0),
        ({0: 5, 10: 1}, 0),
        ({0: 40, 1: 1}, 0),
        ({0: 40, 1: 3}, 1),
        ({0: 1_000, 1: 200, 2: 900, 3: 1}, 2),
    ],
    ids=[
        "no row", "no usable row", "one row of another century", "the only row in another century",
        "the only row a year later", "the only row a year earlier", "a stray row", "a stray row in a small file",
        "a stray row of the next day", "a very quiet last day", "a quiet day inside, a stray row behind",
    ],
)  # fmt: skip
def test_a_few_rows_do_not_move_the_calendar(rows, expected):
    """Rows of a mistyped day, or of a delivery that was cut late, lie outside their file."""
    assert last(rows) == expected


@pytest.mark.parametrize(("rows", "hour", "expected"), [(3, 0, 0), (3, 5, 0), (3, 6, 1), (4, 0, 1)])
def test_few_rows_after_midnight_are_a_late_cut(rows, hour, expected):
    """Fewer than a tenth of an ordinary day's rows, all before six o'clock, are no day of their own."""
    assert last({0: 40, 1: rows}, hour=hour) == expected


def test_quiet_days_inside_a_file_are_covered():
    """Days without rows lie inside the file if ordinary days follow, and end it after a month."""
    assert last({0: 40, 1: 40, 9: 38}) == 9
    assert last({0: 40, 32: 40}) == 32
    assert last({0: 40, 33: 40}) == 0
    assert last({5: 40}) == 5


def test_the_next_file_ends_the_coverage():
    """Rows on or after the first day of the next file do not count."""
    assert last(dict.fromkeys(range(10), 40), after(3)) == 3


def test_a_thousandth_of_the_rows_is_the_least():
    """The last day of a long file has at least a thousandth of its rows."""
    assert last(dict.fromkeys(range(400), 100) | {400: 41}) == 400
    assert last(dict.fromkeys(range(400), 100) | {400: 40}) == 399
