"""# retrain: a candidate, its verdict, and its promotion after a PASS

**Reads** `features` and the labels that were known at the end of the day `as_of`.

**Writes** a candidate, its score tables, its report and an MLflow run. After a PASS it writes the release bundle, the
release pointer and the MLflow aliases.

**By hand**: *Trigger*. Labels known at the end of `as_of` count; empty means the day of the run.

How to read each task:

- `features`: waits until the lake has the features of the day. A run without a logical date needs the day in `as_of`.
- `train`: a window lacks days. Load them, or shorten the windows in the settings.
- `validate`: succeeds whatever the verdict is. The report is in the folder `reports`.
- `gate`: **skipped** after FAIL or INFEASIBLE, or when the champion must not be replaced. This is a normal night: the
  serving release stays. The log has the verdict, its reasons and the best single action. The task **fails** if the
  report is missing, damaged or of another version: clear `validate`.
- `promote`: the exit code says what to do.
  - 40: the bundle did not verify. 51: the release serves, but MLflow did not answer. Clear the task; it is idempotent.
  - 41: the champion changed after validation. Clear the run from `validate` on. Or the service is suspended or rolled
    back: the pointer stays until an admin resumes it, or you *Trigger* with a reason in `resume`.
  - 73: the scorer did not tell its switch. Clear the task.
  - 42: the champion was trained on other features, so the candidate could not be compared with it. Every night ends
    like this until you decide. Read the report, then *Trigger* with `replace_unjudged` = the id of the champion.
- `lease`, `create_cluster`, `delete_cluster`: exist only with a compute target in the cloud; see the DAG `clusters`.
- `fetch_home`, `store_home`: exist only there, too. They copy candidates, reports and releases between this host and
  `ANTIFRAUD_SHARED_HOME`. Clear the task.
"""

import logging

from airflow.sdk import Param, dag, task
from airflow.sdk.exceptions import AirflowSkipException

from dags.shared import (
    MIDNIGHT,
    NIGHTLY,
    RELEASE_PATTERN,
    RUN_DAY,
    day_param,
    job_settings,
    python_job,
    without_traceback,
)
from dags.submit import share_cluster, share_home, spark_job
from dags.waiting import wait_for_features

log = logging.getLogger(__name__)

AS_OF = f"{{{{ params.as_of or {RUN_DAY} }}}}"
REPLACE = "{{ '--replace-unjudged ' ~ params.replace_unjudged if params.replace_unjudged else '' }}"
# The shell reads the reason from a variable, so that no text of a person is part of a command.
RESUME = """{{ ' --resume "$REASON"' if params.resume else '' }}"""


@dag(
    schedule=MIDNIGHT,
    **NIGHTLY,
    max_active_runs=1,
    params={
        "as_of": day_param("Labels known at the end of this day count"),
        "replace_unjudged": Param(
            None,
            type=["null", "string"],
            pattern=RELEASE_PATTERN,
            description="Id of a champion trained on other features, to be replaced without a comparison. Empty: none",
        ),
        "resume": Param(
            None,
            type=["null", "string"],
            pattern=r"^.{1,500}$",
            description="Why a PASS shall resume a service that is suspended or rolled back. Empty: it does not",
        ),
    },
    tags=["model", "nightly"],
    doc_md=__doc__,
)
def retrain() -> None:
    """Run features, train, validate, gate and promote, in this order."""

    @task(retries=0)
    @without_traceback
    def gate(as_of: str) -> str:
        """Show the verdict; let only through what may be promoted."""
        from antifraud.gate.report import read_report  # brings SciPy, which parsing the file can do without

        report = read_report(job_settings().under_home("reports", as_of, "report.json"))
        for sentence in (*report.reasons, report.action):
            log.info("%s: %s", report.verdict, sentence)
        if why := report.why_not_promotable():
            raise AirflowSkipException(f"the release that serves stays: {why}")
        return str(report.verdict)

    train = spark_job("train", "train", ["--as-of", AS_OF])
    validate = spark_job("validate", "validate", ["--as-of", AS_OF])
    given = {"REASON": "{{ params.resume or '' }}"}
    promote = python_job("promote", "promote", ["--as-of", AS_OF, REPLACE + RESUME], env=given, append_env=True)
    judged = gate(AS_OF)
    wait_for_features(AS_OF) >> train >> validate >> judged >> promote
    share_home(judged.operator, promote)  # type: ignore[attr-defined]
    share_cluster(train, validate)


retrain()
