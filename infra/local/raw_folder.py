"""Find raw files by day in a folder; a file covers one day or more, and is plain or gzipped."""

import datetime as dt
from collections import Counter
from collections.abc import Iterator
from itertools import islice, pairwise
from pathlib import Path

from antifraud.clock import DAY_SECONDS, date_of, day_of, shift
from antifraud.errors import MissingDay, RawFileError
from antifraud.lake.coverage import DayRows, last_covered
from antifraud.lake.feed import LONGEST_FILE, first_days
from antifraud.lake.raw_bases import require_base, require_some_base
from antifraud.lake.raw_lines import has_rows, require_readable, text_lines, width_of
from antifraud.lake.raw_rows import FileDays, UsableRow, parse_row
from antifraud.lake.raw_text import refuse_unreadable, status_of


def raw_files(folder: Path) -> dict[dt.date, Path]:
    """Return the raw files of a folder by their first day; each covers the days until the next begins.

    Raises:
        RawFileError: There is no raw file, two begin on one day, or a name is no calendar day.
    """
    refused = no_files(folder)
    files = {day: path for day, path in _entries(folder).items() if day not in refused}
    if not files:
        reasons = "".join(f"; {reason}" for reason in refused.values())
        raise RawFileError(
            f"{folder} has no raw files, expected YYYY-MM-DD.txt or .txt.gz, one for each first day{reasons}"
        )
    return files


def no_files(folder: Path) -> dict[dt.date, str]:
    """Return entries that are named like raw files and are none, by their first day: why each is refused."""
    refused = {}
    for day, path in _entries(folder).items():
        try:
            status_of(path)
        except RawFileError as error:
            refused[day] = str(error)
    return refused


def _entries(folder: Path) -> dict[dt.date, Path]:
    if not folder.is_dir():
        raise RawFileError(f"{folder} is not a folder: name the one that holds the raw files")
    return {first: folder / name for first, name in first_days(path.name for path in folder.iterdir()).items()}


def file_of(folder: Path, day: dt.date) -> Path:
    """Return the raw file that covers `day`.

    Raises:
        MissingDay: All files begin later.
    """
    begun = {first: path for first, path in raw_files(folder).items() if first <= day}
    if not begun:
        raise MissingDay(f"{folder} begins after {day}: add the raw file that covers it")
    return begun[max(begun)]


def calendar(folder: Path) -> tuple[dt.date, dt.date]:
    """Return the first and the last day that the folder's files cover, after checking that each has transactions.

    Raises:
        RawFileError: The folder has no raw files, one is unreadable, or one has rows but no usable time.
    """
    files = raw_files(folder)
    for path in files.values():
        require_readable(path)
        if has_rows(path):
            require_some_base(path)
    newest = _newest(list(files))
    return min(files), _last_day(files[newest], newest)


def _newest(days: list[dt.date]) -> dt.date:
    """Return the last first day of a file; a file far beyond the one before has a mistyped name and does not count."""
    far = (before for before, day in pairwise(days) if (day - before).days > LONGEST_FILE)
    return next(far, days[-1])


def _last_day(path: Path, first: dt.date) -> dt.date:
    """Return the last day of a file; a file with nothing but its header is of the day in its name."""
    if not has_rows(path):
        return first
    furthest = shift(first, LONGEST_FILE)
    times = sorted(row.event_time for row in usable_rows(path, first, furthest))
    if not times:
        raise RawFileError(f"{path.name} has no usable row from {first} on: deliver it again")
    last_second = {day_of(time): time % DAY_SECONDS for time in times}
    rows = Counter(day_of(time) for time in times)
    read = {date_of(day): DayRows(rows[day], rows[day], second) for day, second in last_second.items()}
    return last_covered(first, furthest, read)


def usable_rows(path: Path, first: dt.date, last: dt.date) -> Iterator[UsableRow]:
    """Yield the rows of a file that are of the days `first` to `last` and, taken alone, usable.

    Raises:
        RawFileError: No row tells the base time of the file.
    """
    days = FileDays.of(require_base(path), first, last, width_of(path))
    with refuse_unreadable(path):
        for line in islice(text_lines(path), 1, None):
            if row := parse_row(line, days).usable:
                yield row
