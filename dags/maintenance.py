"""# maintenance: the Iceberg tables kept healthy, weekly

**Reads** the metadata of every table, the release pointer and the state pointer. **Does**, for states: deletes those,
and their exports, that are more than `ANTIFRAUD_STATE_KEEP_DAYS` older than the newest day of the lake. A state that a
live release or the scorer needs stays; a backfill makes the others again. **Does**, table by table:

- compacts partitions of many small files, and tidies the metadata;
- removes snapshots that have not been the table's state for 30 days; what a live release names is tagged and stays;
- removes, after two days, staged snapshots that were never published, and files that nothing refers to.

**By hand**: *Trigger*; the run is dry, its log says what is due. Trigger again with `dry_run` off to do it. It may run
beside `lake`: whoever loses a commit tries again.

When a task fails:

- `maintain`: the log's last line says why. The release pointer does not verify: nothing was removed, repair it by
  promoting again. The state pointer cannot be read: nothing was removed; remove `state/pointer.json` and clear `export`
  of the newest `lake` run. Exit code 11 to 13: the settings name another lake, or something to be removed lies
  elsewhere. Nothing was removed; the runbook says what to do. Anything else: clear the task, every step repeats safely.
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
