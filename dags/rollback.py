"""# rollback: back to an earlier release, if it passes today's limits

The named release is verified and judged on the newest days with matured labels, by today's limits. After a PASS the
scorer's switch is set to ROLLED_BACK: every worker serves the named release at once, and the release pointer stays. To
stop scoring at once, suspend the service instead: docs/runbook.md says how.

**Dry by default**: the run judges and reports, and changes nothing. Trigger again with `dry_run` off to roll back. An
admin ends it with `resume`; until then `retrain` moves no pointer.

When a task fails:

- `promote`: the release is unknown, its bundle does not verify, or it breaks a limit today. The last line of the log
  says which. The serving release was not touched. 71: somebody has changed the switch meanwhile, or the release cannot
  be loaded by the scorer. 73: the scorer did not answer.
- `fetch_home`, `store_home`: exist only with a compute target in the cloud; see the DAG `retrain`.
"""

import logging

from airflow.sdk import Param, dag, task

from dags.shared import DEFAULT_ARGS, RELEASE_PATTERN, START, python_job
from dags.submit import share_home

log = logging.getLogger(__name__)

# The shell reads the reason from a variable, so that no text of a person is part of a command.
HOW = """{{ '--dry-run' if params.dry_run else '--reason "$REASON"' }}"""


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
    """Log the reason, then judge the named release and roll back to it."""

    @task
    def reason(text: str) -> str:
        """Log the reason and return it, so that it stays with the run."""
        log.info("reason given: %s", text)
        return text

    given = {"REASON": "{{ params.reason }}"}
    promote = python_job("promote", "promote", ["--release", "{{ params.release }}", HOW], env=given, append_env=True)
    reason("{{ params.reason }}") >> promote
    share_home(promote, promote)


rollback()
