"""# monitor: drift, leaks, parity, and the releases that are good today

**Reads** `features` of the day and of the training window, and every file outside the raw zone. The parity report reads
the decisions that the scorer has made on the day.

**Writes** the drift report (HTML), the result of the leak scan, the parity report and the standing judgement into the
folder `reports/<day>`. The guard reads the standing judgement beside the release pointer when it trips.

**By hand**: *Trigger*, with the day to report on. No task changes what serves. The gate and the guard decide.

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
- `features`: waits until the lake has the features of the day.
- `judge`: succeeds whatever it finds. It judges what serves, the releases to go back to and the anchor, each on the
  days that have matured since its certify window. The page is `reports/<day>/standing/standing.html`. A release that
  cannot be judged is there with its reason. The task fails if the lake does not answer. The judgement of the night
  before then stays, and expires 36 hours after its day had ended. Clear the task; no day is scored twice.
- `publish_judgement`: puts the judgement beside the release pointer. Exit code 43: the file of `judge` is missing or
  damaged. Clear `judge`.
- `lease`, `create_cluster`, `delete_cluster`, `fetch_home`, `store_home`: exist only with a compute target in the
  cloud; see the DAG `clusters`.
"""

from airflow.sdk import dag

from dags.shared import MIDNIGHT, NIGHTLY, RUN_DAY, day_param, python_job
from dags.submit import share_cluster, share_home, spark_job
from dags.waiting import wait_for_features

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
    """Run the drift report, the leak scan, the parity report and the standing judgement in parallel."""
    python_job("drift", "drift_report", [f"--day={DAY}"])
    # A retry would find the same leak again, and delay the alarm.
    python_job("leaks", "leak_scan", [f"--day={DAY}"], retries=0)
    # Nor would it find another order of arrival.
    python_job("parity", "parity_report", [f"--day={DAY}"], retries=0)
    judge = spark_job("judge", "judge", ["--as-of", DAY])
    publish = python_job("publish_judgement", "publish_judgement", ["--as-of", DAY])
    wait_for_features(DAY) >> judge >> publish
    share_home(publish, publish)
    share_cluster(judge)


monitor()
