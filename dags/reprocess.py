"""# reprocess: a range of days in one Spark session

First load of months or years, or repair after files were delivered late or again. The result equals that of the daily
runs, row for row. Days whose inputs did not change are skipped.

**Dry by default**: the run only lists, table by table, which days were never published. Trigger again with `dry_run`
off to do the work. Readers see a table change once, when all its days are ready.

When a task fails:

- `plan`: the range ends before it begins.
- `days`: as `ingest` of the DAG `lake`; what was published before the failure stays, and a re-run goes on from there.
- `published`: a stage ended without publishing: look into the log of `days`.
- `export`: the scorer goes on with the state it has; clear the task.
"""

import datetime as dt
import logging
from collections.abc import Mapping
from typing import Any

from airflow.sdk import Param, dag, task

from dags import publication
from dags.shared import DATE_PATTERN, DEFAULT_ARGS, START, python_job, spark_job

log = logging.getLogger(__name__)

FIRST, LAST = "{{ params.first }}", "{{ params.last }}"


@dag(
    schedule=None,
    start_date=START,
    catchup=False,
    max_active_runs=1,
    default_args=DEFAULT_ARGS,
    params={
        "first": Param(type="string", pattern=DATE_PATTERN, description="First day (YYYY-MM-DD)"),
        "last": Param(type="string", pattern=DATE_PATTERN, description="Last day (YYYY-MM-DD)"),
        "dry_run": Param(True, type="boolean", description="Only list what is missing"),
    },
    tags=["data", "manual"],
    doc_md=__doc__,
)
def reprocess() -> None:
    """Plan; unless dry: days, published, export."""

    @task.short_circuit(retries=0)
    def plan(first: str, last: str, params: Mapping[str, Any] | None = None) -> bool:
        """List the days that were never published; go on unless this is a dry run."""
        for table, days in publication.missing_days(dt.date.fromisoformat(first), dt.date.fromisoformat(last)).items():
            log.info("%s: %d days were never published %s", table, len(days), ", ".join(days))
        dry_run = bool(params and params["dry_run"])
        log.info("dry run: nothing is done" if dry_run else "days whose inputs did not change are skipped")
        return not dry_run

    @task(retries=0)
    def published(first: str, last: str) -> dict[str, int]:
        """Success is what was published, not what a process said; returns rows by table."""
        return publication.require_published(dt.date.fromisoformat(first), dt.date.fromisoformat(last))

    planned = plan(FIRST, LAST)
    days = spark_job("days", "day", ["--from", FIRST, "--to", LAST, "--stages", "ingest,totals,state,features"])
    export = python_job("export", "export_state", ["--day", LAST])
    planned >> days >> published(FIRST, LAST) >> export


reprocess()
