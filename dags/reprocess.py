"""# reprocess: a range of days in one Spark session

First load of months or years, or repair after files were delivered late or again. The result equals that of the daily
runs, row for row: earlier days that they look back on and nobody has loaded are loaded, too. Days whose inputs did not
change are skipped.

**Dry by default**: the run only lists, table by table, which days are out of date and why: never published, their raw
files changed, or something that they are made from changed. Trigger again with `dry_run` off to do the work.
Readers see a table change once, when all its days are ready.

When a task fails:

- `stale`: the range ends before it begins, or the log names a raw file that cannot be read.
- `plan`: skips the rest of a dry run.
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
STAGES = "ingest,totals,history,state,features"


@dag(
    schedule=None,
    start_date=START,
    catchup=False,
    max_active_runs=1,
    default_args=DEFAULT_ARGS,
    params={
        "first": Param(type="string", pattern=DATE_PATTERN, description="First day (YYYY-MM-DD)"),
        "last": Param(type="string", pattern=DATE_PATTERN, description="Last day (YYYY-MM-DD)"),
        "dry_run": Param(True, type="boolean", description="Only list what is out of date"),
    },
    tags=["data", "manual"],
    doc_md=__doc__,
)
def reprocess() -> None:
    """Stale, plan; unless dry: days, published, export."""

    @task.short_circuit(retries=0)
    def plan(params: Mapping[str, Any] | None = None) -> bool:
        """Go on unless this is a dry run."""
        dry_run = bool(params and params["dry_run"])
        log.info("dry run: nothing is done" if dry_run else "days whose inputs did not change are skipped")
        return not dry_run

    @task(retries=0)
    def published(first: str, last: str) -> dict[str, int]:
        """Success is what was published, not what a process said; returns rows by table."""
        return publication.require_published(dt.date.fromisoformat(first), dt.date.fromisoformat(last))

    stale = python_job("stale", "stale", ["--from", FIRST, "--to", LAST], retries=0)
    days = spark_job("days", "day", ["--from", FIRST, "--to", LAST, "--stages", STAGES])
    export = python_job("export", "export_state", ["--day", LAST])
    stale >> plan() >> days >> published(FIRST, LAST) >> export


reprocess()
