"""# rollback: back to an earlier release, if it passes today's limits

The named release is verified and judged on the newest days with matured labels, by today's limits. Only a PASS moves
the release pointer; the scorers follow within seconds. To stop scoring at once, suspend the service instead:
docs/runbook.md says how.

**Dry by default**: the run judges and reports, and moves nothing. Trigger again with `dry_run` off to move the pointer.

When a task fails:

- `promote`: the release is unknown, its bundle does not verify, or it breaks a limit today. The last line of the log
  says which. The serving release was not touched.
- `fetch_home`, `store_home`: exist only with a compute target in the cloud; see the DAG `retrain`.
"""

import logging

from airflow.sdk import Param, dag, task

from dags.shared import DEFAULT_ARGS, RELEASE_PATTERN, START, python_job
from dags.submit import share_home

log = logging.getLogger(__name__)

DRY_RUN = "{{ '--dry-run' if params.dry_run else '' }}"


@dag(
    schedule=None,
    start_date=START,
    catchup=False,
    max_active_runs=1,
    # A refusal is an answer: a retry would only repeat it.
    default_args={**DEFAULT_ARGS, "retries": 0},
    params={
        "release": Param(type="string", pattern=RELEASE_PATTERN, description="Id of the release to go back to"),
        "reason": Param(type="string", minLength=10, maxLength=500, description="Why you go back; kept with the run"),
        "dry_run": Param(True, type="boolean", description="Only judge the release"),
    },
    tags=["model", "manual"],
    doc_md=__doc__,
)
def rollback() -> None:
    """Log the reason, then promote the named release."""

    @task
    def reason(text: str) -> str:
        """Log the reason and return it, so that it stays with the run."""
        log.info("reason given: %s", text)
        return text

    promote = python_job("promote", "promote", ["--release", "{{ params.release }}", DRY_RUN])
    reason("{{ params.reason }}") >> promote
    share_home(promote, promote)


rollback()
