"""Live labels: what clients have said about a terminal's young transactions, for the decisions at this terminal.

A decision reads `live_changes` alone: one record for each hour with labelled events, however many labels there are. It
is kept up to date with every label that arrives. A terminal without live labels costs one look-up.
"""

from collections.abc import Iterator
from operator import attrgetter
from typing import Final

from antifraud.clock import HOUR_SECONDS
from antifraud.features.labels import Change, changes_of
from antifraud.features.live_labels import NEVER_DUE, add_up_changes
from serving.store.keys import NUMBER_BYTES, integer_of, key_of
from serving.store.records import Label, pack, unpack_changes, unpack_labels
from serving.store.view import Span, View

LABELS: Final = "live_labels"
CHANGES: Final = "live_changes"
_learned_at = attrgetter("learned_at")


def add_live_label(view: View, terminal: str, event_time: int, label: Label) -> bool:
    """Add a label to those of its transaction; return False if it has come before."""
    hour = terminal.encode() + key_of(event_time // HOUR_SECONDS)
    key = hour + key_of(label.arrival)
    stored = view.get(LABELS, key)
    before = unpack_labels(stored) if stored else []
    if label in before:
        return False
    after = [*before, label]
    view.put(LABELS, key, pack(after))
    _change_sums(view, hour, taken=_changes(before, event_time), added=_changes(after, event_time))
    return True


def _changes(labels: list[Label], event_time: int) -> list[Change]:
    said = ((label.learned_at, label.status) for label in sorted(labels, key=_learned_at))
    return changes_of(said, event_time, NEVER_DUE)


def _change_sums(view: View, hour: bytes, *, taken: list[Change], added: list[Change]) -> None:
    """Replace one transaction's changes in the sums of the hour of its event."""
    stored = view.get(CHANGES, hour)
    before = unpack_changes(stored) if stored else []
    taken_back = (Change(at, since, -known, -fraud) for at, since, known, fraud in taken)
    sums = add_up_changes([*(Change(*change) for change in before), *taken_back, *added])
    view.put(CHANGES, hour, pack(sums))


def stored_changes(view: View, terminal: str, hours: range) -> list[tuple[int, bytes]]:
    """Return each hour of `hours` with labelled events, and the packed changes that their labels make."""
    return [(_hour_of(key, terminal), text) for key, text in _items(view, CHANGES, terminal, hours)]


def remove_live_labels(view: View, terminal: str, before_hour: int) -> None:
    """Remove the labels of a terminal's transactions before an hour."""
    for database in (LABELS, CHANGES):
        # The keys are collected first: a cursor must not stand on a key that is being deleted.
        for key in [key for key, _ in _items(view, database, terminal, range(before_hour))]:
            view.delete(database, key)


def _items(view: View, database: str, terminal: str, hours: range) -> Iterator[tuple[bytes, bytes]]:
    return view.items(*span_of(database, terminal, hours))


def span_of(database: str, terminal: str, hours: range) -> Span:
    """Return the range of the keys of a terminal's hours."""
    prefix = terminal.encode()
    return database, prefix + key_of(max(hours.start, 0)), prefix + key_of(max(hours.stop, 0))


def _hour_of(key: bytes, terminal: str) -> int:
    return integer_of(key[len(terminal) : len(terminal) + NUMBER_BYTES])
