"""Records that a process has read or written lately: a guess of what is stored, which every commit checks.

A decision is committed from what was read for its score, so a commit needs no reading of its own.
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import Final

from serving.store.redis_server import Address, Record
from serving.store.view import Span

MOST: Final = 20_000
"""Records that are kept; one of a busy terminal has a few kilobytes."""


class Recent:
    """The knowledge of one process. Threads may use it at once: each entry is right or found to be wrong for itself."""

    def __init__(self) -> None:
        self.records: dict[Address, Record] = {}
        self._spans: defaultdict[str, dict[Span, list[bytes]]] = defaultdict(dict)

    def note_span(self, span: Span, found: Sequence[tuple[bytes, Record]]) -> None:
        """Note all records of a range."""
        for key, record in found:
            self.records[span[0], key] = record
        self._spans[span[0]][span] = [key for key, _ in found]

    def find_span(self, span: Span) -> list[tuple[bytes, Record]] | None:
        """Return the records of a range; None if some are not known."""
        keys = self._spans[span[0]].get(span)
        if keys is None:
            return None
        found = [(key, self.records.get((span[0], key))) for key in keys]
        known = [(key, record) for key, record in found if record is not None]
        return known if len(known) == len(found) else None

    def correct(self, changed: Iterable[tuple[Address, Record]], spans: Iterable[Span]) -> None:
        """Take over records that were found to be different, and forget ranges that may be."""
        self.records.update(changed)
        for span in spans:
            self._spans[span[0]].pop(span, None)

    def forget(self, database: str) -> None:
        """Forget a whole database."""
        for address in [address for address in list(self.records) if address[0] == database]:
            self.records.pop(address, None)
        self._spans.pop(database, None)

    def forget_spans(self, database: str, key: bytes) -> None:
        """Forget the ranges that a new or removed key lies in."""
        spans = self._spans[database]
        for span in [span for span in list(spans) if span[1] <= key < span[2]]:
            spans.pop(span, None)

    def keep_small(self) -> None:
        """Forget everything once there is too much."""
        if len(self.records) + sum(map(len, list(self._spans.values()))) > MOST:
            self.records.clear()
            self._spans.clear()
