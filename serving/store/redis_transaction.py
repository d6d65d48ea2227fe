"""A transaction over Redis: it notes each record that it reads, with its version, and keeps its changes to itself.

The commit is one function inside Redis. It makes the changes only if every record and every range that was read is
still the same. So the rules of the store run outside of Redis, over LMDB and Redis alike.

Many decisions a second take the next arrival number, and must not exclude each other by that. So a transaction gives
out *marks* instead of numbers: eight bytes that occur nowhere else. The function puts the numbers in their places.
"""

import secrets
from collections.abc import Callable, Iterator, Sequence
from typing import Final, NamedTuple

from serving.store.keys import integer_of
from serving.store.redis_recent import Recent
from serving.store.redis_server import NONE, Address, Piece, Record, Server, lower_bound, upper_bound
from serving.store.view import Span

PAGE: Final = 200
"""Records of a range that are read at once."""
GROWING: Final = frozenset({"stubs", "entries", "labels", "outcomes"})
"""Databases whose keys are numbers in the order of arrival: what comes later changes nothing of what was read."""
WITHOUT_ORDER: Final = frozenset({"ids", "pending", "customers", "meta"})
"""Databases of which no range is ever read."""
_MARK_BYTES: Final = 6


class SpanRead(NamedTuple):
    """A range of keys that was read, as far as it was: a commit needs the same keys in it."""

    database: str
    first: bytes
    stop: bytes | None
    keys: list[bytes]
    ended: list[bool]

    def words(self) -> tuple[bytes | str | int, ...]:
        """Return the question whether the keys are still the same."""
        last = upper_bound(self.stop) if self.ended else b"[" + self.keys[-1]
        return (self.database, lower_bound(self.first), last, len(self.keys), *self.keys)


class Numbers:
    """The marks of a transaction: each stands for a counter plus an offset."""

    def __init__(self) -> None:
        # The highest bit is set, so that a mark is larger than every number, and every encoding gives it eight bytes.
        self.mark = bytes([0x80 | secrets.randbits(7)]) + secrets.token_bytes(_MARK_BYTES - 1)
        self.raised: dict[str, int] = {}
        self._places: dict[tuple[str, int], int] = {}

    def next(self, name: str) -> int:
        """Return a mark for the next number of a counter."""
        self.raised[name] = self.raised.get(name, 0) + 1
        return self.latest(name)

    def latest(self, name: str) -> int:
        """Return a mark for the present number of a counter."""
        offset = self.raised.setdefault(name, 0)
        place = self._places.setdefault((name, offset), len(self._places) + 1)
        return integer_of(self.mark + place.to_bytes(2, "big"))

    def words(self) -> list[bytes | str | int]:
        """Return counters and marks as the function expects them."""
        counters = {name: place for place, name in enumerate(self.raised, 1)}
        words: list[bytes | str | int] = [len(counters)]
        for name, count in self.raised.items():
            words += (name, count)
        words.append(len(self._places))
        for name, offset in self._places:
            words += (counters[name], offset)
        return words

    def resolve(self, numbers: Sequence[bytes]) -> dict[int, int]:
        """Return the number of each mark."""
        marks = (integer_of(self.mark + place.to_bytes(2, "big")) for place in self._places.values())
        return dict(zip(marks, map(integer_of, numbers), strict=True))


