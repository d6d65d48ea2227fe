"""What the rows of raw files must be, once they are counted, before anything of them is published."""

import datetime as dt
import statistics
from collections.abc import Mapping, Sequence
from typing import Any, Final

from antifraud.errors import MissingDay, PublishError, QuarantineLimit
from antifraud.settings.core import JobSettings
from jobs.raw.files import RawFile

OVERLAP_SHARE: Final = 0.1
"""Fewer rows than this share of its file's other days, and the last one is the overlap of a delivery cut late."""
Counts = dict[dt.date, dict[str, Any]]


def no_rows() -> dict[str, Any]:
    """The counts of a day before its first row."""
    return {"rows_in": 0, "clean": 0, "quarantined": {}, "repaired_midnight": 0}


def counts_of(counts: Counts, day: dt.date) -> dict[str, Any]:
    """`rows_in`, `clean`, `quarantined` by reason and `repaired_midnight` of a day; zeros where it has no rows."""
    return counts.get(day) or no_rows()


def require_balance(files: Sequence[RawFile], lines: Mapping[str, int], judged: Mapping[str, int]) -> None:
    """The rows of every file that was judged whole are its lines: none was lost or doubled on the way.

    Raises:
        PublishError: A file has fewer or more.
    """
    for name in (file.path.name for file in files):
        if judged.get(name, 0) != lines[name]:
            raise PublishError(
                f"{name} has {lines[name]} rows, {judged.get(name, 0)} were judged: nothing was published"
            )


def require_reached(files: Sequence[RawFile], counts: Counts, days: Sequence[dt.date]) -> None:
    """A day after the last one of its file was not delivered; a day without rows before it was quiet.

    The few rows after midnight of a delivery that was cut late are no day either: where the file of the next day is
    missing, they would be published as all of it.

    Raises:
        MissingDay: One of `days` comes after the last day of the file that covers it.
    """
    for file in files:
        reached = last_day(file, counts)
        if late := [str(day) for day in days if file.covers(day) and day > reached]:
            raise MissingDay(
                f"{file.path.name} ends on {reached}, {', '.join(late[:5])} is asked for: deliver the rest, or, "
                "if its few rows there are all, move them into a file of the day"
            )


def last_day(file: RawFile, counts: Counts) -> dt.date:
    """The last day of a file with rows, or the one before where it has hardly any beside the others."""
    rows = {day: counts_of(counts, day)["rows_in"] for day in counts if file.covers(day)}
    *before, last = sorted(rows) or [file.first]
    if before and rows[last] < OVERLAP_SHARE * statistics.median(rows[day] for day in before):
        return before[-1]
    return last


def require_limit(settings: JobSettings, counts: Counts, days: Sequence[dt.date]) -> None:
    """Of no day are more rows quarantined than `quarantine_limit` allows.

    Raises:
        QuarantineLimit: Of one there are.
    """
    for day in days:
        of_day, share = counts_of(counts, day), unusable_share(counts, day)
        if share > settings.quarantine_limit:
            reasons = ", ".join(f"{reason} {count}" for reason, count in sorted(of_day["quarantined"].items()))
            raise QuarantineLimit(
                f"{share:.2%} of the {of_day['rows_in']} rows of {day} are unusable ({reasons}), the limit is "
                f"{settings.quarantine_limit:.2%}: correct the file, nothing was published"
            )


def unusable_share(counts: Counts, day: dt.date) -> float:
    """Share of a day's rows that are quarantined; 0 of a day without rows."""
    of_day = counts_of(counts, day)
    return float(sum(of_day["quarantined"].values()) / max(of_day["rows_in"], 1))
