"""# lake: one day from the raw feed to features

**Reads** the raw file that covers the day, and the state of the day before; where that is not up to date, 37 days of
totals instead, and where there is none, as many to make it first. **Writes** `quarantine`, `labels`, `clean`,
`totals_customer`, `totals_terminal`, `state` and `features` of the day, each replaced whole, so a re-run is safe; then
the state export that the scorer loads.

**Backfill**: *Trigger → Backfill*, two days at a time (*Max Active Runs*); *All Runs* where a day has run before. The
order of days changes no row, but leave *Run Backwards* off for more days than run at a time: the newest would take all
places and wait there for older ones. What did not change is skipped. Loading months for the first time is quicker with
`reprocess`: one Spark session for the whole range.

When a task fails or waits:

- `feed`: waits until a raw file covers the day: ask whoever delivers the feed.
- `ingest`: the file is unreadable, or more than 0.5 % of its rows are unusable; the log's last line says which and
  where. Nothing was published; correct the file and clear the task. Or the day's own file is late: clear the task once
  it has come.
- `history`: waits for days before this one: load them by backfill or `reprocess`, from the oldest on.
- `features`: clear it to run it again; days that are published are skipped.
- `published`: a stage ended without publishing: look into the log of the stage before.
- `export`: the scorer goes on with the state it has; clear the task.
"""

import datetime as dt

from airflow.sdk import dag, task

from antifraud.storage import raw_folder
from dags import feed, publication
from dags.shared import (
    INTERVAL_DAY,
    MIDNIGHT,
    NIGHTLY,
    job_settings,
    python_job,
    sensor,
    spark_job,
)

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
        return feed.has_day(raw_folder(job_settings()), dt.date.fromisoformat(day))

    @task.sensor(task_id="history", **sensor(20))
    def wait_for_history(day: str) -> bool:
        """The days that this one's features look back on are published."""
        return publication.history_is_published(dt.date.fromisoformat(day))

    @task(retries=0)
    def published(day: str) -> dict[str, int]:
        """Success is what was published, not what a process said; returns rows by table."""
        return publication.require_published(dt.date.fromisoformat(day), dt.date.fromisoformat(day))

    ingest = spark_job("ingest", "day", [*ONE_DAY, "--stages", "ingest,totals"])
    features = spark_job("features", "day", [*ONE_DAY, "--stages", "state,features"])
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
