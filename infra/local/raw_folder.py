"""Find raw files by day in a folder; a file covers one day or more, and is plain or gzipped."""

import datetime as dt
import gzip
import re
from pathlib import Path
from typing import IO, Final

from antifraud.errors import MissingDay, RawFileError
from antifraud.lake.feed import covered

ROW_DAY: Final = re.compile(r"[^,]*,(\d{4}-\d{2}-\d{2}) ")


def raw_files(folder: Path) -> dict[dt.date, Path]:
    """Return the raw files of a folder by their first day; each covers the days until the next begins.

    Raises:
        RawFileError: There is no raw file, two begin on one day, or a name is no calendar day.
    """
    if not folder.is_dir():
        raise RawFileError(f"{folder} is not a folder: name the one that holds the raw files")
    files = covered(path.name for path in folder.iterdir())
    if not files:
        raise RawFileError(f"{folder} has no raw files, expected YYYY-MM-DD.txt or .txt.gz, one for each first day")
    return {file.first: folder / file.name for file in files}


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
    """Return the first and the last day of the folder's rows.

    Raises:
        RawFileError: The folder has no raw files, or the last one has no rows.
    """
    files = raw_files(folder)
    with opened(files[max(files)]) as lines:
        days = [match[1] for line in lines if (match := ROW_DAY.match(line))]
    if not days:
        raise RawFileError(f"{files[max(files)].name} has no row with a date: deliver it again")
    return min(files), dt.date.fromisoformat(max(days))


def opened(path: Path) -> IO[str]:
    """Open a raw file as lines of text, decompressing it if needed and replacing bytes that are not UTF-8."""
    if path.suffix == ".gz":
        return gzip.open(path, "rt", encoding="utf-8", errors="replace", newline="")
    return path.open(encoding="utf-8", errors="replace", newline="")
