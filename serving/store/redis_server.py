"""The calls to Redis: two functions that run inside it, with its failures as errors of the store.

`serving/store/functions.lua` has the functions. No call is repeated: if its answer is lost, a commit may have been
made, and whoever sends the same request again finds out.
"""

import hashlib
import uuid
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final, NamedTuple

import redis
from redis.backoff import NoBackoff
from redis.exceptions import NoPermissionError, OutOfMemoryError
from redis.retry import Retry

from antifraud.errors import StoreBusy, StoreError, StoreForeign, StoreFull
from antifraud.settings.accounts import load_account
from antifraud.settings.serving import StoreSettings

PREFIX: Final = b"antifraud:"
HELP: Final = "see docs/runbook.md, Redis"
LOST: Final = (
    "Redis has lost changes that were acknowledged, by a failover or an older copy: nothing was changed, "
    "docs/runbook.md, Redis, says how to go on"
)
CLIENT_KEPT_SECONDS: Final = 7 * 86_400
"""The number of a client's commits is kept for so long after its last one. Every process commits more often."""
NONE: Final = bytes(8)
"""The version of a record that is not there."""
_SOURCE: Final = (Path(__file__).parent / "functions.lua").read_text()
# Scorers of two versions can share a store while one replaces the other.
_LIBRARY: Final = f"antifraud_{hashlib.sha256(_SOURCE.encode()).hexdigest()[:12]}"
_CODE: Final = f"#!lua name={_LIBRARY}\n{_SOURCE.replace('LIBRARY', _LIBRARY)}"
_FAILURES: Final = (
    (redis.ReadOnlyError, "Redis is a replica and takes no changes: name the primary in ANTIFRAUD_STORE_URL"),
    (redis.AuthenticationError, "Redis refuses the account: correct the file of ANTIFRAUD_STORE_ACCOUNT"),
    (NoPermissionError, f"Redis forbids a command to the account: {HELP}"),
    (redis.BusyLoadingError, "Redis is loading its records: wait until it has"),
    (redis.ConnectionError, f"Redis cannot be reached: {HELP}"),
)
"""By kind of failure, what an operator can do. The first kind that fits counts."""

Address = tuple[str, bytes]
"""Database and key."""


class Record(NamedTuple):
    """The value of a key, None if there is none, and its version."""

    version: bytes
    value: bytes | None


class Piece(NamedTuple):
    """A question for the records from key `first` to the key before `stop`, at most `limit`."""

    database: str
    first: bytes
    stop: bytes | None
    limit: int


class Reading(NamedTuple):
    """Answers of one moment: the number of the newest commit, records, and pieces of ranges."""

    moment: bytes
    records: list[Record]
    pieces: list[list[tuple[bytes, Record]]]


class Commit(NamedTuple):
    """The answer to a commit: version and numbers if it was made, otherwise the records that have changed."""

    version: bytes
    numbers: list[bytes]
    changed: list[tuple[Address, Record]]


