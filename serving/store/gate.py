"""A gate of one process: many threads may be inside, or one alone."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager


class Gate:
    """Lets many in, or one alone."""

    def __init__(self) -> None:
        self._changed = threading.Condition(threading.Lock())
        self._inside, self._closed = 0, False

    def enter(self) -> None:
        """Come in among others."""
        with self._changed:
            while self._closed:
                self._changed.wait()
            self._inside += 1

    def leave(self) -> None:
        """Go out."""
        with self._changed:
            self._inside -= 1
            if self._closed:
                self._changed.notify_all()

    @contextmanager
    def among_others(self) -> Iterator[None]:
        """Be inside among others."""
        self.enter()
        try:
            yield
        finally:
            self.leave()

    @contextmanager
    def alone(self) -> Iterator[None]:
        """Be inside alone; nobody else comes in meanwhile."""
        with self._changed:
            while self._closed:
                self._changed.wait()
            self._closed = True
            while self._inside:
                self._changed.wait()
        try:
            yield
        finally:
            with self._changed:
                self._closed = False
                self._changed.notify_all()
