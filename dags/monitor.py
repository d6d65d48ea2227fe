"""# monitor: what changed, and whether anything leaked

**Reads** `features` of the day and of the training window, and every file outside the raw zone. **Writes** the drift
report (HTML) and the leak scan's result into the folder `reports/<day>`.

**By hand**: *Trigger*, with the day to compare. Both tasks only report; decisions are made by the gate and the guard.

When a task fails:

- `drift`: the day has no features yet: run `lake` for it.
- `leaks`: **a raw identifier is outside the raw zone**: the log says where. Close access to that place first, then
  find what wrote it.
"""

from airflow.sdk import dag

from dags.shared import MIDNIGHT, NIGHTLY, day_param, python_job

DAY = "{{ params.day or (data_interval_start | ds) }}"


@dag(
    schedule=MIDNIGHT,
    **NIGHTLY,
    max_active_runs=1,
    params={"day": day_param("Day to report on")},
    tags=["monitoring", "nightly"],
    doc_md=__doc__,
)
def monitor() -> None:
    """Drift report and leak scan, side by side."""
    python_job("drift", "drift_report", ["--day", DAY])
    # A leak does not go away by looking again.
    python_job("leaks", "leak_scan", ["--day", DAY], retries=0)


monitor()
