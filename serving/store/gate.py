"""A gate of one process: many threads may be inside, or one alone."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Self

from antifraud.errors import StoreBusy


class Gate:
    """Lets many in, or one alone; nobody waits longer than `seconds`."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._changed = threading.Condition(threading.Lock())
        self._inside, self._closed = 0, False

    def enter(self, *, patient: bool = False) -> None:
        """Come in among others. Somebody `patient` waits for as long as it takes.

        Raises:
            StoreBusy: Somebody is alone inside for too long.
        """
        with self._changed:
            if self._closed:
                self._wait_until_open(None if patient else self._seconds)
            self._inside += 1

    def leave(self) -> None:
        """Go out."""
        with self._changed:
            self._inside -= 1
            if self._closed:
                self._changed.notify_all()

    def among_others(self) -> Self:
        """Be inside among others: ``with gate.among_others()``."""
        return self

    def __enter__(self) -> None:
        self.enter()

    def __exit__(self, *_: object) -> None:
        self.leave()

    @contextmanager
    def alone(self, *, patient: bool = False) -> Iterator[None]:
        """Be inside alone; nobody else comes in meanwhile. Somebody `patient` waits for as long as it takes.

        Raises:
            StoreBusy: Others stay inside for too long, such as one that waits for another process.
        """
        seconds = None if patient else self._seconds
        with self._changed:
            self._wait_until_open(seconds)
            self._closed = True
        try:
            self._wait_until_empty(seconds)
            yield
        finally:
            with self._changed:
                self._closed = False
                self._changed.notify_all()

    def _wait_until_open(self, seconds: float | None) -> None:
        if not self._changed.wait_for(lambda: not self._closed, seconds):
            raise StoreBusy("the decision store takes over a new size, and nothing was changed: try again")

    def _wait_until_empty(self, seconds: float | None) -> None:
        with self._changed:
            if not self._changed.wait_for(lambda: not self._inside, seconds):
                raise StoreBusy("the decision store is in use and cannot take over a new size: try again")
