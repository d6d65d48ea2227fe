"""Checks of counted raw rows, before any of these rows is published."""

import datetime as dt
import statistics
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final

from antifraud.errors import MissingDay, PublishError, QuarantineLimit
from antifraud.settings.core import JobSettings
from jobs.raw.faults import counts_in_words, first_in_words
from jobs.raw.files import RawFile

if TYPE_CHECKING:
    from jobs.raw.tally import Tally

OVERLAP_SHARE: Final = 0.1
"""If the last day of a file has fewer rows than this share of the other days, it is the overlap of a late cut."""

Counts = dict[dt.date, dict[str, Any]]


def no_rows() -> dict[str, Any]:
    """Return the counts of a day without rows."""
    return {"rows_in": 0, "clean": 0, "quarantined": {}, "repaired_midnight": 0}


def counts_of(counts: Counts, day: dt.date) -> dict[str, Any]:
    """Return `rows_in`, `clean`, `quarantined` by reason and `repaired_midnight` of a day, which may have no rows."""
    return counts.get(day) or no_rows()


def require_balance(files: Sequence[RawFile], lines: Mapping[str, int], judged: Mapping[str, int]) -> None:
    """Refuse rows that were lost or doubled on the way: every line of a file that was judged whole is one row.

    Raises:
        PublishError: A file has fewer or more rows than lines.
    """
    for name in (file.path.name for file in files):
        if judged.get(name, 0) != lines[name]:
            raise PublishError(
                f"{name} has {lines[name]} rows, {judged.get(name, 0)} were judged: nothing was published, run it again"
            )


def require_reached(files: Sequence[RawFile], counts: Counts, days: Sequence[dt.date]) -> None:
    """Refuse days after the last day of their file: they were not delivered. A day without rows before it was quiet.

    A delivery that was cut late has a few rows after midnight. They are no day either: if the file of the next day is
    missing, they would be published as the whole day.

    Raises:
        MissingDay: One of `days` comes after the last day of the file that covers it.
    """
    for file in files:
        reached = last_day(file, counts)
        if late := [str(day) for day in days if file.covers(day) and day > reached]:
            raise MissingDay(
                f"{file.path.name} ends on {reached}, {', '.join(late[:5])} is asked for: deliver the rest; if the "
                "file's few rows after its end are the whole day, move them into a file of that day"
            )


def last_day(file: RawFile, counts: Counts) -> dt.date:
    """Return the last day of a file with rows, or the day before if the last one has hardly any (`OVERLAP_SHARE`)."""
    rows = {day: counts_of(counts, day)["rows_in"] for day in counts if file.covers(day)}
    # The median, so that one unusually quiet or busy day among the others does not decide.
    *before, last = sorted(rows) or [file.first]
    if before and rows[last] < OVERLAP_SHARE * statistics.median(rows[day] for day in before):
        return before[-1]
    return last


def require_limit(settings: JobSettings, tally: "Tally", files: Sequence[RawFile], days: Sequence[dt.date]) -> None:
    """Refuse days with a larger share of unusable rows than the setting `quarantine_limit` allows.

    Raises:
        QuarantineLimit: One of the days has such a share; the message explains the first of its unusable rows.
    """
    for day in days:
        share = unusable_share(tally.counts, day)
        if share > settings.quarantine_limit:
            faults, rows = tally.faults[day], counts_of(tally.counts, day)["rows_in"]
            raise QuarantineLimit(
                f"{first_in_words(faults, files)}; {share:.2%} of the {rows} rows of {day} are unusable "
                f"({counts_in_words(faults)}), the limit is {settings.quarantine_limit:.2%}: correct the file, nothing "
                "was published"
            )


def unusable_share(counts: Counts, day: dt.date) -> float:
    """Return the share of a day's rows that are quarantined; 0 for a day without rows."""
    of_day = counts_of(counts, day)
    return float(sum(of_day["quarantined"].values()) / max(of_day["rows_in"], 1))
