"""Find raw files by day in a folder; a file covers one day or more, and is plain or gzipped."""

import datetime as dt
import re
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from io import TextIOWrapper
from itertools import pairwise
from pathlib import Path
from typing import IO, Final

from antifraud.clock import HOUR_SECONDS
from antifraud.errors import MissingDay, RawFileError
from antifraud.lake.coverage import DayRows, last_covered
from antifraud.lake.feed import LONGEST_FILE, first_days
from antifraud.lake.raw_text import ARCHIVE, open_text, refuse_unreadable, status_of

PIECE: Final = 1 << 20
ROW_HOUR: Final = re.compile(r"[^,]*,(\d{4}-\d{2}-\d{2} \d{2}):")


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


def require_whole(folder: Path) -> None:
    """Refuse a folder with an archive that cannot be read to its end, as ingest would refuse it later.

    Raises:
        RawFileError: An archive is cut or damaged.
    """
    for path in raw_files(folder).values():
        if path.suffix == ARCHIVE:
            with refuse_unreadable(path), open_text(path) as text:
                while text.read(PIECE):
                    pass


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


@contextmanager
def opened(path: Path) -> Iterator[IO[str]]:
    """Open a raw file as lines of text, decompressing it if needed and replacing bytes that are not UTF-8.

    Raises:
        RawFileError: The file cannot be read.
    """
    with refuse_unreadable(path), open_text(path) as source:
        yield TextIOWrapper(source, encoding="utf-8", errors="replace", newline="")
