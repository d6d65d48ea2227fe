"""A task of a cluster's life takes its step until it is done, and an expected failure ends it with its exit code."""

import asyncio
import datetime as dt
import logging
from types import SimpleNamespace

import pytest
from airflow.sdk.exceptions import TaskDeferred

from dags import cluster_tasks
from dags.cluster_tasks import Answer, ClusterTask, StepTrigger

LEASE = {"deployment": "prototype", "dag": "lake", "run": "r", "until": 9}


@pytest.fixture
def answers(monkeypatch):
    """Return a list of the answers to come, and collect the orders that were given."""
    waiting, orders = [], []

    def take_step(python, step, order):
        orders.append((python, step, order))
        return waiting.pop(0)

    monkeypatch.setattr(cluster_tasks, "take_step", take_step)
    return SimpleNamespace(waiting=waiting, orders=orders)


def task(step="create", **order):
    return ClusterTask(task_id="t", step=step, python="py", poll=0, patience=60, order=order or None)


def context(attempt=1):
    ti = SimpleNamespace(try_number=attempt, xcom_pull=lambda task_ids: LEASE if task_ids == "lease" else None)
    return {"ti": ti}


def test_a_step_that_is_done_at_once_does_not_wait(answers):
    """The order has lease and attempt, and the answer becomes the task's result."""
    answers.waiting.append(Answer(0, done=True, says="up"))

    assert task(command=["day"]).execute(context(attempt=3)) == "up"
    assert answers.orders == [("py", "create", {"command": ["day"], "lease": LEASE, "attempt": 3})]


@pytest.mark.parametrize(
    "first", [Answer(0, done=False, says="creating"), Answer(56, done=False, says="error: silent")]
)
def test_a_step_that_is_not_done_waits_in_the_triggerer(answers, first):
    """The same order is repeated by a trigger, also after an API that did not answer."""
    answers.waiting.append(first)
    with pytest.raises(TaskDeferred) as deferred:
        task().execute(context())

    path, arguments = deferred.value.trigger.serialize()
    assert path == "dags.cluster_tasks.StepTrigger"
    assert (arguments["step"], arguments["order"]) == ("create", {"lease": LEASE, "attempt": 1})
    assert deferred.value.kwargs == {"first": first.says}


def test_a_sweep_needs_no_lease(answers):
    """The watchdog belongs to no run with a cluster."""
    answers.waiting.append(Answer(0, done=True, says="none"))
    task("sweep").execute(context())

    assert answers.orders == [("py", "sweep", {"lease": None, "attempt": 1})]


@pytest.mark.parametrize("code", [1, 15, 55, 57, 58, 59])
def test_a_failure_ends_the_task_with_one_line_and_its_code(answers, caplog, code):
    """The line of the process becomes the task's, without a traceback."""
    answers.waiting.append(Answer(code, done=False, says="error: the cloud refused"))
    with caplog.at_level(logging.ERROR), pytest.raises(SystemExit) as ended:
        task().execute(context())

    assert ended.value.code == code
    assert [(record.message, record.exc_info) for record in caplog.records] == [("error: the cloud refused", None)]


def until_event(trigger):
    async def first():
        return await anext(trigger.run())

    return asyncio.run(first()).payload


def test_a_trigger_repeats_the_step_until_it_is_done(answers):
    """An API that does not answer is asked again; another failure ends the waiting."""
    says = [Answer(0, done=False, says="a"), Answer(56, done=False, says="b"), Answer(0, done=True, says="c")]
    answers.waiting += says
    later = dt.datetime.now(dt.UTC).timestamp() + 60

    assert until_event(StepTrigger("py", "create", {}, 0, later)) == {"code": 0, "done": True, "says": "c"}
    answers.waiting += [says[0], Answer(58, done=False, says="failed")]
    assert until_event(StepTrigger("py", "run", {}, 0, later))["code"] == 58


def test_patience_ends(answers):
    """After its time, a step that is not done fails with the code of an API that did not answer."""
    answers.waiting.append(Answer(0, done=False, says="creating"))
    event = until_event(StepTrigger("py", "create", {}, 0, 0))
    with pytest.raises(SystemExit) as ended:
        task().resume({}, "creating", event)

    assert ended.value.code == 56


def test_the_first_step_is_told_with_the_last():
    """The watchdog's deletions are in the task's result, although its last look finds nothing any more."""
    assert task("sweep").resume({}, "x: being deleted", {"code": 0, "done": True, "says": "none"}) == (
        "x: being deleted; none"
    )


def test_a_process_that_hangs_is_stopped_and_asked_again(tmp_path, monkeypatch):
    """A step that never ends counts as an API that did not answer, without a traceback."""
    python = tmp_path / "python"
    python.write_text("#!/bin/sh\nexec sleep 60\n")
    python.chmod(0o700)
    monkeypatch.setattr(cluster_tasks, "STEP_SECONDS", 0.2)
    answer = cluster_tasks.take_step(str(python), "create", {})

    assert (answer.code, answer.done) == (56, False)
    assert answer.says.startswith("error: the step create took longer than 0.2 s")


def test_a_process_that_crashes_shows_its_traceback(tmp_path):
    """An unexpected failure has exit code 1 and keeps what the process wrote."""
    python = tmp_path / "python"
    python.write_text("#!/bin/sh\ncat >/dev/null\necho Traceback >&2\nexit 1\n")
    python.chmod(0o700)

    assert cluster_tasks.take_step(str(python), "create", {}) == Answer(1, done=False, says="Traceback")
