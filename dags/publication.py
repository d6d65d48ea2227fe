"""What tasks ask the lake: which days are published. Nothing here is called when a DAG file is parsed."""

import datetime as dt
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from antifraud import lake
from antifraud.buckets import LONGEST_WINDOW_DAYS
from antifraud.clock import days_between
from antifraud.schemas import CLEAN, FEATURES, STATE, TOTALS_CUSTOMER, TOTALS_TERMINAL, Table
from antifraud.storage import raw_folder
from dags import feed
from dags.shared import job_settings

TOTALS: Final = (TOTALS_CUSTOMER, TOTALS_TERMINAL)
PRODUCTS: Final = (CLEAN, *TOTALS, STATE, FEATURES)
"""What the `lake` DAG publishes for every day."""


def history_is_published(day: dt.date) -> bool:
    """Whether the totals that a state of the day before `day` is made of are there.

    Such a state looks back on the longest window, and for its terminal risk the label delay further. History begins
    where the feed or the lake begins. Asking the feed too is what allows a backfill in any order: a day waits for
    earlier ones that nobody has loaded yet.
    """
    settings = job_settings()
    catalog = lake.open_catalog(settings)
    reach = dt.timedelta(days=LONGEST_WINDOW_DAYS + settings.label_delay_days)
    window = days_between(day - reach, day - dt.timedelta(days=1))
    return all(
        _needed(window, raw_folder(settings), runs) <= set(runs)
        for runs in (lake.published(catalog, table, window[0], window[-1]) for table in TOTALS)
    )


def _needed(window: list[dt.date], raw: Path, runs: dict[dt.date, lake.Run]) -> set[dt.date]:
    known = [*(file.first for file in feed.files(raw)[:1]), *runs]
    return {day for day in window if known and day >= min(known)}


def require_published(first: dt.date, last: dt.date, tables: Sequence[Table] = PRODUCTS) -> dict[str, int]:
    """Rows of each table over the days, from what was published.

    Raises:
        MissingDay: A day of a table was not published.
    """
    catalog = lake.open_catalog(job_settings())
    days = days_between(first, last)
    return {table.name: sum(run.rows for run in lake.require_days(catalog, table, days).values()) for table in tables}


def is_published(table: Table, day: dt.date) -> bool:
    """Whether `day` of a table was published."""
    return day in lake.published(lake.open_catalog(job_settings()), table, day, day)
