"""The door of the simulated scorer: the platform's own handler of ``POST /v1/switch``, without a network."""

import dataclasses
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, Final, Self

from flask import Flask, g

from antifraud.client import switch as switch_client
from antifraud.client.errors import Refused, Unreachable
from antifraud.clock import BusinessClock
from antifraud.errors import StaleEpoch, TransitionRefused
from antifraud.settings.core import JobSettings
from bench.switch.simulator.clients import Worker
from bench.switch.simulator.processes import Killed
from bench.switch.simulator.stage import Stage, StageClock
from serving.api.problems import Problem
from serving.api.switch import change_switch

RECOVERY: Final = "recovery"
REFUSED: Final = 409
MAX_BODY: Final = 10_000


class Door:
    """Stands in for `connect_as_judge` and `connect_as_admin` in a simulation: a client of one worker, by name and scope.

    `meanwhile` is called between the reading of the switch and a change, as others do not wait for that.
    """

    def __init__(self, worker: Worker, meanwhile: Callable[[], None]) -> None:
        self._worker, self._meanwhile = worker, meanwhile
        self._app = Flask("simulated")
        self._app.config["MAX_CONTENT_LENGTH"] = MAX_BODY

    def __enter__(self) -> Self:
        """Open the connection."""
        return self

    def __exit__(self, *_: object) -> None:
        """Close it."""

    def status(self) -> Mapping[str, Any]:
        """Return the part of the status that is the switch."""
        return {"switch": dataclasses.asdict(self._worker.insist(lambda store: store.switch()))}

    def roll_back(self, release: str, reason: str, expected_epoch: int, *, report: str) -> Mapping[str, Any]:
        """Ask for a roll-back as the recovery."""
        self._meanwhile()
        asked = {"action": "roll_back", "release": release, "report": report}
        return self.ask(RECOVERY, "judge", {**asked, "reason": reason, "expected_epoch": expected_epoch})

    def resume(self, reason: str, expected_epoch: int, *, report: str) -> Mapping[str, Any]:
        """Ask for a resume as the recovery."""
        self._meanwhile()
        asked = {"action": "resume", "report": report, "reason": reason, "expected_epoch": expected_epoch}
        return self.ask(RECOVERY, "judge", asked)

    def ask(self, client: str, scope: str, asked: Mapping[str, Any]) -> Mapping[str, Any]:
        """Send a request to the handler, and return the changed switch.

        Raises:
            Refused: The handler refuses.
            Unreachable: The worker is killed before it answers; the change may have been made.
        """
        self._app.extensions["antifraud"] = self._worker.services
        with self._app.test_request_context("/v1/switch", method="POST", json=dict(asked)):
            g.client, g.scopes = client, {scope}
            try:
                # Without the check of the token, which is no part of the switch.
                change_switch.__wrapped__()  # type: ignore[attr-defined]
                return dataclasses.asdict(g.switch)
            except Killed:
                self._worker.restart()
                raise Unreachable("the worker was killed") from None
            except Problem as error:
                raise Refused(error.detail, status=error.document.status) from None
            except (StaleEpoch, TransitionRefused) as error:
                raise Refused(str(error), status=REFUSED) from None


@contextmanager
def opened(door: Door) -> Iterator[None]:
    """Let all jobs of this process go through a door."""
    before = switch_client._connect  # noqa: SLF001 the one place where jobs connect
    switch_client._connect = lambda *_: door  # type: ignore[assignment]  # noqa: SLF001
    try:
        yield
    finally:
        switch_client._connect = before  # noqa: SLF001


def settings_of(stage: Stage) -> JobSettings:
    """Return the settings of the jobs of a stage, under its clock."""

    class Stepped(JobSettings):
        @property
        def clock(self) -> BusinessClock:
            return StageClock(stage)  # type: ignore[return-value]

    return Stepped(home=stage.settings.home, scorer_url="http://simulated")