class Transaction:
    """One transaction. With `guesses`, records that this process has used lately are taken as read."""

    def __init__(self, server: Server, recent: Recent, *, guesses: bool) -> None:
        self._server, self._recent, self._guesses = server, recent, guesses
        self._records: dict[Address, Record] = {}
        self._spans: list[SpanRead] = []
        self._pages: dict[Piece, list[tuple[bytes, Record]]] = {}
        self._written: dict[str, dict[bytes, bytes | None]] = {}
        self._cleared: set[str] = set()
        self._undo: list[Callable[[], object]] = []
        self._moment: bytes | None = None
        self.numbers = Numbers()

    def get(self, database: str, key: bytes) -> bytes | None:
        """Return the value of a key, or None."""
        own = self._written.get(database, {})
        if key in own:
            return own[key]
        if database in self._cleared:
            return None
        return self._read((database, key)).value

    def put(self, database: str, key: bytes, value: bytes | None) -> None:
        """Write a value, or None to remove the key."""
        own = self._written.setdefault(database, {})
        if key in own:
            before = own[key]
            self._undo.append(lambda: own.__setitem__(key, before))
        else:
            self._undo.append(lambda: own.pop(key))
        own[key] = value

    def clear(self, database: str) -> None:
        """Remove all keys."""
        before = self._written.get(database, {})
        self._undo.append(lambda: self._written.__setitem__(database, before))
        if database not in self._cleared:
            self._undo.append(lambda: self._cleared.discard(database))
        self._written[database] = {}
        self._cleared.add(database)

    def next_number(self, name: str) -> int:
        """Return a mark for the next number of a counter."""
        self._undo.append(lambda: self.numbers.raised.__setitem__(name, self.numbers.raised[name] - 1))
        return self.numbers.next(name)

    def forget_undo(self) -> None:
        """Begin the part of the transaction that `undo` takes back."""
        self._undo.clear()

    def undo(self) -> None:
        """Take back the changes since `forget_undo`."""
        for take_back in reversed(self._undo):
            take_back()
        self._undo.clear()

    def count(self, database: str) -> int:
        """Return the number of keys, with the changes of this transaction."""
        count = 0 if database in self._cleared else self._server.count(database)
        for key, value in self._written.get(database, {}).items():
            is_stored = database not in self._cleared and self._read((database, key)).value is not None
            count += (value is not None) - is_stored
        return count

    def last_key(self, database: str) -> bytes | None:
        """Return the largest stored key; None if there is none."""
        return self._server.last_key(database)

    def prefetch(self, addresses: Sequence[Address], spans: Sequence[Span]) -> None:
        """Read what is not known yet, all of one moment."""
        unknown = [address for address in addresses if self._find(address) is None]
        pieces = [
            Piece(*span, PAGE) for span in spans if not (self._guesses and self._recent.find_span(span) is not None)
        ]
        if unknown or pieces:
            self._fetch(unknown, pieces)

    def items(self, database: str, start: bytes, stop: bytes | None) -> Iterator[tuple[bytes, bytes]]:
        """Yield keys and values in order, with the changes of this transaction."""
        own = self._written.get(database, {})
        mine = sorted(key for key in own if start <= key and (stop is None or key < stop))
        stored = iter(()) if database in self._cleared else self._stored(database, start, stop)
        return _overlay(stored, [(key, own[key]) for key in mine]) if mine else stored

    def _stored(self, database: str, start: bytes, stop: bytes | None) -> Iterator[tuple[bytes, bytes]]:
        grows = database in GROWING
        span = SpanRead(database, start, stop, [], [])
        if not grows:
            self._spans.append(span)
        place, page = start, self._page(Piece(database, start, stop, PAGE))
        while True:
            for key, record in page:
                # A record that came after the moment of this view belongs to none of its other records.
                if grows and not self._guesses and self._moment and record.version > self._moment:
                    return
                if not grows:
                    span.keys.append(key)
                    record = self._records.setdefault((database, key), record)  # noqa: PLW2901 as read before
                if record.value is not None:
                    yield key, record.value
            if len(page) < PAGE:
                span.ended.append(True)
                return
            place = page[-1][0] + b"\0"
            page = self._page(Piece(database, place, stop, PAGE))

    def _page(self, piece: Piece) -> list[tuple[bytes, Record]]:
        if (known := self._pages.get(piece)) is not None:
            return known
        if self._guesses and piece.stop is not None:
            guess = self._recent.find_span((piece.database, piece.first, piece.stop))
            if guess is not None:
                return guess
        return self._fetch([], [piece])[0]

    def _find(self, address: Address) -> Record | None:
        found = self._records.get(address)
        if found is None and self._guesses and (found := self._recent.records.get(address)) is not None:
            self._records[address] = found
        return found

    def _read(self, address: Address) -> Record:
        if (known := self._find(address)) is None:
            self._fetch([address], [])
            known = self._records[address]
        return known

    def _fetch(self, addresses: Sequence[Address], pieces: Sequence[Piece]) -> list[list[tuple[bytes, Record]]]:
        reading = self._server.read(addresses, pieces)
        self._moment = self._moment or reading.moment
        for address, record in zip(addresses, reading.records, strict=True):
            self._records[address] = self._recent.records[address] = record
        for piece, found in zip(pieces, reading.pieces, strict=True):
            self._pages[piece] = found
            if piece.stop is not None and len(found) < piece.limit:
                self._recent.note_span((piece.database, piece.first, piece.stop), found)
        self._recent.keep_small()
        return reading.pieces

    def commit(self, *, when_full: bool) -> dict[int, int] | None:
        """Make the changes, and return the number of each mark; None, and no change, if something has changed.

        Raises:
            StoreError: Redis cannot be used.
        """
        # A refusal needs no memory: only what it was decided from is compared.
        is_empty = not (any(self._written.values()) or self._cleared or any(self.numbers.raised.values()))
        done = self._server.commit(self._words(), when_full=when_full or is_empty)
        if not done.version:
            self._recent.correct(
                done.changed, [(span.database, span.first, span.stop) for span in self._spans if span.stop]
            )
            return None
        self._note_written(done.version)
        return self.numbers.resolve(done.numbers)

    def _words(self) -> list[bytes | str | int]:
        words: list[bytes | str | int] = [len(self._records)]
        for (database, key), record in self._records.items():
            words += (database, key, record.version)
        spans = [span for span in self._spans if span.ended or span.keys]
        words.append(len(spans))
        for span in spans:
            words += span.words()
        words += self.numbers.words()
        words += (self.numbers.mark, len(self._cleared), *self._cleared)
        changes = [(name, key, value) for name, own in self._written.items() for key, value in own.items()]
        words.append(len(changes))
        for database, key, value in changes:
            action = "put" if database in WITHOUT_ORDER else "put in order"
            words += ("delete" if value is None else action, database, key, value or b"")
        return words

    def _note_written(self, version: bytes) -> None:
        mark, recent = self.numbers.mark, self._recent
        for name in self.numbers.raised:
            recent.records.pop(("meta", name.encode()), None)
        for database in self._cleared:
            recent.forget(database)
        for database, own in self._written.items():
            for key, value in own.items():
                if mark in key:
                    continue
                if value is None or mark in value:
                    recent.records.pop((database, key), None)
                else:
                    recent.records[database, key] = Record(version, value)
                if self._records.get((database, key), Record(NONE, None)).value is None or value is None:
                    recent.forget_spans(database, key)
        recent.keep_small()


def _overlay(
    stored: Iterator[tuple[bytes, bytes]], own: Sequence[tuple[bytes, bytes | None]]
) -> Iterator[tuple[bytes, bytes]]:
    """Yield stored records and own ones in order; an own one replaces the stored one, None removes it."""
    waiting = list(reversed(own))
    for key, value in stored:
        while waiting and waiting[-1][0] < key:
            before, mine = waiting.pop()
            if mine is not None:
                yield before, mine
        if waiting and waiting[-1][0] == key:
            _, mine = waiting.pop()
            if mine is not None:
                yield key, mine
        else:
            yield key, value
    for key, mine in reversed(waiting):
        if mine is not None:
            yield key, mine
