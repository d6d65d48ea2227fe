"""Run a DAG in the Airflow of this environment, once for each line of stdin; each answer is a line of JSON.

A line names the DAG and, after it, a pattern of tasks to mark as successful instead of running them. The answer has the
states of the tasks, and the ids of all runs that other DAGs have got, with what they were given.
"""

import json
import os
import sys
from datetime import UTC, datetime, timedelta

from airflow.dag_processing.dagbag import DagBag
from airflow.models.dagrun import DagRun
from airflow.sdk import DAG
from airflow.settings import DAGS_FOLDER, Session

FIRST = datetime(2026, 4, 11, tzinfo=UTC)


def answer(dag: DAG, number: int, marked: str) -> dict[str, object]:
    """Run a DAG five minutes after the run before; return what became of it."""
    at = FIRST + timedelta(minutes=5 * number)
    run = dag.test(run_after=at, logical_date=at, mark_success_pattern=marked)
    with Session() as session:
        others = session.query(DagRun).filter(DagRun.dag_id != dag.dag_id).order_by(DagRun.id)
        triggered = [(other.dag_id, other.run_id, other.conf) for other in others]
    return {
        "state": run.state,
        "tasks": {task.task_id: task.state for task in run.get_task_instances()},
        "triggered": triggered,
    }


if __name__ == "__main__":
    # Tasks and loggers in this process print, too.
    answers = os.fdopen(os.dup(sys.stdout.fileno()), "w")
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
    dags = DagBag(DAGS_FOLDER, collect_dags=True).dags
    for number, line in enumerate(sys.stdin):
        name, _, marked = line.strip().partition(" ")
        answers.write(json.dumps(answer(dags[name], number, marked or "^$")) + "\n")
        answers.flush()
