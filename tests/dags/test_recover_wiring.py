"""The DAG `recover` looks every five minutes, and its tasks follow as far as the look says."""

import dataclasses
import datetime as dt

import pytest

from antifraud.client import recovering
from antifraud.client.recovering import Look
from tests.dags.test_wiring import rendered

SEEN = Look(("retrain", "judging"), "judge", "2026-04-10", "2026-04-01", "recover__7_1775779200")


class Xcom:
    """The task instance of a run whose look has found `SEEN`."""

    def __init__(self):
        self.pushed = {}

    def xcom_pull(self, task_ids, key):
        """Return what the look has found."""
        assert (task_ids, key) == ("look", "seen")
        return dataclasses.asdict(SEEN)

    def xcom_push(self, key, value):
        """Keep a value."""
        self.pushed[key] = value


def of_run(task):
    return rendered(task, interval={"ti": Xcom()})


def test_a_run_every_five_minutes_looks_once_and_waits_for_nothing(dags):
    """One run at a time, without retries and sensors; missed runs are not made up for."""
    dag = dags["recover"]

    assert dag.timetable.expression == "*/5 * * * *"
    assert (dag.max_active_runs, dag.catchup) == (1, False)
    assert {task.retries for task in dag.tasks} == {0}
    assert not any(task.__class__.__name__.endswith("Sensor") for task in dag.tasks)
    assert dag.dagrun_timeout == dt.timedelta(hours=6)


def test_the_tasks_follow_the_look(dags):
    """Training, judging and the roll-back can each be chosen; the roll-back also follows a judgement."""
    dag = dags["recover"]

    assert sorted(dag.task_ids) == ["judge", "judging", "look", "publish_judgement", "retrain", "roll_back"]
    assert dag.get_task("look").downstream_task_ids == {"retrain", "judging", "roll_back"}
    assert dag.get_task("judging").downstream_task_ids == {"judge"}
    assert dag.get_task("judge").downstream_task_ids == {"publish_judgement"}
    assert dag.get_task("publish_judgement").downstream_task_ids == {"roll_back"}
    assert dag.get_task("roll_back").trigger_rule == "none_failed_min_one_success"
    assert dag.get_task("retrain").downstream_task_ids == set()


def test_a_trip_starts_one_training(dags):
    """The run's id is that of the trip, and a run that exists is left as it is."""
    retrain = of_run(dags["recover"].get_task("retrain"))

    assert (retrain.trigger_dag_id, retrain.trigger_run_id) == ("retrain", "recover__7_1775779200")
    assert retrain.conf == {"as_of": "2026-04-10"}
    assert (retrain.skip_when_already_exists, retrain.wait_for_completion) == (True, False)


def test_the_judge_gets_the_newest_day_and_the_onset(dags):
    """The judgement is published under the same day and onset."""
    dag = dags["recover"]

    assert of_run(dag.get_task("judge")).application_args == ["--as-of", "2026-04-10", "--onset", "2026-04-01"]
    publish = of_run(dag.get_task("publish_judgement")).bash_command
    assert publish.endswith(" -m jobs.publish_judgement --as-of 2026-04-10 --onset 2026-04-01")
    assert of_run(dag.get_task("roll_back")).bash_command.endswith(" -m jobs.recover")


@pytest.mark.parametrize("tasks", [(), ("retrain",), ("retrain", "judging"), ("retrain", "roll_back")])
def test_the_look_chooses_the_tasks_and_hands_on_what_it_has_seen(dags, monkeypatch, tasks):
    """Without a trip nothing follows."""
    seen = dataclasses.replace(SEEN, tasks=tasks)
    monkeypatch.setattr(recovering, "look", lambda _settings, _find: seen)
    ti = Xcom()

    assert dags["recover"].get_task("look").python_callable(ti=ti) == list(tasks)
    assert ti.pushed == {"seen": dataclasses.asdict(seen)}
