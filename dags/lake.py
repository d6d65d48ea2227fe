"""# lake: one day from the raw feed to features

**Reads** the raw file that covers the day, and the state of the day before. A stale state is rebuilt from 37 days of
totals. Earlier days that nobody has loaded are loaded first.

**Writes** `quarantine`, `labels`, `clean`, `totals_customer`, `totals_terminal`, `state` and `features` of the day,
then the state export for the scorer. Each table's day is replaced as a whole, so a re-run is safe.

**Backfill**: *Trigger → Backfill*. Set *Max Active Runs* to 2, and choose *All Runs* to repeat days that have already
run. *Run Backwards* works too: the newest day then loads the earlier days that it needs, and their own runs find little
left to do. Unchanged days are skipped. A raw file of many days is read by the first run only. To load months for the
first time, use `reprocess`: it needs one Spark session for the whole range.

When a task fails or waits:

- `feed`: no raw file covers the day yet. Ask whoever delivers the feed. In a run without a logical date it fails,
  because the run has no day: trigger the run again with one.
- `ingest`: the last line of the log says why. If the file is unreadable, or more than 0.5 % of its rows are unusable,
  correct the file. If the file of the day is late, wait for it. Then clear the task. Nothing was published.
- `history`: earlier days are missing, and their runs are active or failed, or their raw files have not arrived. Clear
  the failed runs, ask for the files.
- `features`: clear it; published days are skipped. This task also loads missing earlier days that no run is working on.
  If one of them fails, the last line of the log names the day and says why, as for `ingest`.
- `published`: a stage ended without publishing. Read the log of the task before.
- `export`: the scorer keeps the state that it has. Clear the task.
- `lease`, `create_cluster`, `delete_cluster`: exist only with a compute target in the cloud; see the DAG `clusters`.
"""

from typing import Any

from airflow.sdk import dag, task

from dags import publication
from dags.shared import INTERVAL_DAY, MIDNIGHT, NIGHTLY, day_of_run, python_job, sensor, without_traceback
from dags.submit import share_cluster, spark_job

DAY_RANGE = ["--from", INTERVAL_DAY, "--to", INTERVAL_DAY]


@dag(
    schedule=MIDNIGHT,
    **NIGHTLY,
    max_active_runs=2,
    tags=["data", "nightly"],
    doc_md=__doc__,
)
def lake() -> None:
    """Run feed, ingest, history, features, published and export, in this order."""

    @task.sensor(task_id="feed", **sensor(20))
    @without_traceback
    def wait_for_feed(day: str) -> bool:
        """Return whether a raw file covers the day."""
        return publication.is_delivered(day_of_run(day))

    @task.sensor(task_id="history", **sensor(20))
    @without_traceback
    def wait_for_history(day: str, ti: Any = None) -> bool:
        """Return whether the next task can start: earlier days are published, or it has to load them itself."""
        return publication.history_is_ready(ti, day_of_run(day))

    @task(retries=0)
    @without_traceback
    def published(day: str) -> dict[str, int]:
        """Return rows by table, read from the lake: an exit code of 0 does not prove that a job published."""
        return publication.require_published(day_of_run(day), day_of_run(day))

    ingest = spark_job("ingest", "day", [*DAY_RANGE, "--stages", "ingest,totals"])
    features = spark_job("features", "day", [*DAY_RANGE, "--stages", "history,state,features"])
    export = python_job("export", "export_state", ["--day", INTERVAL_DAY])
    (
        wait_for_feed(INTERVAL_DAY)
        >> ingest
        >> wait_for_history(INTERVAL_DAY)
        >> features
        >> published(INTERVAL_DAY)
        >> export
    )
    share_cluster(ingest, features)


lake()
