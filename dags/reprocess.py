"""# reprocess: a range of days in one Spark session

Use it to load months or years for the first time, or to repair days after files arrived late or were delivered again.
The result equals that of the daily runs, row for row. Earlier days that nobody has loaded are loaded too. Days with
unchanged inputs are skipped.

**Dry by default**: the run lists, for each table, which days are stale and why. A day is stale if it was never
published, if its raw files changed, or if something that it is made from changed. Trigger again with `dry_run` off to
do the work. Readers see each batch of a table's days at once, never half a day.

When a task fails:

- `stale`: the range ends before it begins, or a raw file cannot be read. The log names the file.
- `plan`: skips the other tasks of a dry run.
- `days`: as for `ingest` of the DAG `lake`. Days published before the failure stay, and a re-run continues from there.
- `published`: a stage ended without publishing. Read the log of `days`.
- `export`: the scorer keeps the state that it has. Clear the task.
- `lease`, `create_cluster`, `delete_cluster`: exist only with a compute target in the cloud; see the DAG `clusters`.
"""

import logging
from collections.abc import Mapping
from typing import Any

from airflow.sdk import Param, dag, task

from dags import publication
from dags.shared import DATE_PATTERN, DEFAULT_ARGS, START, day_of_run, python_job, without_traceback
from dags.submit import share_cluster, spark_job

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
        "dry_run": Param(True, type="boolean", description="Only list which days are stale"),
    },
    tags=["data", "manual"],
    doc_md=__doc__,
)
def reprocess() -> None:
    """Run stale and plan; unless the run is dry, also days, published and export."""

    @task.short_circuit(retries=0)
    def plan(params: Mapping[str, Any] | None = None) -> bool:
        """Return whether the run goes on: a dry run ends here."""
        dry_run = bool(params and params["dry_run"])
        log.info("dry run: nothing is done" if dry_run else "days with unchanged inputs are skipped")
        return not dry_run

    @task(retries=0)
    @without_traceback
    def published(first: str, last: str) -> dict[str, int]:
        """Return rows by table, read from the lake: an exit code of 0 does not prove that a job published."""
        return publication.require_published(day_of_run(first), day_of_run(last))

    stale = python_job("stale", "stale", ["--from", FIRST, "--to", LAST], retries=0)
    days = spark_job("days", "day", ["--from", FIRST, "--to", LAST, "--stages", STAGES])
    export = python_job("export", "export_state", ["--day", LAST])
    stale >> plan() >> days >> published(FIRST, LAST) >> export
    share_cluster(days)


reprocess()
