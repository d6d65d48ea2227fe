"""The last day that a raw file covers, derived from the numbers of its usable rows.

A file covers the days from the one in its name to the last day that holds at least `LEAST_SHARE` of its usable rows.
A few rows must not move the calendar, however small the file is. So a day counts as covered only if its rows are no
late cut (`CUT_SHARE`), and a day after quiet days only if it is an ordinary day (`ORDINARY_SHARE`).
"""

import datetime as dt
import statistics
from collections.abc import Mapping, Sequence
from typing import Final

LEAST_SHARE: Final = 0.001
"""Share of a file's usable rows that its last day holds at least."""
CUT_SHARE: Final = 0.1
"""If the last day of a file has fewer rows than this share of the other days, it is the overlap of a late cut."""
ORDINARY_SHARE: Final = 0.5
"""Share of the other days' rows that a day after quiet days has; a mistyped date has one row."""
LONGEST_QUIET: Final = 31
"""Days without rows inside a file; rows that come later belong to another file."""


def last_covered(first: dt.date, end: dt.date, usable: Mapping[dt.date, int]) -> dt.date:
    """Return the last day that a file covers, which is `first` for a file without usable rows.

    Args:
        first: Day in the file's name.
        end: Last day that the file may cover: the day before the next file begins.
        usable: Usable rows by day; days outside `first` to `end` do not count.

    >>> february = [dt.date(2026, 2, 1) + dt.timedelta(days=n) for n in range(28)]
    >>> print(last_covered(february[0], dt.date(2026, 12, 31), dict.fromkeys(february, 40) | {dt.date(2026, 7, 2): 1}))
    2026-02-28
    """
    rows = {day: count for day, count in usable.items() if count}
    covered: list[dt.date] = []
    for day in sorted(day for day in rows if first <= day <= end and rows[day] >= _least(rows)):
        if _continues(first, [*covered, day], rows):
            covered.append(day)
    # The first day is covered in any case, so its own rows are never taken for a late cut.
    while len(covered) > 1 and rows[covered[-1]] < CUT_SHARE * _typical(covered[:-1], rows):
        covered.pop()
    return covered[-1] if covered else first


def _least(rows: Mapping[dt.date, int]) -> float:
    """Return the least rows of a last day: in a file of many hundred days, an ordinary day has a smaller share."""
    return min(LEAST_SHARE * sum(rows.values()), ORDINARY_SHARE * _typical(list(rows), rows))


def _typical(days: Sequence[dt.date], rows: Mapping[dt.date, int]) -> float:
    # The median, so that one unusually quiet or busy day among the others does not decide.
    return float(statistics.median(rows[day] for day in days))


def _continues(first: dt.date, days: Sequence[dt.date], rows: Mapping[dt.date, int]) -> bool:
    """Return whether the last of `days` follows the others without a gap, or is an ordinary day after a short gap."""
    *before, day = days
    gap = (day - (before[-1] if before else first)).days - 1
    is_ordinary = gap <= 0 or not before or rows[day] >= ORDINARY_SHARE * _typical(before, rows)
    return gap <= LONGEST_QUIET and is_ordinary
