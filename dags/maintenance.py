"""# maintenance: weekly housekeeping of the Iceberg tables

**Reads** the metadata of every table, the release pointer and the state pointer.

**Does**, for states: delete states and their exports that are more than `ANTIFRAUD_STATE_KEEP_DAYS` older than the
newest day of the lake. A state that a live release or the scorer needs stays. A backfill rebuilds the others.

**Does**, for each table:

- compact partitions of many small files, and tidy the metadata;
- remove snapshots that were superseded more than 30 days ago; what a live release names is tagged and stays;
- remove, after two days, staged snapshots that were never published, and files that nothing refers to.

**By hand**: *Trigger*. The run is dry and its log lists what is due. Trigger again with `dry_run` off to do it. It can
run at the same time as `lake`: a run that loses a commit retries.

When a task fails:

- `maintain`: the last line of the log says why; nothing was removed in the first three cases.
  - The release pointer does not verify: promote again.
  - The state pointer cannot be read: remove `state/pointer.json` and clear `export` of the newest `lake` run.
  - Exit code 11 to 13: the settings name another lake, or something to be removed lies elsewhere. See the runbook.
  - Anything else: clear the task. Every step can be repeated safely.
- `lease`, `create_cluster`, `delete_cluster`: exist only with a compute target in the cloud; see the DAG `clusters`.
"""

from airflow.sdk import CronDataIntervalTimetable, Param, dag

from dags.shared import DEFAULT_ARGS, REPLAY_END, START
from dags.submit import share_cluster, spark_job

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
            description="Only list what is due. Empty: manual runs are dry, the weekly run is not",
        )
    },
    tags=["data", "weekly"],
    doc_md=__doc__,
)
def maintenance() -> None:
    """Run one Spark job for all tables."""
    share_cluster(spark_job("maintain", "maintenance", ["--mode", MODE]))


maintenance()
