"""What tasks ask feed and lake: which days are delivered, published, or lacking. Never called when a DAG is parsed."""

import datetime as dt
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Final

from antifraud.clock import days_between
from antifraud.lake import catalog as lake
from antifraud.lake import lookback
from antifraud.lake.feed import covers, files_in
from antifraud.lake.schemas import CLEAN, FEATURES, STATE, TOTALS_CUSTOMER, TOTALS_TERMINAL, Table
from antifraud.lake.storage import raw_folder
from dags.shared import job_settings

if TYPE_CHECKING:
    from airflow.sdk.types import RuntimeTaskInstanceProtocol

PRODUCTS: Final = (CLEAN, TOTALS_CUSTOMER, TOTALS_TERMINAL, STATE, FEATURES)
"""What the `lake` DAG publishes for every day."""
AT_WORK: Final = ["running", "failed"]
"""Runs that load their day, or will once somebody has cleared them; a queued one waits for a place, maybe for ours."""


def is_delivered(*days: dt.date) -> bool:
    """Whether raw files cover all of the days."""
    files = files_in(raw_folder(job_settings()))
    return all(covers(files, day) for day in days)


def history_is_ready(task: "RuntimeTaskInstanceProtocol", day: dt.date) -> bool:
    """Whether the features of `day` can be made: no earlier day is lacking, or nobody else is to load those that are.

    Waiting for a day whose run has not begun could take for ever: in a backfill that runs backwards it waits for us.
    """
    missing = lookback.missing_before(job_settings(), day)
    return not missing or (is_delivered(*missing) and not _at_work(task, missing))


def _at_work(task: "RuntimeTaskInstanceProtocol", days: Sequence[dt.date]) -> int:
    midnights: list[Any] = [dt.datetime.combine(day, dt.time(), dt.UTC) for day in days]
    return task.get_dr_count(dag_id=task.dag_id, logical_dates=midnights, states=AT_WORK)


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
