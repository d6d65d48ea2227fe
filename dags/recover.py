"""# recover: back into service after a trip

After a trip the guard has rolled the service back, or has suspended it because no release was known to be good. This
DAG starts `retrain` once a trip. While the service is suspended, it judges the days that have matured, and rolls back
to the newest release that passes. A candidate of `retrain` that passes ends it, 14 certify days after the onset.

**Reads** the scorer's switch, the standing judgement, and `features` while the service is suspended.

**Writes** a judgement into `reports/<day>/standing-since-<onset>` and beside the release pointer, and the switch. Its
token has the scope `judge`, which can do nothing else.

**By hand**: nothing to set. Pause the DAG if a person shall decide; an admin's change of the switch ends it, too. With
`ANTIFRAUD_ON_TRIP=suspend` in the guard's settings there is never anything to do.

How to read each task:

- `look`: one question to the scorer. The log says what is wrong; mostly nothing is, and no task follows. 73: the scorer
  did not answer. The next run asks again in five minutes.
- `retrain`: starts the DAG `retrain`, once a trip. It is **skipped** if that run exists.
- `judging`: chosen by `look` if days have matured that were not judged yet.
- `judge`: as in the DAG `monitor`, with the days since the onset. The page says what each release lacks.
- `publish_judgement`: puts the judgement beside the release pointer.
- `roll_back`: lets the scorer serve the newest release that passes. It succeeds also if none does, or if somebody has
  changed the switch meanwhile; the log says so, and `recovery` in `GET /v1/status` when a release could be there.
- `lease`, `create_cluster`, `delete_cluster`, `fetch_home`, `store_home`: exist only with a compute target in the
  cloud; see the DAG `clusters`.
"""

import dataclasses
import datetime as dt
import logging
from typing import Any

from airflow.providers.standard.operators.empty import EmptyOperator
from airflow.providers.standard.operators.trigger_dagrun import TriggerDagRunOperator
from airflow.sdk import CronTriggerTimetable, dag, task

from antifraud.client import recovering
from dags import publication
from dags.shared import DEFAULT_ARGS, START, job_settings, python_job, without_traceback
from dags.submit import share_cluster, share_home, spark_job

log = logging.getLogger(__name__)

SEEN = "ti.xcom_pull(task_ids='look', key='seen')"
AS_OF, ONSET, RUN_ID = (f"{{{{ {SEEN}['{name}'] }}}}" for name in ("as_of", "onset", "run_id"))


@dag(
    schedule=CronTriggerTimetable("*/5 * * * *", timezone="UTC"),
    start_date=START,
    catchup=False,
    max_active_runs=1,
    # The next run comes in five minutes, and looks anew.
    default_args={**DEFAULT_ARGS, "retries": 0},
    dagrun_timeout=dt.timedelta(hours=6),
    tags=["model", "recovery"],
    doc_md=__doc__,
)
def recover() -> None:
    """Look, then start the training and judge and roll back as far as that is needed."""

    @task.branch
    @without_traceback
    def look(ti: Any = None) -> list[str]:
        """Return the tasks that are needed now."""
        seen = recovering.look(job_settings(), publication.find_newest_day)
        log.info("%s", seen.words)
        ti.xcom_push(key="seen", value=dataclasses.asdict(seen))
        return list(seen.tasks)

    retrain = TriggerDagRunOperator(
        task_id=recovering.RETRAIN,
        trigger_dag_id="retrain",
        trigger_run_id=RUN_ID,
        logical_date=None,
        conf={"as_of": AS_OF},
        skip_when_already_exists=True,
    )
    judging = EmptyOperator(task_id=recovering.JUDGE)
    judge = spark_job("judge", "judge", ["--as-of", AS_OF, "--onset", ONSET])
    publish = python_job("publish_judgement", "publish_judgement", ["--as-of", AS_OF, "--onset", ONSET])
    back = python_job(recovering.ROLL_BACK, "recover", trigger_rule="none_failed_min_one_success")
    looked = look()
    looked >> [retrain, judging, back]
    judging >> judge >> publish >> back
    share_home(publish, publish)
    share_cluster(judge)


recover()
