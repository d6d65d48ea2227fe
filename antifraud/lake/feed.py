"""Which days the files of the raw feed cover, judged by their names alone: the one rule for whoever asks.

A file covers from the day in its name until the next one begins, the last one as many days as the one before it did,
and a single one `LONGEST_FILE`. Whether its rows reach so far is known once it is read.
"""

import datetime as dt
import re
from collections.abc import Iterable
from itertools import pairwise
from pathlib import Path
from typing import Final, NamedTuple

from antifraud.errors import RawFileError

RAW_NAME: Final = re.compile(r"(\d{4}-\d{2}-\d{2})\.txt(\.gz)?")
LONGEST_FILE: Final = dt.timedelta(days=30)


class Covered(NamedTuple):
    """The days that a raw file of this name covers: from `first` up to, but without, `end`."""

    name: str
    first: dt.date
    end: dt.date


def covered(names: Iterable[str]) -> list[Covered]:
    """What the raw files among `names` cover, in the order of their days; other names are ignored.

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
    ends = [day for day, _ in starts[1:]] + [day + (steps or [LONGEST_FILE])[-1] for day, _ in starts[-1:]]
    return [Covered(name, first, end) for (first, name), end in zip(starts, ends, strict=True)]


def files_in(folder: Path) -> list[Covered]:
    """What the raw files of a folder cover; nothing while there is no such folder."""
    return covered(path.name for path in folder.iterdir()) if folder.is_dir() else []


def covers(files: Iterable[Covered], day: dt.date) -> bool:
    """Whether one of the files covers `day`."""
    return any(file.first <= day < file.end for file in files)


def _first_day(name: str) -> dt.date:
    try:
        return dt.date.fromisoformat(name[:10])
    except ValueError:
        raise RawFileError(f"{name} does not name a calendar day: rename it to the first day that it covers") from None
