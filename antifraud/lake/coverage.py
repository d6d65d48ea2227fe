"""The last day that a raw file covers, derived from the numbers of its usable rows.

A file covers the days from the one in its name to the last day that holds at least `LEAST_SHARE` of its usable rows.
A few odd rows must not move the calendar, however small the file is. So the last day is no late cut and no single row
(`CUT_SHARE`), and a day after quiet days is an ordinary day (`ORDINARY_SHARE`).
"""

import datetime as dt
import statistics
from collections.abc import Mapping, Sequence
from typing import Final, NamedTuple

from antifraud.clock import HOUR_SECONDS

LEAST_SHARE: Final = 0.001
"""Share of a file's usable rows that its last day holds at least."""
CUT_SHARE: Final = 0.1
"""Share of an ordinary day below which the rows of a last day may be the overlap of a late cut, or a mistyped date."""
LATEST_CUT: Final = 6 * HOUR_SECONDS
"""Seconds after midnight before which the rows of a late cut end; the rows of a quiet day go on."""
ORDINARY_SHARE: Final = 0.5
"""Share of the other days' rows that a day after quiet days has; a mistyped date has one row."""
LONGEST_QUIET: Final = 31
"""Days without rows inside a file; rows that come later belong to another file."""


class DayRows(NamedTuple):
    """Rows of one day of a file, how many of them are usable, and the last usable one's second of the day."""

    rows: int
    usable: int
    last_second: int


DaysRead = Mapping[dt.date, DayRows]
"""Rows of a file by their day."""


def last_covered(first: dt.date, end: dt.date, read: DaysRead) -> dt.date:
    """Return the last day that a file covers, which is `first` for a file without usable rows.

    Args:
        first: Day in the file's name.
        end: Last day that the file may cover: the day before the next file begins.
        read: Rows by day; days outside `first` to `end` do not count.

    >>> day = DayRows(rows=40, usable=40, last_second=86_399)
    >>> february = [dt.date(2026, 2, 1) + dt.timedelta(days=n) for n in range(28)]
    >>> odd = {dt.date(2026, 7, 2): DayRows(rows=1, usable=1, last_second=36_000)}
    >>> print(last_covered(february[0], dt.date(2026, 12, 31), dict.fromkeys(february, day) | odd))
    2026-02-28
    """
    days = {day: rows for day, rows in read.items() if rows.usable}
    least = _least(days) if days else 0
    covered: list[dt.date] = []
    for day in sorted(day for day, rows in days.items() if first <= day <= end and rows.usable >= least):
        if _continues(first, [*covered, day], days):
            covered.append(day)
    # The first day is covered in any case, so its own rows are never taken for a late cut.
    while len(covered) > 1 and _is_cut(covered, days):
        covered.pop()
    return covered[-1] if covered else first


def _least(days: DaysRead) -> float:
    """Return the least rows of a last day: in a file of many hundred days, an ordinary day has a smaller share."""
    every = sum(rows.usable for rows in days.values())
    return min(LEAST_SHARE * every, ORDINARY_SHARE * _typical(list(days), days))


def _typical(among: Sequence[dt.date], days: DaysRead) -> float:
    # The median, so that one unusually quiet or busy day among the others does not decide.
    return float(statistics.median(days[day].usable for day in among))


def _continues(first: dt.date, covered: Sequence[dt.date], days: DaysRead) -> bool:
    """Return whether the last day follows the others without a gap, or is an ordinary day after a short gap."""
    *before, day = covered
    gap = (day - (before[-1] if before else first)).days - 1
    is_ordinary = gap <= 0 or not before or days[day].usable >= ORDINARY_SHARE * _typical(before, days)
    return gap <= LONGEST_QUIET and is_ordinary


def _is_cut(covered: Sequence[dt.date], days: DaysRead) -> bool:
    """Return whether the rows of the last day are few, and end soon after midnight or are a single one."""
    *before, day = covered
    rows = days[day]
    return rows.usable < CUT_SHARE * _typical(before, days) and (rows.usable == 1 or rows.last_second < LATEST_CUT)
