"""# lake: one day from the raw feed to features

**Reads** the raw file that covers the day, and the state of the day before; where that is not up to date, 37 days of
totals instead, and where there is none, as many to make it first; earlier days that nobody has loaded are loaded, too.
**Writes** `quarantine`, `labels`, `clean`, `totals_customer`, `totals_terminal`, `state` and `features` of the day,
each replaced whole, so a re-run is safe; then the state export that the scorer loads.

**Backfill**: *Trigger → Backfill*, two days at a time (*Max Active Runs*); *All Runs* where a day has run before. The
order of days changes no row, *Run Backwards* neither: the newest day then loads those that it looks back on, and their
own runs find little left to do. What did not change is skipped, and a raw file of many days is read by the first run
only. Loading months for the first time is quicker with `reprocess`: one Spark session for the whole range.

When a task fails or waits:

- `feed`: waits until a raw file covers the day: ask whoever delivers the feed.
- `ingest`: the file is unreadable, or more than 0.5 % of its rows are unusable; the log's last line says which and
  where. Nothing was published; correct the file and clear the task. Or the day's own file is late: clear the task once
  it has come.
- `history`: waits for runs of earlier days that are at work or have failed, or for earlier raw files: clear what has
  failed, ask for the files.
- `features`: clear it to run it again; days that are published are skipped. It also loads earlier days that no run is
  to load; if that fails, the log's last line names the day and says why, as with `ingest`.
- `published`: a stage ended without publishing: look into the log of the stage before.
- `export`: the scorer goes on with the state it has; clear the task.
"""

import datetime as dt
from typing import Any

from airflow.sdk import dag, task

from dags import publication
from dags.shared import INTERVAL_DAY, MIDNIGHT, NIGHTLY, python_job, sensor, spark_job

ONE_DAY = ["--from", INTERVAL_DAY, "--to", INTERVAL_DAY]


@dag(
    schedule=MIDNIGHT,
    **NIGHTLY,
    max_active_runs=2,
    tags=["data", "nightly"],
    doc_md=__doc__,
)
def lake() -> None:
    """Feed, ingest, history, features, published, export."""

    @task.sensor(task_id="feed", **sensor(20))
    def wait_for_feed(day: str) -> bool:
        """A raw file that covers the day is there."""
        return publication.is_delivered(dt.date.fromisoformat(day))

    @task.sensor(task_id="history", **sensor(20))
    def wait_for_history(day: str, ti: Any = None) -> bool:
        """The days that this one's features look back on are published, or the next task has to load them."""
        return publication.history_is_ready(ti, dt.date.fromisoformat(day))

    @task(retries=0)
    def published(day: str) -> dict[str, int]:
        """Success is what was published, not what a process said; returns rows by table."""
        return publication.require_published(dt.date.fromisoformat(day), dt.date.fromisoformat(day))

    ingest = spark_job("ingest", "day", [*ONE_DAY, "--stages", "ingest,totals"])
    features = spark_job("features", "day", [*ONE_DAY, "--stages", "history,state,features"])
    export = python_job("export", "export_state", ["--day", INTERVAL_DAY])
    (
        wait_for_feed(INTERVAL_DAY)
        >> ingest
        >> wait_for_history(INTERVAL_DAY)
        >> features
        >> published(INTERVAL_DAY)
        >> export
    )


lake()
