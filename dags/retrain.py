"""# retrain: a candidate, its verdict, and its promotion if the verdict is PASS

**Reads** `features` and the labels that were known at the end of day `as_of`. **Writes** a candidate, its score tables
and report, an MLflow run; after a PASS the release bundle, the release pointer and the MLflow aliases.

**By hand**: *Trigger*, with `as_of` = the day whose knowledge counts. Without it the run's own day counts.

What each task says:

- `features`: waits until the lake has the day.
- `train`: a window lacks days: load them, or shorten the windows in the settings.
- `validate`: succeeds whatever the verdict; the report is in the folder `reports`.
- `gate`: **skipped** when the verdict is FAIL or INFEASIBLE, or the champion is not to be replaced: a normal night, the
  serving release goes on. The log has the verdict, its reasons and the best single action. It
  fails when the report is missing, damaged or of another version: clear `validate`.
- `promote`: exit code 40: the bundle did not verify; 51: the release serves, only MLflow was away. Clear it in either
  case: twice is the same as once. 41: what serves has changed since validation: clear it from `validate` on. 42: what
  serves was trained on other features, so the candidate could not be compared with it; every night ends so until
  somebody decides: read the report, then *Trigger* with `replace_unjudged` = the id of the release that serves.
"""

import datetime as dt
import logging

from airflow.sdk import Param, dag, task
from airflow.sdk.exceptions import AirflowSkipException

from antifraud.lake.schemas import FEATURES
from dags import publication
from dags.shared import (
    MIDNIGHT,
    NIGHTLY,
    RELEASE_PATTERN,
    day_param,
    job_settings,
    python_job,
    sensor,
    spark_job,
)

log = logging.getLogger(__name__)

AS_OF = "{{ params.as_of or (data_interval_start | ds) }}"
REPLACE = "{{ '--replace-unjudged ' ~ params.replace_unjudged if params.replace_unjudged else '' }}"


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
            description="Release that serves and may go although its features differ from today's; empty: none",
        ),
    },
    tags=["model", "nightly"],
    doc_md=__doc__,
)
def retrain() -> None:
    """Features, train, validate, gate, promote."""

    @task.sensor(task_id="features", **sensor(20))
    def wait_for_features(as_of: str) -> bool:
        """The lake has the features of the day."""
        return publication.is_published(FEATURES, dt.date.fromisoformat(as_of))

    @task(retries=0)
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
    promote = python_job("promote", "promote", ["--as-of", AS_OF, REPLACE])
    wait_for_features(AS_OF) >> train >> validate >> gate(AS_OF) >> promote


retrain()
