"""Tell tasks which days are delivered, published or missing.

Nothing here is called while Airflow parses a DAG: every function reads the feed or the lake.
"""

import datetime as dt
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Final

from antifraud.clock import days_between
from antifraud.lake import catalog as lake
from antifraud.lake import lookback
from antifraud.lake.feed import covers
from antifraud.lake.known_files import files_by_rows
from antifraud.lake.schemas import CLEAN, FEATURES, STATE, TOTALS_CUSTOMER, TOTALS_TERMINAL
from antifraud.lake.table_format import Table
from dags.shared import job_settings

if TYPE_CHECKING:
    from airflow.sdk.types import RuntimeTaskInstanceProtocol

PRODUCTS: Final = (CLEAN, TOTALS_CUSTOMER, TOTALS_TERMINAL, STATE, FEATURES)
"""Tables that the `lake` DAG publishes for every day."""
AT_WORK: Final = ["running", "failed"]
"""States of runs that load their day now, or will once somebody clears them.

Queued runs are excluded: they may be waiting for the slot that this run holds.
"""


def is_delivered(*days: dt.date) -> bool:
    """Return whether raw files cover all of the days.

    A file that ingest has not read yet counts for each day until the next file begins.
    """
    files = files_by_rows(job_settings(), days)
    return all(covers(files, day) for day in days)


def history_is_ready(task: "RuntimeTaskInstanceProtocol", day: dt.date) -> bool:
    """Return whether the features of `day` can be made, or this run has to load the missing earlier days itself.

    Only active and failed runs are waited for. A queued run may never start before this one ends: in a backwards
    backfill it waits for this run's slot (`tests/dags/test_feed.py`).
    """
    missing = lookback.missing_before(job_settings(), day)
    return not missing or (is_delivered(*missing) and not _at_work(task, missing))


def _at_work(task: "RuntimeTaskInstanceProtocol", days: Sequence[dt.date]) -> int:
    midnights: list[Any] = [dt.datetime.combine(day, dt.time(), dt.UTC) for day in days]
    return task.get_dr_count(dag_id=task.dag_id, logical_dates=midnights, states=AT_WORK)


def require_published(first: dt.date, last: dt.date, tables: Sequence[Table] = PRODUCTS) -> dict[str, int]:
    """Return the published rows of each table over the days.

    Raises:
        MissingDay: A day of a table was not published.
    """
    catalog = lake.open_catalog(job_settings())
    days = days_between(first, last)
    return {table.name: sum(run.rows for run in lake.require_days(catalog, table, days).values()) for table in tables}


def find_newest_day() -> dt.date | None:
    """Return the newest day with features; None if no day was ever published."""
    return max(lake.published(lake.open_catalog(job_settings()), FEATURES, dt.date.min, dt.date.max), default=None)


def is_published(table: Table, day: dt.date) -> bool:
    """Return whether `day` of a table was published."""
    return day in lake.published(lake.open_catalog(job_settings()), table, day, day)
