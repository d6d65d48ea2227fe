"""The guard's main loop: renew the lease, and while this guard leads, inspect evidence and signals."""

import threading
import time
from collections.abc import Callable
from typing import Any, Final, NamedTuple

from antifraud.errors import NotLeading, StoreError, StoreForeign
from antifraud.settings.serving import GuardSettings
from serving.guard.lead import Leader
from serving.guard.signals import Signals
from serving.guard.watch import inspect_evidence
from serving.store.port import DecisionStore
from serving.worker.reports import WALL_CLOCK

PAUSE_SECONDS: Final = 0.01
SIGNAL_SECONDS: Final = 2.0
"""Pause between two measurements of the signals, which change in minutes."""


class Clocks(NamedTuple):
    """The clocks of a guard: business time, wall time, and seconds that nobody can set back."""

    business: Callable[[], int]
    wall: Callable[[], int]
    monotonic: Callable[[], float]

    @staticmethod
    def of(settings: GuardSettings) -> "Clocks":
        """Return the clocks of a real process."""
        return Clocks(settings.clock.now, WALL_CLOCK.now, time.monotonic)


class Loop:
    """The work of one guard process; all its changes go through the store that the `leader` has."""

    def __init__(self, store: DecisionStore, settings: GuardSettings, leader: Leader, log: Any, clocks: Clocks) -> None:
        self._store, self._settings, self._leader, self._log = store, settings, leader, log
        self._clocks, self._signals = clocks, Signals(settings, log, clocks.wall)
        self._has_more, self._due, self._signals_due = False, clocks.monotonic(), clocks.monotonic()

    def run(self, stop: threading.Event) -> None:
        """Work until `stop` is set.

        Raises:
            StoreForeign: The folder was replaced: only a new process can tell whether the new store is the service's.
        """
        self._log.info("watching", fpr_limit=self._settings.fpr_limit, label_delay_days=self._settings.label_delay_days)
        longest = min(self._settings.interval_seconds, self._leader.pause)
        # A backlog is worked off in small changes with pauses, in which decisions have their turn.
        while not stop.wait(PAUSE_SECONDS if self._has_more else longest):
            self.step()

    def step(self) -> bool:
        """Do what is due; return whether more waits.

        Raises:
            StoreForeign: The folder was replaced.
        """
        self._has_more = self._try_to_work()
        return self._has_more

    def _try_to_work(self) -> bool:
        try:
            if not self._has_more:
                self._store.look_after()
            led = self._leader.renew()
            return led is not None and self._work(led)
        except StoreForeign:
            raise
        except NotLeading as error:
            self._leader.give_way(error)
        except StoreError as error:
            self._log.error("not usable", reason=str(error))
        return False

    def _work(self, led: DecisionStore) -> bool:
        """Measure the signals if that is due, and inspect the evidence; return whether more of it waits."""
        now = self._clocks.monotonic()
        # Before the evidence, so that a backlog of labels does not hide them.
        if now >= self._signals_due:
            self._signals_due = now + SIGNAL_SECONDS
            self._tell("signal", self._signals.inspect(led, self._clocks.business()))
        if now < self._due and not self._has_more:
            return False
        self._due = now + self._settings.interval_seconds
        inspection = inspect_evidence(led, self._settings, self._clocks.business(), self._clocks.wall)
        self._tell("suspended", inspection.suspended_because)
        return inspection.more

    def _tell(self, event: str, reason: str | None) -> None:
        if reason:
            self._log.warning(event, reason=reason)
