"""Let Airflow load the lake and train the model, and follow its runs over the REST API."""

import datetime as dt
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, Final

from antifraud.errors import PublishError
from infra.local.airflow_api import AirflowApi, DagRun
from infra.local.job_lines import JobLines
from infra.local.progress import Progress
from infra.local.supervisor import Supervisor

DAGS: Final = frozenset({"lake", "retrain", "monitor", "recover", "reprocess", "maintenance", "rollback"})
PAUSED: Final = frozenset({"maintenance", "recover"})
"""DAGs that no clock starts: maintenance counts ages on the wall clock, and `recover` follows the business clock."""
LOOK_SECONDS: Final = 2.0
PARSE_SECONDS: Final = 120.0
ENDED: Final = frozenset({"success", "failed"})
TRIED: Final = ENDED | {"skipped", "up_for_retry", "upstream_failed"}
SHOWN: Final = frozenset({"running", "success", "failed", "skipped", "up_for_retry"})


class Pipeline:
    """A client that triggers DAGs, follows them to their end and shows the output of their jobs."""

    def __init__(self, api: AirflowApi, supervisor: Supervisor, progress: Progress, logs: Path) -> None:
        self._api, self._supervisor, self._progress = api, supervisor, progress
        self._lines = JobLines(logs)
        self._states: dict[tuple[str, str], str | None] = {}

    def wait_ready(self) -> None:
        """Wait until Airflow is healthy and knows every DAG, then unpause all but those in `PAUSED`.

        Raises:
            PublishError: A DAG file does not parse, or Airflow did not start.
        """
        until = time.monotonic() + PARSE_SECONDS
        while not (self._api.is_healthy() and self._api.dags() >= DAGS):
            self._supervisor.check()
            if time.monotonic() > until:
                raise PublishError(f"Airflow was not ready within {PARSE_SECONDS:.0f} s: {self._api.import_errors()}")
            time.sleep(LOOK_SECONDS)
        for dag in sorted(DAGS - PAUSED):
            self._api.unpause(dag)
        # An earlier run may have been killed while one of them was at work.
        for dag in sorted(PAUSED):
            self._api.pause(dag)

    def run(self, dag: str, about: str, conf: dict[str, Any]) -> None:
        """Run a DAG once for the day or range `about`.

        A run that succeeded earlier is not repeated, and an active one is followed. A failed run gets a successor.

        Raises:
            PublishError: The run failed.
        """
        earlier = self._find(dag, about)
        if any(run.state == "success" for run in earlier):
            self._progress.say(f"   {dag} {about}: done in an earlier run")
            return
        if all(run.state in ENDED for run in earlier):
            self._api.trigger(dag, f"{about}__{len(earlier) + 1}", conf)
        self._follow(dag, lambda: self._find(dag, about)[:1])

    def run_paused(self, dag: str, about: str) -> None:
        """Run a DAG of `PAUSED` once, and pause it again; arguments and errors as for `run`."""
        self._api.unpause(dag)
        self.run(dag, about, {})
        self._api.pause(dag)

    def await_task(self, dag: str, about: str, task: str) -> str | None:
        """Follow a run that somebody else has started, until a task of it has been tried; return the task's state.

        A state of `up_for_retry` says that it failed, and that Airflow will try again; None that the run ended first.
        """
        while True:
            self._supervisor.check()
            for run in self._find(dag, about)[:1]:
                self._show(dag, run)
                state = self._states.get((run.id, task))
                if state in TRIED or run.state in ENDED:
                    return state
            time.sleep(LOOK_SECONDS)

    def _find(self, dag: str, about: str) -> list[DagRun]:
        return [run for run in self._api.runs(dag) if run.about == about]

    def backfill(self, dag: str, first: dt.date, last: dt.date) -> None:
        """Backfill the days `first` to `last`.

        Raises:
            PublishError: A day failed.
        """
        wanted = (last - first).days + 1
        states = [run.state for run in self._api.runs_of_days(dag, first, last)]
        if states.count("success") == wanted:
            self._progress.say(f"   {dag} {first}..{last}: done in an earlier run")
            return
        self._api.backfill(dag, first, last)
        self._follow(dag, lambda: self._api.runs_of_days(dag, first, last), wanted)

    def _follow(self, dag: str, look: Callable[[], list[DagRun]], wanted: int = 1) -> None:
        while True:
            self._supervisor.check()
            runs = look()
            for run in runs:
                self._show(dag, run)
            if len(runs) >= wanted and all(run.state in ENDED for run in runs):
                break
            time.sleep(LOOK_SECONDS)
        if failed := [run for run in runs if run.state == "failed"]:
            raise PublishError(f"{dag} failed: {self._reasons(dag, failed)}")

    def _show(self, dag: str, run: DagRun) -> None:
        for task in self._api.tasks(dag, run.id):
            name, state = task["task_id"], task["state"]
            title = f"{dag}.{name} {run.about}"
            if task["try_number"]:
                for line in self._lines.new(dag, run.id, name, task["try_number"]):
                    self._progress.say(f"      {title} | {line}")
            if state != self._states.get((run.id, name)) and state in SHOWN:
                self._progress.say(f"   {title}: {state}")
            self._states[run.id, name] = state

    def _reasons(self, dag: str, runs: Iterable[DagRun]) -> str:
        tasks = [(run, task) for run in runs for task in self._api.tasks(dag, run.id)]
        failed = [f"task {task['task_id']} of {run.id}" for run, task in tasks if task["state"] == "failed"]
        return "; ".join(failed) + f"; logs: {self._lines.folder}"
