"""Checks of counted raw rows, before any of these rows is published."""

import datetime as dt
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from antifraud.errors import PublishError, QuarantineLimit
from antifraud.lake.feed import RawFile
from antifraud.settings.core import JobSettings
from jobs.raw.faults import counts_in_words, first_in_words

if TYPE_CHECKING:
    from jobs.raw.tally import Tally

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


def require_limit(
    settings: JobSettings,
    tally: "Tally",
    files: Sequence[RawFile],
    days: Sequence[dt.date],
    late: Mapping[dt.date, int],
) -> None:
    """Refuse days with a larger share of unusable rows than the setting `quarantine_limit` allows.

    Raises:
        QuarantineLimit: One of the days has such a share; the message explains the first of its unusable rows.
    """
    for day in days:
        share = unusable_share(tally.counts, day, late)
        if share > settings.quarantine_limit:
            faults, rows = tally.faults[day], counts_of(tally.counts, day)["rows_in"]
            raise QuarantineLimit(
                f"{first_in_words(faults, files)}; {share:.2%} of the {rows} rows of {day} are unusable "
                f"({counts_in_words(faults)}), the limit is {settings.quarantine_limit:.2%}: correct the file, nothing "
                "was published"
            )


def unusable_share(counts: Counts, day: dt.date, late: Mapping[dt.date, int]) -> float:
    """Return the share of a day's rows that are quarantined; 0 for a day without rows.

    `late` has the rows of a late cut by day: they are quarantined until their own file arrives, and are not at fault.
    """
    of_day, waiting = counts_of(counts, day), late.get(day, 0)
    return float((sum(of_day["quarantined"].values()) - waiting) / max(of_day["rows_in"] - waiting, 1))


def late_rows(files: Sequence[RawFile]) -> dict[dt.date, int]:
    """Return the rows of late cuts, by the last day of the file that has them."""
    return {file.last: rows for file in files if (rows := file.rows_of_late_cut)}
