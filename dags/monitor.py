"""# monitor: what changed, whether anything leaked, and whether the scorer has counted right

**Reads** `features` of the day and of the training window, every file outside the raw zone, and the decisions that the
scorer has made on the day.

**Writes** the drift report (HTML), the result of the leak scan and the parity report into the folder `reports/<day>`.

**By hand**: *Trigger*, with the day to report on. All tasks only report. The gate and the guard decide.

When a task fails:

- `drift`: the day has no features yet. Run `lake` for it. A feature with fewer than two values, as on a day without
  rows, does not fail the task: its drift is "unknown", in the log, in `drift.json` and on the page.
- `leaks`: the exit code at the end of the log tells which of three it is.
  - 30, **leaks**: a raw identifier is outside the raw zone. The log names the file. Close access to it first, then find
    what wrote it.
  - 32, **unsearchable**: no leak was found, but files could not be searched, such as a cut `.gz` or an encrypted zip.
    The log has one line `unsearchable:` for each, with path and reason. Repair, replace or remove the file, then clear
    the task.
  - another code or a traceback, **crashed**: the scan did not end, so nothing is known. Follow the message.
- `parity`: exit code 34: a replay of the arrival order gives other vectors than the scorer has logged. The last line of
  the log has arrival numbers; the runbook, *Parity*, says what to look for. The distance to the lake's features never
  fails the task. Decisions that are shipped later are not in the report: clear the task to report on them.
"""

from airflow.sdk import dag

from dags.shared import MIDNIGHT, NIGHTLY, RUN_DAY, day_param, python_job

DAY = f"{{{{ params.day or {RUN_DAY} }}}}"


@dag(
    schedule=MIDNIGHT,
    **NIGHTLY,
    max_active_runs=1,
    params={"day": day_param("Day to report on")},
    tags=["monitoring", "nightly"],
    doc_md=__doc__,
)
def monitor() -> None:
    """Run the drift report, the leak scan and the parity report in parallel."""
    python_job("drift", "drift_report", [f"--day={DAY}"])
    # A retry would find the same leak again, and delay the alarm.
    python_job("leaks", "leak_scan", [f"--day={DAY}"], retries=0)
    # Nor would it find another order of arrival.
    python_job("parity", "parity_report", [f"--day={DAY}"], retries=0)


monitor()
