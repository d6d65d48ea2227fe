"""Raw files and the days that each covers.

By its name alone, a file may cover the days from the one in its name until the next file begins. Its rows tell how far
it reaches (`antifraud/lake/coverage.py`), once the file has been read.
"""

import datetime as dt
import re
from bisect import bisect_left
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from pathlib import Path
from typing import Final, Self

from antifraud.clock import days_between, shift
from antifraud.errors import MissingDay, RawFileError
from antifraud.lake.coverage import DaysRead, last_covered

RAW_NAME: Final = re.compile(r"([0-9]{4}-[0-9]{2}-[0-9]{2})\.txt(\.gz)?")
LONGEST_FILE: Final = 1_000
"""Days that a file covers at most. A row with a mistyped year lies further away, and need not be counted by its day."""


@dataclass(frozen=True, slots=True)
class RawFile:
    """A raw file and the days that it covers, from `first` to `last`.

    Attributes:
        path: Path of the file.
        first: Day in its name.
        last: Last day that it covers; of a file that was not read yet, the last day that it may cover.
        after: Day on which the next file begins; a delivery that was cut a little late overlaps into it. None if no
            file begins within `LONGEST_FILE`.
        read: Rows of the file by day; None if it was not read yet.
    """

    path: Path
    first: dt.date
    last: dt.date
    after: dt.date | None = None
    read: DaysRead | None = None

    def covers(self, day: dt.date) -> bool:
        """Return whether rows of `day` belong into this file."""
        return self.first <= day <= self.last

    @property
    def days(self) -> list[dt.date]:
        """The days that it covers."""
        return days_between(self.first, self.last)

    def as_read(self, read: DaysRead) -> Self:
        """Return the same file with the days that its rows tell."""
        return replace(self, last=last_covered(self.first, self.last, read), read=read)

    def rows_of(self, day: dt.date) -> int:
        """Return the rows of a day as far as they are known."""
        return self.read[day].rows if self.read and day in self.read else 0

    @property
    def has_rows_outside(self) -> bool:
        """Whether it has rows after its last day that do not overlap into the next file."""
        return any(day > self.last and day != self.after for day in self.read or ())

    @property
    def rows_of_late_cut(self) -> int:
        """Rows of the day after the last one, if no file begins on that day: they wait for its file."""
        following = shift(self.last, 1)
        return 0 if following in (self.last, self.after) else self.rows_of(following)


def first_days(names: Iterable[str]) -> dict[dt.date, str]:
    """Return the raw files among `names` by their first day, in order; other names are ignored.

    >>> list(first_days(["2026-01-09.txt.gz", "2026-01-02.txt", "README"]).values())
    ['2026-01-02.txt', '2026-01-09.txt.gz']

    Raises:
        RawFileError: A name is no calendar day, or two files begin on one day.
    """
    starts = [(_first_day(name), name) for name in sorted(names) if RAW_NAME.fullmatch(name)]
    for (day, one), (next_day, other) in pairwise(starts):
        if day == next_day:
            raise RawFileError(f"{one} and {other} both begin on {day}: keep one of them")
    return dict(starts)


def _first_day(name: str) -> dt.date:
    try:
        return dt.date.fromisoformat(name[:10])
    except ValueError:
        raise RawFileError(f"{name} does not name a calendar day: rename it to the first day that it covers") from None


def discover(folder: Path) -> list[RawFile]:
    """Return the raw files of a folder in the order of their days, as their names tell; none if there is no folder.

    Raises:
        RawFileError: A name is no calendar day, or two files begin on one day.
    """
    starts = first_days(path.name for path in folder.iterdir()) if folder.is_dir() else {}
    following = dict(pairwise(starts))
    return [_by_name(folder / name, first, following.get(first)) for first, name in starts.items()]


def _by_name(path: Path, first: dt.date, after: dt.date | None) -> RawFile:
    furthest = shift(first, LONGEST_FILE - 1)
    if after is None or after > furthest:
        return RawFile(path, first, furthest)
    return RawFile(path, first, shift(after, -1), after)


def covers(files: Iterable[RawFile], day: dt.date) -> bool:
    """Return whether one of the files covers `day`."""
    return any(file.covers(day) for file in files)


def files_of(files: Iterable[RawFile], days: Iterable[dt.date]) -> list[RawFile]:
    """Return the files that cover one of `days`."""
    wanted = sorted(set(days))
    return [file for file in files if _any_between(wanted, file.first, file.last)]


def files_to_read(files: Iterable[RawFile], days: Iterable[dt.date]) -> list[RawFile]:
    """Return the files that may hold rows of `days`: files that cover one, and files that overlap into one."""
    wanted = sorted(set(days))
    return [file for file in files if _any_between(wanted, file.first, file.last) or _overlaps(file, wanted)]


def _any_between(days: Sequence[dt.date], first: dt.date, last: dt.date) -> bool:
    place = bisect_left(days, first)
    return place < len(days) and days[place] <= last


def _overlaps(file: RawFile, days: Sequence[dt.date]) -> bool:
    return file.after is not None and _any_between(days, file.after, file.after)


def require_covered(files: Sequence[RawFile], days: Sequence[dt.date]) -> None:
    """Refuse days that no file covers: they were not delivered. A day without rows inside a file was quiet.

    A delivery that was cut late has a few rows after midnight. They are no day either: if the file of the next day is
    missing, they would be published as the whole day.

    Raises:
        MissingDay: No file covers one of the days.
    """
    missing = [day for day in days if not covers(files, day)]
    if not missing:
        return
    shown = ", ".join(map(str, missing[:5]))
    if before := [file for file in files if file.read is not None and file.last < missing[0]]:
        raise MissingDay(
            f"{before[-1].path.name} ends on {before[-1].last}, {shown} is asked for: deliver the rest; if the "
            "file's few rows after its end are the whole day, move them into a file of that day"
        )
    raise MissingDay(f"no raw file covers {shown}: deliver it, or leave the day out of the range")
