"""Take the steps of a cluster's life as tasks: each starts a process that calls the cloud, and waits in the triggerer.

`antifraud.compute.steps` has the logic. A task and its trigger only repeat one step until it is done. So a killed task,
triggerer or scheduler loses nothing.
"""

import asyncio
import json
import logging
import os
import subprocess
import time
from collections.abc import AsyncIterator, Mapping
from pathlib import Path
from typing import Any, Final, NamedTuple

from airflow.sdk import BaseOperator
from airflow.triggers.base import BaseTrigger, TriggerEvent

from antifraud.compute.errors import CloudSilent

log = logging.getLogger(__name__)

ROOT: Final = Path(__file__).resolve().parent.parent
LEASE: Final = "lease"
"""Id of the task that gives a run its lease; the other tasks read it there."""
STEP_SECONDS: Final = 600
"""Longest time of one step, in which each call of the cloud may be repeated."""


class Answer(NamedTuple):
    """The answer of a step's process: its exit code, and after a success whether the step's goal is reached."""

    code: int
    done: bool
    says: str


def take_step(python: str, step: str, order: Mapping[str, Any]) -> Answer:
    """Take one step in a process of its own, which has the cloud's SDK; one that takes too long is stopped."""
    try:
        done = subprocess.run(
            [str(ROOT / python), "-m", "antifraud.compute", step],
            input=json.dumps(order),
            capture_output=True,
            text=True,
            cwd=ROOT,
            # Airflow's task process may have paths of packages that the other environment must not see.
            env={name: value for name, value in os.environ.items() if name != "PYTHONPATH"},
            timeout=STEP_SECONDS,
            check=False,
        )
    except subprocess.TimeoutExpired:
        says = f"error: the step {step} took longer than {STEP_SECONDS} s: see that the cloud's API can be reached"
        return Answer(CloudSilent.exit_code, done=False, says=says)
    if done.returncode:
        return Answer(done.returncode, done=False, says=done.stderr.strip())
    return Answer(0, **json.loads(done.stdout))


class StepTrigger(BaseTrigger):
    """A trigger that repeats a step until it is done or fails."""

    def __init__(self, python: str, step: str, order: dict[str, Any], poll: float, until: float) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.python, self.step, self.order, self.poll, self.until = python, step, order, poll, until

    def serialize(self) -> tuple[str, dict[str, Any]]:
        """Return class and arguments, with which another triggerer goes on."""
        names = ("python", "step", "order", "poll", "until")
        return f"{__name__}.{type(self).__name__}", {name: getattr(self, name) for name in names}

    async def run(self) -> AsyncIterator[TriggerEvent]:
        """Yield the last answer. An API that does not answer is asked again until the time is over."""
        while True:
            await asyncio.sleep(self.poll)
            answer = await asyncio.to_thread(take_step, self.python, self.step, self.order)
            log.info("%s: %s", self.step, answer.says)
            failed = answer.code not in {0, CloudSilent.exit_code}
            if answer.done or failed or time.time() > self.until:
                yield TriggerEvent(answer._asdict())  # type: ignore[no-untyped-call]
                return


class ClusterTask(BaseOperator):
    """A task that takes a step until it is done, without a worker's slot while it waits."""

    template_fields = ("order",)
    ui_color = "#e8f4f8"

    def __init__(
        self,
        *,
        step: str,
        python: str,
        poll: float,
        patience: float,
        order: dict[str, Any] | None = None,
        **options: Any,
    ) -> None:
        super().__init__(**options)
        self.step, self.python, self.poll, self.patience, self.order = step, python, poll, patience, order or {}

    def execute(self, context: Any) -> str:
        """Take the step; if it is not done, wait for it in the triggerer."""
        task = context["ti"]
        lease = task.xcom_pull(task_ids=LEASE) if self.step != "sweep" else None
        order = {**self.order, "lease": lease, "attempt": task.try_number}
        answer = take_step(self.python, self.step, order)
        if answer.done or answer.code not in {0, CloudSilent.exit_code}:
            return self._end(answer)
        log.info("%s: %s", self.step, answer.says)
        trigger = StepTrigger(self.python, self.step, order, self.poll, time.time() + self.patience)
        return self.defer(trigger=trigger, method_name="resume", kwargs={"first": answer.says})

    def resume(self, context: Any, first: str, event: Mapping[str, Any]) -> str:  # noqa: ARG002 - Airflow's signature
        """End the task as the trigger's last answer says; `first` is what the step did first."""
        answer = Answer(**event)
        if not answer.code and not answer.done:
            answer = answer._replace(code=CloudSilent.exit_code, says=f"error: not done in time: {answer.says}")
        return f"{first}; {self._end(answer)}"

    def _end(self, answer: Answer) -> str:
        if answer.code:
            # The last line is the error; an unexpected one has its traceback before it.
            log.error("%s", answer.says)
            raise SystemExit(answer.code)
        log.info("%s: %s", self.step, answer.says)
        return answer.says
