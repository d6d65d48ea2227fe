"""# monitor: what changed, and whether anything leaked

**Reads** `features` of the day and of the training window, and every file outside the raw zone. **Writes** the drift
report (HTML) and the leak scan's result into the folder `reports/<day>`.

**By hand**: *Trigger*, with the day to compare. Both tasks only report; decisions are made by the gate and the guard.

When a task fails:

- `drift`: the day has no features yet: run `lake` for it.
- `leaks`: **a raw identifier is outside the raw zone**: the log says where. Close access to that place first, then
  find what wrote it.
"""

from airflow.sdk import Param, dag

from dags.shared import DATE_PATTERN, DEFAULT_ARGS, MIDNIGHT, SETTINGS, START, python_job

DAY = "{{ params.day or (data_interval_start | ds) }}"


@dag(
    schedule=MIDNIGHT,
    start_date=START,
    end_date=SETTINGS.replay_end,
    catchup=False,
    max_active_runs=1,
    default_args=DEFAULT_ARGS,
    params={
        "day": Param(
            None,
            type=["null", "string"],
            pattern=DATE_PATTERN,
            description="Day to report on (YYYY-MM-DD); empty: the run's own day",
        )
    },
    tags=["monitoring", "nightly"],
    doc_md=__doc__,
)
def monitor() -> None:
    """Drift report and leak scan, side by side."""
    python_job("drift", "drift_report", ["--day", DAY])
    # A leak does not go away by looking again.
    python_job("leaks", "leak_scan", ["--day", DAY], retries=0)


monitor()
