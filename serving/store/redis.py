"""Redis: an environment that the processes of several hosts share, and the views over its transactions.

There is no lock. A transaction that finds something changed at its commit runs again with what is there now. Changes
of one process go through a `Committer`, several in one transaction.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, Final, TypeVar

from antifraud.errors import StoreBusy
from antifraud.settings.serving import Durability, StoreSettings
from serving.store.committer import Committer, Job
from serving.store.redis_fitness import find_trouble, require_fit
from serving.store.redis_recent import Recent
from serving.store.redis_server import Server
from serving.store.redis_transaction import Transaction
from serving.store.room import Space
from serving.store.view import Span, View

ATTEMPTS: Final = 20
"""Runs of one transaction: each that fails was overtaken by a change of another process."""
T = TypeVar("T")


def open_redis(settings: StoreSettings, *, accept: bool = False) -> "Environment":
    """Open the Redis of the settings; `accept` goes on with a store that has lost changes.

    Raises:
        StoreForeign: Changes were lost, and nobody has accepted that.
        StoreError: It cannot be used, or is not fit to keep decisions.
    """
    server = Server(settings)
    try:
        require_fit(server, settings.store_durability)
        server.load(accept=accept)
        return Environment(server, settings)
    except BaseException:
        server.close()
        raise


class Environment:
    """An open Redis, as `serving/store/environment.py` says. Open it after the fork, because of its thread."""

    def __init__(self, server: Server, settings: StoreSettings) -> None:
        self._server, self._wait_seconds = server, settings.store_wait_seconds
        self._durability: Durability = settings.store_durability
        self._map_bytes, self._recent = settings.store_map_bytes, Recent()
        self.room = Space(self._map_bytes, "raise maxmemory of Redis, or ANTIFRAUD_STORE_MAP_BYTES if it has none")
        self._measure(server.describe())
        self._committer = Committer(self._commit, server.close)

    @contextmanager
    def read(self) -> Iterator[View]:
        """Open a view for reading: records that are read together are of one moment, and no appended one is newer.

        Raises:
            StoreError: Redis cannot be used.
        """
        yield RedisView(Transaction(self._server, self._recent, guesses=False))

    def write(self, work: Callable[[View], T], *, size: int = 1, spare: float = 0, urgent: bool = False) -> T:
        """Return what `work` returns, once its changes are committed; if it raises, it has changed nothing.

        Raises:
            StoreFull: There is no room for changes of this kind.
            StoreBusy: Redis has not answered in time, or others were faster in every attempt.
            StoreError: Redis cannot be used.
        """
        return self._committer.run(Job(work, size=size, spare=spare, urgent=urgent), self._wait_seconds)

    def _commit(self, jobs: list[Job[Any]]) -> None:
        # Whatever must always be possible leaves nothing of the reserve free, and is made in a full memory, too.
        for group in ([job for job in jobs if job.spare], [job for job in jobs if not job.spare]):
            if group:
                self._commit_together(group, when_full=not group[0].spare)

    def _commit_together(self, jobs: list[Job[Any]], *, when_full: bool) -> None:
        try:
            self._try(jobs, when_full=when_full)
        except Exception as error:  # noqa: BLE001 the requester gets it, and this thread must go on
            for job in jobs:
                job.finish(error)
            return
        for job in jobs:
            job.finish()

    def _try(self, jobs: list[Job[Any]], *, when_full: bool) -> None:
        for _ in range(ATTEMPTS):
            transaction = Transaction(self._server, self._recent, guesses=True)
            for job in jobs:
                self._do(job, transaction)
            numbers = transaction.commit(when_full=when_full)
            if numbers is not None:
                for job in jobs:
                    job.result = _resolve(job.result, numbers)
                return
        raise StoreBusy("other processes have changed the same records in every attempt: send the same again")

    def _do(self, job: Job[Any], transaction: Transaction) -> None:
        if not job.start():
            return
        transaction.forget_undo()
        try:
            if self.room.is_due(job.size):
                self._measure(self._server.describe())
            self.room.require(job.spare, job.size)
            job.result = job.work(RedisView(transaction))
        except Exception as error:  # noqa: BLE001 the requester gets it; the other jobs go on without its changes
            transaction.undo()
            job.error = error

    def _measure(self, described: dict[str, Any]) -> None:
        self.room.limit = int(described["maxmemory"]) or self._map_bytes
        self.room.measure(int(described["used_memory"]))
        self.room.disk_error = find_trouble(described)

    def look_after(self) -> None:
        """Measure the memory, and refuse a Redis that has lost changes or is not fit any more.

        Raises:
            StoreForeign: Changes were lost.
            StoreError: Redis cannot be used.
        """
        self._server.require_whole()
        self._measure(require_fit(self._server, self._durability))

    def settle(self) -> None:
        """Do nothing: Redis writes its log before it answers, and to the disk by its own settings."""

    def announce_size(self) -> None:
        """Do nothing: the size is a setting of Redis, and each process reads it."""

    def close(self) -> None:
        """Finish what waits, and close the connections."""
        self._committer.stop(self._wait_seconds)


class RedisView(View):
    """A view over a transaction of Redis."""

    __slots__ = ("_buffer",)
    keeps_digest = False

    def __init__(self, transaction: Transaction) -> None:
        super().__init__(transaction, {})
        self._buffer = transaction

    def has(self, database: str) -> bool:  # noqa: ARG002 a database of Redis begins with its first key
        """Return whether there is such a database."""
        return True

    def get(self, database: str, key: bytes) -> bytes | None:
        """Return the value of a key, or None."""
        return self._buffer.get(database, key)

    def put(self, database: str, key: bytes, value: bytes) -> None:
        """Write a value; an earlier one is replaced."""
        self.changed = True
        self._buffer.put(database, key, value)

    def replace(self, database: str, key: bytes, before: bytes | None, value: bytes) -> None:  # noqa: ARG002
        """Write a value."""
        self.put(database, key, value)

    def append(self, database: str, key: bytes, value: bytes) -> None:
        """Write a value under a key that is known to be larger than all others."""
        self.put(database, key, value)

    def delete(self, database: str, key: bytes) -> None:
        """Remove a key, if it is there."""
        self.changed = True
        self._buffer.put(database, key, None)

    def clear(self, database: str) -> None:
        """Remove all keys."""
        self.changed = True
        self._buffer.clear(database)

    def count(self, database: str) -> int:
        """Return the number of keys."""
        return self._buffer.count(database)

    def items(self, database: str, start: bytes = b"", stop: bytes | None = None) -> Iterator[tuple[bytes, bytes]]:
        """Yield keys and values in the order of the keys, from `start` on, up to the key before `stop`."""
        return self._buffer.items(database, start, stop)

    def prefetch(self, addresses: Sequence[tuple[str, bytes]], spans: Sequence[Span] = ()) -> None:
        """Read records and ranges of keys in one call."""
        self._buffer.prefetch(addresses, spans)

    def last_key(self, database: str) -> bytes | None:
        """Return the largest key; None if there is none."""
        return self._buffer.last_key(database)

    def next_number(self, name: str) -> int:
        """Return a mark for the next number of a counter."""
        self.changed = True
        return self._buffer.next_number(name)

    def latest_number(self, name: str) -> int:
        """Return a mark for the number of a counter at the commit."""
        return self._buffer.numbers.latest(name)

    def number(self, name: str) -> int:
        """Return the counter `name`, with what this transaction adds to it; 0 if it was never set."""
        return super().number(name) + self._buffer.numbers.raised.get(name, 0)

    def start_digest(self, databases: Sequence[str]) -> None:
        """Do nothing: Redis repeats its log in order, so that records of different times cannot meet."""


def _resolve(result: Any, numbers: dict[int, int]) -> Any:
    """Return the result of work with numbers in place of marks; only lists of arrival numbers have any."""
    return [numbers.get(each, each) for each in result] if isinstance(result, list) else result
