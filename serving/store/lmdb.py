"""The decision store: one LMDB environment that all workers and the guard of a host share.

Named databases (numbers in keys are big-endian, so they sort; ids sort by length and bytes):

| database | key | value |
| --- | --- | --- |
| live | token | hour buckets after the cut-off (`serving/decisions/live.py`) |
| decisions | transaction id | `Decision` |
| labels | sequence | `Label` |
| live_labels | terminal, hour of the event, transaction id | labels in the order of arrival |
| live_changes | terminal, hour of the event | the changes that these labels make, summed up |
| pending | day, terminal, transaction id | label that waits for its cohort to mature |
| judged | transaction id | empty; the transaction counts in the evidence |
| blocks | day, epoch, release, terminal | counted legitimate rows, and the flagged ones among them |
| evidence | epoch, release | detector state, JSON |
| switch | ``now``, or epoch | switch, JSON; the epochs are its history |
| outbox | notification id | notification that is not delivered yet |
| dead | notification id | notification that was given up |
| workers | name | last report of a process |
| meta | name | counters |

LMDB has one writer at a time over all processes, and a reader never waits. The store is opened without sync. Commits of
a killed process survive in the page cache; against a power cut, every poller flushes once a second.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import lmdb

from antifraud.errors import StoreError
from serving.store.earlier import bring_up_to_date, is_of_this_version
from serving.store.keys import integer_of, key_of

DATABASES: Final = (
    "live", "decisions", "labels", "live_labels", "live_changes",
    "pending", "judged", "blocks", "evidence", "switch", "outbox", "dead",
    "workers", "meta",
)  # fmt: skip

Transaction = Any
"""An `lmdb.Transaction`; the package has no types."""


class Store:
    """An open decision store. Open it after the fork: LMDB environments do not survive one."""

    def __init__(self, folder: Path, map_bytes: int) -> None:
        """Open the store in `folder`, which is made if it is missing; the store can grow to `map_bytes`.

        Raises:
            StoreError: The folder does not hold a usable store.
        """
        try:
            folder.mkdir(parents=True, exist_ok=True)
            self._env = lmdb.open(
                str(folder), map_size=map_bytes, max_dbs=len(DATABASES), sync=False, metasync=False, mode=0o600
            )
            self._env.reader_check()  # removes killed readers, which would keep old pages from being reused
            self._db = {name: self._env.open_db(name.encode()) for name in DATABASES}
        except (lmdb.Error, OSError) as error:
            raise _store_error(error) from error
        with self.read() as view:
            current = is_of_this_version(view)
        if not current:
            with self.write() as view:
                bring_up_to_date(view)

    @contextmanager
    def write(self) -> Iterator["View"]:
        """Open an atomic change: its end commits everything, an exception commits nothing.

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
        """Open a consistent view of one moment, without waiting for a writer.

        Raises:
            StoreError: The store cannot be read.
        """
        try:
            with self._env.begin() as transaction:
                yield View(transaction, self._db)
        except lmdb.Error as error:
            raise _store_error(error) from error

    def flush(self) -> None:
        """Write all commits to the disk.

        Raises:
            StoreError: The disk does not accept them.
        """
        try:
            self._env.sync(True)
        except lmdb.Error as error:
            raise _store_error(error) from error

    def close(self) -> None:
        """Close the environment; the process can then open it again."""
        self._env.close()


class View:
    """One LMDB transaction over the named databases; valid only inside its ``with``."""

    def __init__(self, transaction: Transaction, databases: dict[str, Any]) -> None:
        self._transaction = transaction
        self._db = databases

    def get(self, database: str, key: bytes) -> bytes | None:
        """Return the value of a key, or None."""
        value: bytes | None = self._transaction.get(key, db=self._db[database])
        return value

    def put(self, database: str, key: bytes, value: bytes) -> None:
        """Write a value; an earlier one is replaced."""
        self._transaction.put(key, value, db=self._db[database])

    def delete(self, database: str, key: bytes) -> None:
        """Remove a key, if it is there."""
        self._transaction.delete(key, db=self._db[database])

    def clear(self, database: str) -> None:
        """Remove all keys."""
        self._transaction.drop(self._db[database], delete=False)

    def count(self, database: str) -> int:
        """Return the number of keys."""
        return int(self._transaction.stat(self._db[database])["entries"])

    def items(self, database: str, start: bytes = b"") -> Iterator[tuple[bytes, bytes]]:
        """Yield keys and values in the order of the keys, from `start` on."""
        cursor = self._transaction.cursor(db=self._db[database])
        if cursor.set_range(start):
            yield from cursor

    def next_number(self, name: str) -> int:
        """Raise the counter `name` by one in this transaction, and return it: 1, 2, 3, …."""
        number = self.number(name) + 1
        self.set_number(name, number)
        return number

    def number(self, name: str) -> int:
        """Return the counter `name`; 0 if it was never set."""
        stored = self.get("meta", name.encode())
        return integer_of(stored) if stored else 0

    def set_number(self, name: str, number: int) -> None:
        """Set the counter `name`."""
        self.put("meta", name.encode(), key_of(number))


def _store_error(error: Exception) -> StoreError:
    # The only failure that an operator cures with a setting.
    if isinstance(error, lmdb.MapFullError):
        return StoreError("the decision store is full: raise ANTIFRAUD_STORE_MAP_BYTES and restart the scorer")
    return StoreError(f"the decision store cannot be used ({type(error).__name__}): see docs/runbook.md, Store")
