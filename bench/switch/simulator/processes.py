"""Simulated processes. Each has the real store over an environment that can kill it before, in and after every change.

A killed process loses its memory: it opens the store again, and does again whatever it has no answer for.
"""

from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any, Final, TypeVar, cast

from bench.switch.simulator.stage import Stage
from serving.store.lmdb import Environment
from serving.store.room import Room
from serving.store.store import Store
from serving.store.view import View

T = TypeVar("T")
INSIDE, AFTER = "inside", "after"
FATES: Final = (INSIDE, AFTER)


class Killed(Exception):
    """A process was killed (SIGKILL)."""


class Process:
    """A process that uses the store, and does not survive every operation."""

    def __init__(self, stage: Stage) -> None:
        self.stage = stage
        self.store: Store
        self.restart()

    def restart(self) -> None:
        """Open the store with an empty memory."""
        while True:
            try:
                self.start()
            except Killed:
                continue
            return

    def start(self) -> None:
        """Open the store."""
        self.store = Store(cast("Environment", Mortal(self.stage.whole, self)))

    def live_on(self) -> None:
        """Come to the beginning of an operation.

        Raises:
            Killed: The process does not live on.
        """
        if self._is_hit():
            raise Killed

    def fate(self) -> str:
        """Return whether the process is killed inside or after a change; empty if it is not."""
        return self.stage.disorder.dice.choice(FATES) if self._is_hit() else ""

    def _is_hit(self) -> bool:
        disorder = self.stage.disorder
        if not disorder.kills or disorder.dice.random() >= disorder.kills:
            return False
        self.stage.kills += 1
        return True

    def before(self, view: View) -> Any:
        """Return what `after` has to know about the store before a change."""

    def after(self, view: View, before: Any) -> None:
        """Look at a change in its transaction."""

    def insist(self, work: Callable[[Store], T]) -> T:
        """Do some work again and again until the process survives it."""
        while True:
            try:
                return work(self.store)
            except Killed:
                self.restart()


class Mortal:
    """An environment of the store as a process has it that can be killed."""

    def __init__(self, whole: Environment, process: Process) -> None:
        self._whole, self._process = whole, process

    @property
    def room(self) -> Room:
        """The room of the store."""
        return self._whole.room

    def read(self) -> AbstractContextManager[View]:
        """Open a view of one moment."""
        self._process.live_on()
        return self._whole.read()

    def write(self, work: Callable[[View], T], *, size: int = 1, spare: float = 0, urgent: bool = False) -> T:
        """Return what `work` returns, once its changes are committed.

        Raises:
            Killed: Before the change, in its transaction, which then leaves no trace, or after it.
        """
        self._process.live_on()
        fate = self._process.fate()

        def work_as_long_as_alive(view: View) -> T:
            before = self._process.before(view)
            result = work(view)
            self._process.after(view, before)
            if fate == INSIDE:
                raise Killed
            return result

        result = self._whole.write(work_as_long_as_alive, size=size, spare=spare, urgent=urgent)
        if fate == AFTER:
            raise Killed
        return result

    def look_after(self) -> None:
        """Leave the disk alone: no record changes."""
        self._process.live_on()
