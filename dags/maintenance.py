"""# maintenance: the Iceberg tables kept healthy, weekly

**Reads** the metadata of every table, the release pointer and the state pointer. **Does**: deletes states and exported
states that are more than `ANTIFRAUD_STATE_KEEP_DAYS` older than the newest day of the lake and that neither a live
release nor the scorer needs (a backfill makes them again); then, table by table, compacts partitions of many small
files, removes snapshots that have not been a table's state for 30 days, and (after two days) staged ones that were
never published and files that nothing refers to, tidies the metadata. What a live release names is tagged and stays.

**By hand**: *Trigger*; the run is dry, its log says what is due. Trigger again with `dry_run` off to do it. It may run
beside `lake`: whoever loses a commit tries again.

When a task fails:

- `maintain`: the log's last line says why. The release pointer does not verify: nothing was removed, repair it by
  promoting again. The state pointer cannot be read: nothing was removed; remove `state/pointer.json` and clear `export`
  of the newest `lake` run. Exit code 11 to 13: the settings name another lake, or something to be removed lies outside;
  nothing was removed, the runbook says what to do. Anything else: clear the task, every step may be repeated.
"""

from airflow.sdk import CronDataIntervalTimetable, Param, dag

from dags.shared import DEFAULT_ARGS, REPLAY_END, START, spark_job

WEEKLY = CronDataIntervalTimetable("0 0 * * 1", timezone="UTC")
MODE = (
    "{{ 'apply' if params.dry_run is false or (params.dry_run is none and dag_run.run_type == 'scheduled') "
    "else 'dry-run' }}"
)


@dag(
    schedule=WEEKLY,
    start_date=START,
    end_date=REPLAY_END,
    catchup=False,
    max_active_runs=1,
    default_args=DEFAULT_ARGS,
    params={
        "dry_run": Param(
            None,
            type=["null", "boolean"],
            description="Only list what is due; empty: runs by hand are dry, the weekly one is not",
        )
    },
    tags=["data", "weekly"],
    doc_md=__doc__,
)
def maintenance() -> None:
    """One Spark job for all tables."""
    spark_job("maintain", "maintenance", ["--mode", MODE])


maintenance()
