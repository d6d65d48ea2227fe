"""Find raw files by day in a folder; a file covers one day or more, and is plain or gzipped."""

import datetime as dt
import gzip
import re
from collections import Counter
from itertools import pairwise
from pathlib import Path
from typing import IO, Final

from antifraud.clock import HOUR_SECONDS
from antifraud.errors import MissingDay, RawFileError
from antifraud.lake.coverage import DayRows, last_covered
from antifraud.lake.feed import LONGEST_FILE, first_days

ROW_HOUR: Final = re.compile(r"[^,]*,(\d{4}-\d{2}-\d{2} \d{2}):")


def raw_files(folder: Path) -> dict[dt.date, Path]:
    """Return the raw files of a folder by their first day; each covers the days until the next begins.

    Raises:
        RawFileError: There is no raw file, two begin on one day, or a name is no calendar day.
    """
    if not folder.is_dir():
        raise RawFileError(f"{folder} is not a folder: name the one that holds the raw files")
    files = first_days(path.name for path in folder.iterdir())
    if not files:
        raise RawFileError(f"{folder} has no raw files, expected YYYY-MM-DD.txt or .txt.gz, one for each first day")
    return {first: folder / name for first, name in files.items()}


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
    """Return the first and the last day that the folder's files cover.

    Raises:
        RawFileError: The folder has no raw files.
    """
    files = raw_files(folder)
    newest = _newest(list(files))
    with opened(files[newest]) as lines:
        times = sorted(time for line in lines if (time := _time_of(line)))
    return min(files), last_covered(newest, dt.date.max, _rows_by_day(times))


def _newest(days: list[dt.date]) -> dt.date:
    """Return the last first day of a file; a file far beyond the one before has a mistyped name and does not count."""
    far = (before for before, day in pairwise(days) if (day - before).days > LONGEST_FILE)
    return next(far, days[-1])


def _rows_by_day(times: list[dt.datetime]) -> dict[dt.date, DayRows]:
    """Return the rows of each day with times in order."""
    last = {time.date(): time.hour * HOUR_SECONDS for time in times}
    rows = Counter(time.date() for time in times)
    return {day: DayRows(rows[day], rows[day], second) for day, second in last.items()}


def _time_of(line: str) -> dt.datetime | None:
    match = ROW_HOUR.match(line)
    try:
        return dt.datetime.fromisoformat(match[1]).replace(tzinfo=dt.UTC) if match else None
    except ValueError:
        return None  # no such time: a defect of the row


def opened(path: Path) -> IO[str]:
    """Open a raw file as lines of text, decompressing it if needed and replacing bytes that are not UTF-8."""
    if path.suffix == ".gz":
        return gzip.open(path, "rt", encoding="utf-8", errors="replace", newline="")
    return path.open(encoding="utf-8", errors="replace", newline="")