class Server:
    """The Redis of the settings, as one process uses it."""

    def __init__(self, settings: StoreSettings) -> None:
        # The library's types are those of its two kinds of clients at once.
        self._client: Any = _connect(settings)
        self._wait_seconds = settings.store_wait_seconds
        self._replicas = settings.store_replicas
        self._name, self._age = uuid.uuid4().hex, b"0"
        self._known = self._sequence = 0

    def load(self, *, accept: bool = False) -> None:
        """Load the functions; `accept` goes on with a store that has lost changes.

        Raises:
            StoreForeign: Changes were lost, and nobody has accepted that.
            StoreError: Redis cannot be used.
        """
        with _as_store_errors(self._wait_seconds):
            self._client.execute_command("FUNCTION LOAD", "REPLACE", _CODE)
            if accept and self._client.delete(PREFIX + b"lost"):
                self._client.incr(PREFIX + b"age")
            self._age = self._client.get(PREFIX + b"age") or b"0"
        self.require_whole()

    def require_whole(self) -> None:
        """Refuse a store that has lost changes.

        Raises:
            StoreForeign: It has.
            StoreError: Redis cannot be used.
        """
        with _as_store_errors(self._wait_seconds):
            age, lost = self._client.mget(PREFIX + b"age", PREFIX + b"lost")
        if lost is not None or (age or b"0") != self._age:
            raise StoreForeign(LOST)

    def describe(self) -> dict[str, Any]:
        """Return what Redis says about itself.

        Raises:
            StoreError: Redis cannot be used.
        """
        with _as_store_errors(self._wait_seconds):
            return dict(self._client.info())

    def setting(self, name: str) -> str | None:
        """Return a setting of Redis; None if it may not be asked.

        Raises:
            StoreError: Redis cannot be used.
        """
        with _as_store_errors(self._wait_seconds):
            try:
                return str(self._client.config_get(name)[name])
            except redis.ResponseError:
                return None

    def read(self, addresses: Sequence[Address], pieces: Sequence[Piece] = ()) -> Reading:
        """Read records and pieces of ranges, all of one moment.

        Raises:
            StoreError: Redis cannot be used.
        """
        words: list[bytes | str | int] = []
        for database, key in addresses:
            words += ("get", database, key)
        for piece in pieces:
            words += ("between", piece.database, lower_bound(piece.first), upper_bound(piece.stop), piece.limit)
        moment, *answers = self._ask(words)
        records = [record_of(answer) for answer in answers[: len(addresses)]]
        return Reading(moment, records, [list(_pairs_of(answer)) for answer in answers[len(addresses) :]])

    def count(self, database: str) -> int:
        """Return the number of keys of a database."""
        return int(self._ask(["count", database])[1])

    def last_key(self, database: str) -> bytes | None:
        """Return the largest key of a database; None if there is none."""
        key: bytes | None = self._ask(["last", database])[1]
        return key

    def commit(self, words: Sequence[bytes | str | int], *, when_full: bool) -> Commit:
        """Compare and set; `when_full` also if the memory of Redis is full.

        Raises:
            StoreForeign: Redis has lost changes that were acknowledged.
            StoreBusy: The answer has not come in time, or too few replicas have the change.
            StoreError: Redis cannot be used.
        """
        self._sequence += 1
        mine = (self._age, self._name, self._known, self._sequence, CLIENT_KEPT_SECONDS)
        name = f"{_LIBRARY}_commit_when_full" if when_full else f"{_LIBRARY}_commit"
        with _as_store_errors(self._wait_seconds), self._client.pipeline(transaction=False) as pipeline:
            pipeline.execute_command("FCALL", name, 1, PREFIX, *mine, *words)
            if self._replicas:
                # On the same connection: a replica is asked for what this connection has written.
                pipeline.execute_command("WAIT", self._replicas, int(self._wait_seconds * 500))
            answer, *reached = pipeline.execute()
        if answer[0] == b"lost":
            raise StoreForeign(LOST)
        if answer[0] == b"changed":
            found = [(each[0].decode(), *each[1:]) for each in answer[1]]
            # An entry without a key says that the keys of a range have changed.
            return Commit(b"", [], [((each[0], each[1]), record_of(each[2])) for each in found if len(each) > 1])
        if reached and reached[0] < self._replicas:
            raise StoreBusy(f"{reached[0]} of {self._replicas} replicas have the change: send the same again")
        self._known = self._sequence
        return Commit(answer[1], answer[2], [])

    def close(self) -> None:
        """Close the connections."""
        self._client.close()

    def _ask(self, words: Sequence[bytes | str | int]) -> list[Any]:
        with _as_store_errors(self._wait_seconds):
            return list(self._client.execute_command("FCALL_RO", f"{_LIBRARY}_read", 1, PREFIX, *words))


def record_of(blob: bytes | None) -> Record:
    """Return the record of a stored blob.

    >>> record_of(b"12345678value"), record_of(None).value
    (Record(version=b'12345678', value=b'value'), None)
    """
    return Record(NONE, None) if blob is None else Record(blob[: len(NONE)], blob[len(NONE) :])


def lower_bound(key: bytes) -> bytes:
    """Return how Redis spells a range of keys that begins with `key`."""
    return b"[" + key if key else b"-"


def upper_bound(stop: bytes | None) -> bytes:
    """Return how Redis spells a range of keys that ends before `stop`."""
    return b"+" if stop is None else b"(" + stop


def _pairs_of(answer: Sequence[bytes]) -> Iterator[tuple[bytes, Record]]:
    for key, blob in zip(answer[::2], answer[1::2], strict=True):
        yield key, record_of(blob)


def _connect(settings: StoreSettings) -> "redis.Redis":
    options: dict[str, Any] = {}
    if settings.store_account:
        account = load_account(settings.store_account)
        options |= {"username": account.user, "password": account.password}
    if settings.store_ca:
        options["ssl_ca_certs"] = str(settings.store_ca)
    seconds = settings.store_wait_seconds
    # The library would send a command again whose answer was lost.
    never = Retry(NoBackoff(), 0)
    return redis.Redis.from_url(
        settings.store_url, socket_timeout=seconds, socket_connect_timeout=seconds, retry=never, **options
    )


@contextmanager
def _as_store_errors(seconds: float) -> Iterator[None]:
    try:
        yield
    except redis.TimeoutError:
        raise StoreBusy(f"Redis did not answer in {seconds:g} s: send the same again") from None
    except redis.RedisError as error:
        raise _store_error(error) from None


def _store_error(error: redis.RedisError) -> StoreError:
    """Return the failure as what an operator can do about it; the text of Redis can have keys in it."""
    if isinstance(error, OutOfMemoryError):
        return StoreFull("the memory of Redis is full: release shipped decisions, or raise its maxmemory")
    if str(error).startswith("MISCONF"):
        return StoreFull("Redis cannot write to its disk and takes no changes: make room there")
    return StoreError(next((text for kind, text in _FAILURES if isinstance(error, kind)), _refused(error)))


def _refused(error: redis.RedisError) -> str:
    # The first word of an answer of Redis is a code.
    return f"Redis cannot be used ({type(error).__name__} {str(error).split(' ')[0]}): {HELP}"
