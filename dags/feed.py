"""Which days the raw feed has, judged by file names alone."""

import datetime as dt
import re
from collections.abc import Iterable
from itertools import pairwise
from pathlib import Path
from typing import Final

RAW_NAME: Final = re.compile(r"(\d{4}-\d{2}-\d{2})\.txt(\.gz)?")


def first_days(names: Iterable[str]) -> list[dt.date]:
    """The days at which raw files begin, in order; other names are ignored.

    >>> first_days(["2026-01-02.txt.gz", "2026-01-01.txt", "README"])
    [datetime.date(2026, 1, 1), datetime.date(2026, 1, 2)]
    """
    matches = (RAW_NAME.fullmatch(name) for name in names)
    return sorted({dt.date.fromisoformat(match[1]) for match in matches if match})


def covers(starts: list[dt.date], day: dt.date) -> bool:
    """Whether one of the files that begin at `starts` covers `day`.

    A file covers from its day until the next file begins; the last one as many days as the one before it did (one day
    if it is the only one).

    >>> daily = [dt.date(2026, 1, 1), dt.date(2026, 1, 2)]
    >>> [covers(daily, dt.date(2026, 1, day)) for day in (1, 2, 3)]
    [True, True, False]
    """
    if not starts:
        return False
    steps = [after - before for before, after in pairwise(starts)]
    end = starts[-1] + (steps[-1] if steps else dt.timedelta(days=1))
    return starts[0] <= day < end


def begins(folder: Path) -> list[dt.date]:
    """The days at which the raw files of `folder` begin; none while the folder does not exist."""
    return first_days(path.name for path in folder.iterdir()) if folder.is_dir() else []


def has_day(folder: Path, day: dt.date) -> bool:
    """Whether the raw feed in `folder` covers `day`."""
    return covers(begins(folder), day)
