"""A view of the store: one transaction over the named databases.

Every change adds up to a *digest*: the sum of the checksums of all records. It is stored with the changes, so whoever
reads all records can tell whether some of them are older than the others. LMDB itself has no checksums.
"""

import zlib
from collections.abc import Iterator, Sequence
from typing import Any, Final

from serving.store.keys import integer_of, key_of

Transaction = Any
"""An `lmdb.Transaction`; the package has no types."""
Span = tuple[str, bytes, bytes]
"""A range of keys: the database, its first key, and the key that it ends before."""
META: Final = "meta"
DIGEST: Final = "digest"
_DIGEST_KEY: Final = DIGEST.encode()
_DIGEST_MASK: Final = (1 << 64) - 1


def checksum_of(key: bytes, value: bytes) -> int:
    """Return the checksum of a record.

    >>> checksum_of(b"a", b"bc") == checksum_of(b"a", b"bd")
    False
    """
    return zlib.crc32(value, zlib.crc32(key))


class View:
    """One transaction over the named databases; valid only while it is open. `changed` tells whether it has written.

    `difference` is what its changes add to the digest. `keeps_digest` is false where the storage needs none.
    """

    keeps_digest = True

    __slots__ = ("_db", "_transaction", "changed", "difference")

    def __init__(self, transaction: Transaction, databases: dict[str, Any]) -> None:
        self._transaction = transaction
        self._db = databases
        self.changed, self.difference = False, 0

    def has(self, database: str) -> bool:
        """Return whether there is such a database."""
        return database in self._db

    def get(self, database: str, key: bytes) -> bytes | None:
        """Return the value of a key, or None."""
        value: bytes | None = self._transaction.get(key, db=self._db[database])
        return value

    def put(self, database: str, key: bytes, value: bytes) -> None:
        """Write a value; an earlier one is replaced."""
        self.replace(database, key, self.get(database, key), value)

    def replace(self, database: str, key: bytes, before: bytes | None, value: bytes) -> None:
        """Write a value in place of `before`, which is known to be stored; None: the key is known to be new."""
        self.changed = True
        self.difference += checksum_of(key, value)
        if before is not None:
            self.difference -= checksum_of(key, before)
        self._transaction.put(key, value, db=self._db[database])

    def append(self, database: str, key: bytes, value: bytes) -> None:
        """Write a value under a key that is known to be larger than all others."""
        self.changed = True
        self.difference += checksum_of(key, value)
        self._transaction.put(key, value, append=True, db=self._db[database])

    def delete(self, database: str, key: bytes) -> None:
        """Remove a key, if it is there."""
        value = self.get(database, key)
        if value is None:
            return
        self.changed = True
        self.difference -= checksum_of(key, value)
        self._transaction.delete(key, db=self._db[database])

    def clear(self, database: str) -> None:
        """Remove all keys."""
        self.changed = True
        self.difference -= sum(checksum_of(key, value) for key, value in self.items(database))
        self._transaction.drop(self._db[database], delete=False)

    def count(self, database: str) -> int:
        """Return the number of keys."""
        return int(self._transaction.stat(self._db[database])["entries"])

    def items(self, database: str, start: bytes = b"", stop: bytes | None = None) -> Iterator[tuple[bytes, bytes]]:
        """Yield keys and values in the order of the keys, from `start` on, up to the key before `stop`."""
        cursor = self._transaction.cursor(db=self._db[database])
        if not cursor.set_range(start):
            return
        for key, value in cursor:
            if stop is not None and key >= stop:
                return
            yield key, value

    def prefetch(self, addresses: Sequence[tuple[str, bytes]], spans: Sequence[Span] = ()) -> None:
        """Read records and ranges of keys at once that the caller needs next; LMDB reads each when it is needed."""

    def last_key(self, database: str) -> bytes | None:
        """Return the largest key; None if there is none."""
        cursor = self._transaction.cursor(db=self._db[database])
        return bytes(cursor.key()) if cursor.last() else None

    def next_number(self, name: str) -> int:
        """Raise the counter `name` by one in this transaction, and return it: 1, 2, 3, ….

        The number may be stored and returned, and not compared: Redis assigns it with the commit.
        """
        key = name.encode()
        stored = self.get(META, key)
        number = (integer_of(stored) if stored else 0) + 1
        self.replace(META, key, stored, key_of(number))
        return number

    def latest_number(self, name: str) -> int:
        """Return the counter `name` as it is when the changes are committed: to be stored, and not to be compared."""
        return self.number(name)

    def number(self, name: str) -> int:
        """Return the counter `name`; 0 if it was never set."""
        stored = self.get(META, name.encode())
        return integer_of(stored) if stored else 0

    def set_number(self, name: str, number: int) -> None:
        """Set the counter `name`."""
        self.put(META, name.encode(), key_of(number))

    def add_to_digest(self, difference: int) -> None:
        """Store what changes add to the digest; the digest is no part of itself."""
        self._put_digest(self.number(DIGEST) + difference)

    def start_digest(self, databases: Sequence[str]) -> None:
        """Store the digest of all records, for databases that had none."""
        self._put_digest(self.compute_digest(databases))
        self.difference = 0

    def _put_digest(self, digest: int) -> None:
        self._transaction.put(_DIGEST_KEY, key_of(digest & _DIGEST_MASK), db=self._db[META])

    def compute_digest(self, databases: Sequence[str]) -> int:
        """Return the digest of all records."""
        total = sum(checksum_of(key, value) for name in databases for key, value in self.items(name))
        stored = self.get(META, _DIGEST_KEY)
        return (total - (checksum_of(_DIGEST_KEY, stored) if stored else 0)) & _DIGEST_MASK
