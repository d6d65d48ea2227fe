"""The decision store: one LMDB environment that all workers and the guard of a host share.

Named databases (keys are big-endian, so they sort):

| database | key | value |
| --- | --- | --- |
| live | token | hour buckets after the cut-off (`serving/decisions/live.py`) |
| decisions | transaction id | `Decision` |
| labels | sequence | `Label` |
| pending | day, terminal, transaction id | label that waits for its cohort to mature |
| judged | transaction id | empty: its label is in the evidence |
| blocks | day, epoch, release, terminal | legitimate rows counted, flagged ones among them |
| evidence | epoch, release | detector state, JSON |
| switch | ``now``, or epoch | switch, JSON; the epochs are its history |
| outbox | notification id | notification that was not delivered yet |
| dead | notification id | notification that was given up |
| workers | name | what a process last reported |
| meta | name | counters |

LMDB has one writer at a time over all processes, and a reader never waits. It is opened without sync: what a killed
process had committed is there (the page cache has it), and a poller flushes once a second against a power cut.
"""

import struct
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import lmdb

from antifraud.errors import StoreError

DATABASES: Final = (
    "live", "decisions", "labels", "pending", "judged", "blocks", "evidence", "switch", "outbox", "dead", "workers",
    "meta",
)  # fmt: skip
_KEY = struct.Struct(">Q")

Transaction = Any
"""An `lmdb.Transaction`; the package has no types."""


class Store:
    """An open decision store. Open it after the fork: LMDB environments do not survive one."""

    def __init__(self, folder: Path, map_bytes: int) -> None:
        """Open the store in `folder`, made if missing; it can grow to `map_bytes`.

        Raises:
            StoreError: The folder does not hold a usable store.
        """
        try:
            folder.mkdir(parents=True, exist_ok=True)
            self._env = lmdb.open(
                str(folder), map_size=map_bytes, max_dbs=len(DATABASES), sync=False, metasync=False, mode=0o600
            )
            self._env.reader_check()  # forget readers that were killed, they would keep old pages alive
            self._db = {name: self._env.open_db(name.encode()) for name in DATABASES}
        except (lmdb.Error, OSError) as error:
            raise _store_error(error) from error

    @contextmanager
    def write(self) -> Iterator["View"]:
        """An atomic change: everything inside is committed at the end, or nothing if it raises.

        Raises:
            StoreError: The store is full or cannot be written.
        """
        try:
            with self._env.begin(write=True) as transaction:
                yield View(transaction, self._db)
        except lmdb.Error as error:
            raise _store_error(error) from error

    @contextmanager
    def read(self) -> Iterator["View"]:
        """A consistent view of one moment; never waits for a writer.

        Raises:
            StoreError: The store cannot be read.
        """
        try:
            with self._env.begin() as transaction:
                yield View(transaction, self._db)
        except lmdb.Error as error:
            raise _store_error(error) from error

    def flush(self) -> None:
        """Bring what is committed to the disk.

        Raises:
            StoreError: The disk refuses.
        """
        try:
            self._env.sync(True)
        except lmdb.Error as error:
            raise _store_error(error) from error

    def close(self) -> None:
        """Close the environment; a process can then open it again."""
        self._env.close()


class View:
    """One LMDB transaction over the named databases; valid inside its ``with`` only."""

    def __init__(self, transaction: Transaction, databases: dict[str, Any]) -> None:
        self._transaction = transaction
        self._db = databases

    def get(self, database: str, key: bytes) -> bytes | None:
        """The value of a key, or None."""
        value: bytes | None = self._transaction.get(key, db=self._db[database])
        return value

    def put(self, database: str, key: bytes, value: bytes) -> None:
        """Write a value, replacing an earlier one."""
        self._transaction.put(key, value, db=self._db[database])

    def delete(self, database: str, key: bytes) -> None:
        """Remove a key; one that is not there is fine."""
        self._transaction.delete(key, db=self._db[database])

    def count(self, database: str) -> int:
        """Number of keys."""
        return int(self._transaction.stat(self._db[database])["entries"])

    def items(self, database: str, start: bytes = b"") -> Iterator[tuple[bytes, bytes]]:
        """Keys from `start` on, with values, in order."""
        cursor = self._transaction.cursor(db=self._db[database])
        if cursor.set_range(start):
            yield from cursor

    def next_number(self, name: str) -> int:
        """The next number of the counter `name`: 1, 2, 3, …; part of this transaction."""
        number = self.number(name) + 1
        self.set_number(name, number)
        return number

    def number(self, name: str) -> int:
        """The counter `name`, 0 if it was never set."""
        stored = self.get("meta", name.encode())
        return integer_of(stored) if stored else 0

    def set_number(self, name: str, number: int) -> None:
        """Set the counter `name`."""
        self.put("meta", name.encode(), key_of(number))


def key_of(number: int) -> bytes:
    """A non-negative 64-bit integer as a key that sorts by value.

    >>> key_of(255) < key_of(256), integer_of(key_of(7))
    (True, 7)
    """
    return _KEY.pack(number)


def integer_of(key: bytes) -> int:
    """The inverse of `key_of`."""
    return int(_KEY.unpack(key)[0])


def _store_error(error: Exception) -> StoreError:
    if isinstance(error, lmdb.MapFullError):
        return StoreError("the decision store is full: raise ANTIFRAUD_STORE_MAP_BYTES and restart the scorer")
    return StoreError(f"the decision store cannot be used ({type(error).__name__}): see docs/runbook.md, Store")
