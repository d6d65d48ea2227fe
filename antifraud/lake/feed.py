"""The days that files of the raw feed cover, by their names alone.

A file covers the days from the one in its name until the next file begins. The last file covers as many days as the
file before it, and a single file covers `LONGEST_FILE`. Whether its rows reach that far is known once it is read.
"""

import datetime as dt
import re
from collections.abc import Iterable
from itertools import pairwise
from pathlib import Path
from typing import Final, NamedTuple

from antifraud.errors import RawFileError

RAW_NAME: Final = re.compile(r"([0-9]{4}-[0-9]{2}-[0-9]{2})\.txt(\.gz)?")
LONGEST_FILE: Final = dt.timedelta(days=30)


class Covered(NamedTuple):
    """A raw file's name and the days that it covers: from `first` up to, but without, `end`."""

    name: str
    first: dt.date
    end: dt.date


def covered(names: Iterable[str]) -> list[Covered]:
    """Return the days that raw files among `names` cover, in order; other names are ignored.

    >>> covered(["2026-01-09.txt.gz", "2026-01-02.txt", "README"])[0]
    Covered(name='2026-01-02.txt', first=datetime.date(2026, 1, 2), end=datetime.date(2026, 1, 9))

    Raises:
        RawFileError: A name is no calendar day, or two files begin on one day.
    """
    starts = [(_first_day(name), name) for name in sorted(names) if RAW_NAME.fullmatch(name)]
    for (day, one), (next_day, other) in pairwise(starts):
        if day == next_day:
            raise RawFileError(f"{one} and {other} both begin on {day}: keep one of them")
    steps = [after - before for (before, _), (after, _) in pairwise(starts)]
    # The last file has no next one, so it covers as many days as the file before it.
    ends = [day for day, _ in starts[1:]] + [day + (steps or [LONGEST_FILE])[-1] for day, _ in starts[-1:]]
    return [Covered(name, first, end) for (first, name), end in zip(starts, ends, strict=True)]


def files_in(folder: Path) -> list[Covered]:
    """Return the days that raw files of a folder cover; nothing if there is no such folder."""
    return covered(path.name for path in folder.iterdir()) if folder.is_dir() else []


def covers(files: Iterable[Covered], day: dt.date) -> bool:
    """Return whether one of the files covers `day`."""
    return any(file.first <= day < file.end for file in files)


def _first_day(name: str) -> dt.date:
    try:
        return dt.date.fromisoformat(name[:10])
    except ValueError:
        raise RawFileError(f"{name} does not name a calendar day: rename it to the first day that it covers") from None
