"""Live labels: what clients have said about a terminal's young transactions, for the decisions at this terminal.

A key begins with terminal and hour of the event. A decision therefore reads only the hours whose labels it may count,
and a terminal without live labels costs one look-up.
"""

from collections.abc import Iterator
from typing import Final

from antifraud.clock import HOUR_SECONDS
from serving.store.keys import NUMBER_BYTES, integer_of, key_of, key_of_id
from serving.store.lmdb import View
from serving.store.records import Label, pack, unpack_labels

DATABASE: Final = "live_labels"


def add_live_label(view: View, terminal: str, event_time: int, label: Label) -> bool:
    """Add a label to those of its transaction; return False if it has come before."""
    key = terminal.encode() + key_of(event_time // HOUR_SECONDS) + key_of_id(label.transaction_id)
    stored = view.get(DATABASE, key)
    labels = unpack_labels(stored) if stored else []
    if label in labels:
        return False
    view.put(DATABASE, key, pack([*labels, label]))
    return True


def read_live_labels(view: View, terminal: str, hours: range) -> Iterator[tuple[int, list[Label]]]:
    """Yield the hour and the labels, in the order of arrival, of each transaction whose event lies in `hours`."""
    for key, text in _items(view, terminal, hours):
        yield _hour_of(key, terminal), unpack_labels(text)


def remove_live_labels(view: View, terminal: str, before_hour: int) -> None:
    """Remove the labels of a terminal's transactions before an hour."""
    # The keys are collected first: a cursor must not stand on a key that is being deleted.
    for key in [key for key, _ in _items(view, terminal, range(before_hour))]:
        view.delete(DATABASE, key)


def _items(view: View, terminal: str, hours: range) -> Iterator[tuple[bytes, bytes]]:
    prefix = terminal.encode()
    for key, text in view.items(DATABASE, prefix + key_of(max(hours.start, 0))):
        if not key.startswith(prefix) or _hour_of(key, terminal) >= hours.stop:
            return
        yield key, text


def _hour_of(key: bytes, terminal: str) -> int:
    return integer_of(key[len(terminal) : len(terminal) + NUMBER_BYTES])
