"""The committer: one thread of a process that makes its changes to the store, several requests in one transaction.

A request waits for its change with a time limit. Only this thread ever waits for the lock of the store, so a process
that holds the lock for long costs other processes refusals, and no thread of theirs.
"""

import threading
from collections.abc import Callable
from queue import Empty, SimpleQueue
from typing import Any, Final, Generic, TypeVar

from antifraud.errors import StoreBusy

T = TypeVar("T")

MOST_JOBS: Final = 64
"""Most changes of one transaction: it bounds how long the lock is held."""


class Job(Generic[T]):
    """One change; either the committer starts it, or its requester gives it up, and never both."""

    __slots__ = ("_claim", "_done", "error", "result", "started", "work")

    def __init__(self, work: Callable[[Any], T]) -> None:
        self.work = work
        self.result: T | None = None
        self.error: BaseException | None = None
        self.started = False
        self._claim, self._done = threading.Lock(), threading.Lock()
        self._done.acquire()

    def start(self) -> bool:
        """Return whether the committer may do the work, also for the second time."""
        self.started = self.started or self._claim.acquire(blocking=False)
        return self.started

    def finish(self, error: BaseException | None = None) -> None:
        """Wake the requester; `error` says why nothing was changed."""
        self.error = error or self.error
        self._done.release()

    def wait(self, seconds: float) -> T:
        """Return the result of the work, or raise its error.

        Raises:
            StoreBusy: The work has not begun in time, and never will; or it has begun, and its end is not known.
        """
        if not self._done.acquire(timeout=seconds):
            if self._claim.acquire(blocking=False):
                raise StoreBusy(f"the decision store was locked for {seconds:g} s, and nothing was changed: try again")
            if not self._done.acquire(timeout=seconds):
                raise StoreBusy(f"the disk of the decision store did not answer in {seconds:g} s: send the same again")
        if self.error is not None:
            raise self.error
        return self.result  # type: ignore[return-value]


class Committer:
    """Runs jobs in groups, in the order of arrival."""

    def __init__(self, commit: Callable[[list[Job[Any]]], None]) -> None:
        self._commit = commit
        self._queue: SimpleQueue[Job[Any] | None] = SimpleQueue()
        self._thread = threading.Thread(target=self._run, name="committer", daemon=True)
        self._thread.start()

    def run(self, work: Callable[[Any], T], seconds: float) -> T:
        """Do the work in a transaction, and return its result once that is committed.

        Raises:
            StoreBusy: The work had no turn in `seconds`.
        """
        job = Job(work)
        self._queue.put(job)
        return job.wait(seconds)

    def stop(self) -> None:
        """Finish the jobs that wait, and end the thread."""
        self._queue.put(None)
        self._thread.join()

    def _run(self) -> None:
        while (first := self._queue.get()) is not None:
            jobs, is_last = self._take_more(first)
            self._commit(jobs)
            if is_last:
                return

    def _take_more(self, first: Job[Any]) -> tuple[list[Job[Any]], bool]:
        jobs = [first]
        while len(jobs) < MOST_JOBS:
            try:
                job = self._queue.get_nowait()
            except Empty:
                break
            if job is None:
                return jobs, True
            jobs.append(job)
        return jobs, False
