"""Shipping of labels and the history of the switch, with how far that has come.

Labels stay until they are shipped. The history of the switch is never removed.
"""

from serving.store import labels
from serving.store.decisions import Contexts
from serving.store.environment import Environment
from serving.store.records import StoredLabel
from serving.store.switchboard import read_history


class Shipping:
    """The operations of `serving.store.port.Shipping` over an open environment."""

    def __init__(self, environment: Environment, contexts: Contexts) -> None:
        self._environment, self._contexts = environment, contexts

    def labels(self, first: int, last: int, limit: int) -> list[tuple[int, StoredLabel]]:
        """Return up to `limit` labels with numbers from `first` to `last`, and what a replay needs of each."""
        with self._environment.read() as view:
            return labels.read_labels_to_ship(view, self._contexts, range(first, last + 1), limit)

    def release_labels(self, last: int) -> None:
        """Note that the labels up to number `last` are shipped."""
        self._environment.write(lambda view: labels.release_labels(view, last))

    def shipped_label(self) -> int:
        """Return the number up to which labels are shipped, 0 if none are."""
        with self._environment.read() as view:
            return view.number(labels.SHIPPED)

    def switch_history(self, first: int, last: int, limit: int) -> list[tuple[int, bytes]]:
        """Return up to `limit` changes by epoch, from `first` to `last`: the switch after each as JSON."""
        with self._environment.read() as view:
            return read_history(view, range(first, last + 1), limit)
