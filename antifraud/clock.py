"""The business clock and the calendar: UTC seconds and days since 1970-01-01.

Business time is wall time plus an offset, so that scorer, guard and live traffic can replay past days together. A file
that they share may change the offset, so a replay can step from day to day. Only entry points read this clock. All
other code gets a day or a time as an argument.
"""

import datetime as dt
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from antifraud.errors import DaysError, SettingsError
from antifraud.files import replace_file

DAY_SECONDS: Final = 86_400
HOUR_SECONDS: Final = 3_600
DAY_HOURS: Final = DAY_SECONDS // HOUR_SECONDS
EPOCH: Final = dt.date(1970, 1, 1)
ONE_DAY: Final = dt.timedelta(days=1)


@dataclass(frozen=True, slots=True)
class BusinessClock:
    """Wall time plus `offset_seconds` and, in a replay that steps, the seconds that `file` holds now."""

    offset_seconds: int = 0
    file: Path | None = None

    def now(self) -> int:
        """Return business time in UTC seconds.

        Raises:
            SettingsError: The file has no whole number.
        """
        return int(time.time()) + self.offset_seconds + (self._read() if self.file else 0)

    def step_to(self, seconds: int) -> None:
        """Let every process that shares the file see `seconds` as business time; time never goes back.

        Raises:
            SettingsError: There is no file, or it has no whole number.
        """
        if self.file is None:
            raise SettingsError("a clock without a file cannot step: set ANTIFRAUD_CLOCK_FILE")
        ahead = max(0, seconds - self.now())
        replace_file(self.file, f"{self._read() + ahead}\n")

    def _read(self) -> int:
        try:
            return int(Path(str(self.file)).read_text())
        except (OSError, ValueError) as error:
            raise SettingsError(
                f"the clock's file {self.file} has no whole number of seconds ({type(error).__name__}): write one"
            ) from None


def day_number(day: dt.date) -> int:
    """Return the number of days from 1970-01-01 to `day`.

    >>> day_number(dt.date(1970, 1, 2))
    1
    """
    return (day - EPOCH).days


def date_of(number: int) -> dt.date:
    """Return the calendar day of a day number; the inverse of `day_number`.

    >>> date_of(1)
    datetime.date(1970, 1, 2)
    """
    return EPOCH + dt.timedelta(days=number)


def day_of(seconds: int) -> int:
    """Return the day number of a time in UTC seconds.

    >>> day_of(86_399), day_of(86_400)
    (0, 1)
    """
    # Floor division: a time before 1970 lies in a negative day, not in day 0.
    return seconds // DAY_SECONDS


def shift(day: dt.date, days: int) -> dt.date:
    """Return the day that lies `days` later, or earlier if negative, within the calendar's first and last day.

    >>> print(shift(dt.date(2026, 1, 1), -1), shift(dt.date(9999, 12, 31), 1))
    2025-12-31 9999-12-31
    """
    return dt.date.fromordinal(min(max(day.toordinal() + days, dt.date.min.toordinal()), dt.date.max.toordinal()))


def days_between(first: dt.date, last: dt.date) -> list[dt.date]:
    """Return every day from `first` to `last`, both included.

    Raises:
        DaysError: `last` is before `first`.
    """
    if last < first:
        raise DaysError(f"the range ends ({last}) before it begins ({first}): swap the two days")
    return [first + dt.timedelta(days=offset) for offset in range((last - first).days + 1)]


@dataclass(frozen=True, slots=True)
class Span:
    """Days from `first` to `last`, both included."""

    first: dt.date
    last: dt.date

    @property
    def days(self) -> list[dt.date]:
        """The days in order.

        >>> len(Span(dt.date(2026, 2, 27), dt.date(2026, 3, 1)).days)
        3
        """
        return [self.first + dt.timedelta(days=offset) for offset in range((self.last - self.first).days + 1)]

    def __str__(self) -> str:
        return f"{self.first}..{self.last}"
