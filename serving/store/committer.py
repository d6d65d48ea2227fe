"""The committer: one thread of a process that makes its changes to the store, several requests in one transaction.

A request waits for its change with a time limit. Only this thread ever waits for the lock of the store, so a process
that holds the lock for long costs other processes refusals, and no thread of theirs.
"""

import threading
from collections.abc import Callable
from queue import SimpleQueue
from typing import Any, Final, Generic, TypeVar

from antifraud.errors import StoreBusy, StoreError

T = TypeVar("T")

MOST_TOGETHER: Final = 64
"""Decisions, or labels, of one transaction, unless one request has more: it bounds how long the lock is held."""


class Job(Generic[T]):
    """One change; either the committer starts it, or its requester gives it up, and never both."""

    __slots__ = ("_claim", "_done", "error", "lacks_room", "result", "size", "spare", "started", "urgent", "work")

    def __init__(self, work: Callable[[Any], T], *, size: int = 1, spare: float = 0, urgent: bool = False) -> None:
        """Prepare a change of `size` records, which leaves the share `spare` of the reserve free."""
        self.work, self.size, self.spare, self.urgent = work, size, spare, urgent
        self.result: T | None = None
        self.error: BaseException | None = None
        self.started = self.lacks_room = False
        self._claim, self._done = threading.Lock(), threading.Lock()
        self._done.acquire()

    def start(self) -> bool:
        """Return whether the committer may do the work, also for the second time."""
        self.started = self.started or self._claim.acquire(blocking=False)
        # The first time has had no effect, so its refusal says nothing, either.
        self.error = None
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

    def __init__(self, commit: Callable[[list[Job[Any]]], None], end: Callable[[], None]) -> None:
        """Start the thread; it makes groups of jobs by `commit`, and its last act is `end`."""
        self._commit, self._end = commit, end
        self._queue: SimpleQueue[Job[Any] | None] = SimpleQueue()
        self._stopping, self._entrance = False, threading.Lock()
        self._thread = threading.Thread(target=self._run, name="committer", daemon=True)
        self._thread.start()

    def run(self, job: Job[T], seconds: float) -> T:
        """Do the job in a transaction, and return its result once that is committed.

        Raises:
            StoreBusy: The job had no turn in `seconds`.
            StoreError: The committer has been stopped.
        """
        with self._entrance:
            if self._stopping:
                raise StoreError("the decision store was closed, and nothing was changed: try again")
            self._queue.put(job)
        return job.wait(seconds)

    def stop(self, seconds: float) -> None:
        """Take no more jobs; wait up to `seconds` until the thread has done the waiting jobs and has ended."""
        with self._entrance:
            self._stopping = True
            self._queue.put(None)
        self._thread.join(seconds)

    def _run(self) -> None:
        is_last = False
        while not is_last and (first := self._queue.get()) is not None:
            jobs, is_last = self._take_more(first)
            self._commit(jobs)
        self._end()

    def _take_more(self, first: Job[Any]) -> tuple[list[Job[Any]], bool]:
        jobs, size = [first], first.size
        # Nobody else takes jobs from the queue.
        while size < MOST_TOGETHER and not self._queue.empty():
            job = self._queue.get()
            if job is None:
                return jobs, True
            jobs.append(job)
            size += job.size
        return jobs, False
