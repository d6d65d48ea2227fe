"""Run tasks as Airflow does, only quicker: a process an attempt, retries, kills, and teardowns that always run."""

import asyncio
import contextlib
import datetime as dt
import json
import os
import signal
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from bench.cloud.scenarios import Scenario
from tests.cloud.cloud import Double

RETRY_SECONDS = 0.5
LOOK_SECONDS = 0.05
Execute = Callable[[dict[str, Any]], Any]


@dataclass(frozen=True)
class TaskOfRun:
    """A task: its id, what an attempt executes, its attempts, and whether it tears down."""

    id: str
    execute: Execute
    attempts: int
    is_teardown: bool = False


@dataclass
class Run:
    """One run of a DAG, whose XComs are files of its folder."""

    dag: str
    id: str
    folder: Path
    tries: dict[str, int] = field(default_factory=dict)

    def xcom_pull(self, task_ids: str | None = None, key: str = "return_value") -> Any:
        """Return what a task has returned; None without a task, as for one that pulls from itself."""
        path = self.folder / f"{task_ids}.{key}.json"
        return json.loads(path.read_text()) if path.exists() else None

    def push(self, task: str, value: Any) -> None:
        """Keep what a task has returned."""
        (self.folder / f"{task}.return_value.json").write_text(json.dumps(value))


class Instance:
    """The instance that a task finds in its context."""

    def __init__(self, run: Run, task: str) -> None:
        self.dag_id, self.run_id, self.task_id = run.dag, run.id, task
        self.try_number = run.tries[task]
        self.start_date = dt.datetime.now(dt.UTC)
        self.xcom_pull = run.xcom_pull

    def xcom_push(self, key: str, value: Any) -> None:
        """Ignore values beside the returned one; nobody reads them."""


def execute(operator: Any, context: dict[str, Any]) -> Any:
    """Execute an operator and, when it defers, its trigger and what follows."""
    from airflow.sdk.exceptions import TaskDeferred

    try:
        return operator.execute(context)
    except TaskDeferred as deferred:
        event = asyncio.run(_event(deferred.trigger))
        return getattr(operator, deferred.method_name)(context, event=event, **(deferred.kwargs or {}))


async def _event(trigger: Any) -> Any:
    return (await anext(aiter(trigger.run()))).payload


def play(run: Run, tasks: Sequence[TaskOfRun], cloud: Double, scenario: Scenario) -> bool:
    """Run all tasks of a run once, in order; return whether all but the teardown succeeded."""
    kills = list(scenario.kills)
    succeeded = True
    for task in tasks:
        if succeeded or task.is_teardown:
            ended = _attempts(run, task, cloud, kills)
            succeeded = ended if not task.is_teardown else succeeded
    return succeeded


def _attempts(run: Run, task: TaskOfRun, cloud: Double, kills: list[tuple[str, str]]) -> bool:
    for _ in range(task.attempts):
        run.tries[task.id] = run.tries.get(task.id, 0) + 1
        kill = next((each for each in kills if each[0] == task.id), None)
        if kill:
            kills.remove(kill)
        if _attempt(run, task, cloud, kill[1] if kill else None):
            return True
        time.sleep(RETRY_SECONDS)
    return False


def _attempt(run: Run, task: TaskOfRun, cloud: Double, deadly: str | None) -> bool:
    """Run one attempt in a process of its own; kill it, and what it has started, once the deadly call has come."""
    before = len(cloud.state["calls"])
    # As Airflow does when a task starts again.
    (run.folder / f"{task.id}.return_value.json").unlink(missing_ok=True)
    child = os.fork()
    if child == 0:
        os.setsid()
        os._exit(_in_child(run, task))
    while os.waitid(os.P_PID, child, os.WEXITED | os.WNOHANG | os.WNOWAIT) is None:
        if deadly is not None and (not deadly or deadly in cloud.state["calls"][before:]):
            # Until it leads a session of its own, it has no group to kill; the next look finds it.
            with contextlib.suppress(ProcessLookupError):
                os.killpg(child, signal.SIGKILL)
                deadly = None
        time.sleep(LOOK_SECONDS)
    return os.waitpid(child, 0)[1] == 0


def _in_child(run: Run, task: TaskOfRun) -> int:
    log = os.open(run.folder / f"{task.id}.log", os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    os.dup2(log, 1)
    os.dup2(log, 2)
    try:
        run.push(task.id, task.execute({"ti": (instance := Instance(run, task.id)), "task_instance": instance}))
    except SystemExit as ended:
        return int(str(ended.code or 0))
    except BaseException:  # noqa: BLE001 - the attempt has failed, whatever it was
        import traceback

        traceback.print_exc()
        return 1
    return 0


def lives(cloud: Double, now: float) -> Mapping[str, float]:
    """Return how many seconds each cluster has lived, by its id."""
    return {id_: (each["gone"] or now) - each["created"] for id_, each in cloud.state["clusters"].items()}
