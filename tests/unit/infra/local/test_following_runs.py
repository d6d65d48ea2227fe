"""The run follows DAG runs that it has not started, and pauses DAGs that no clock may start."""

from types import SimpleNamespace

import pytest

from infra.local import pipeline as module
from infra.local.airflow_api import DagRun
from infra.local.pipeline import Pipeline
from infra.local.progress import Progress


class FakeAirflow:
    """An Airflow that tells the next state of a task at each look."""

    def __init__(self, task_states, run_states):
        self.task_states, self.run_states = iter(task_states), iter(run_states)
        self.calls = []

    def runs(self, dag):
        """Return one run, or none before it was triggered."""
        state = next(self.run_states)
        return [DagRun(f"{dag}__1", "trip-2", state)] if state else []

    def tasks(self, *_):
        """Return the only task of the run."""
        return [{"task_id": "promote", "state": next(self.task_states), "try_number": 0}]

    def unpause(self, dag):
        """Record the call."""
        self.calls.append(f"unpause {dag}")

    def pause(self, dag):
        """Record the call."""
        self.calls.append(f"pause {dag}")

    def trigger(self, _, run_id, __):
        """Record the call."""
        self.calls.append(f"trigger {run_id}")


@pytest.fixture(autouse=True)
def _no_pauses(monkeypatch):
    monkeypatch.setattr(module, "LOOK_SECONDS", 0)


def follow(airflow, tmp_path):
    """Return a pipeline whose services live."""
    return Pipeline(airflow, SimpleNamespace(check=lambda: None), Progress(), tmp_path)


@pytest.mark.parametrize("last", ["up_for_retry", "skipped", "success"])
def test_a_task_is_awaited_until_it_was_tried(tmp_path, last):
    """A task that waits for a retry was tried; one that has not begun, or is at work, was not."""
    airflow = FakeAirflow([None, "running", last], ["queued", "running", "running"])
    assert follow(airflow, tmp_path).await_task("retrain", "trip-2", "promote") == last


def test_a_task_that_never_begins_ends_with_its_run(tmp_path):
    """The wait for a task ends if its run has ended without it."""
    airflow = FakeAirflow([None, None], ["running", "failed"])
    assert follow(airflow, tmp_path).await_task("retrain", "trip-2", "promote") is None


def test_a_paused_dag_runs_once_and_is_paused_again(tmp_path):
    """The scheduler may start no run of its own before or after the one that was asked for."""
    airflow = FakeAirflow(["success"], [None, "success"])
    follow(airflow, tmp_path).run_paused("recover", "trip-2")
    assert airflow.calls == ["unpause recover", "trigger trip-2__1", "pause recover"]
