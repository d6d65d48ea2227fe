"""The environment of the store as the guard with one lease has it: it may read always, and change while it leads.

Every change of the guard goes through here, so no operation of the store needs to know about leases, and none can
forget them.
"""

from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import TypeVar

from serving.store.environment import Environment
from serving.store.lease import require_lease
from serving.store.room import Space
from serving.store.view import View

T = TypeVar("T")


class Fenced:
    """An environment that refuses changes once the lease of `epoch` is over."""

    def __init__(self, whole: Environment, epoch: int) -> None:
        self._whole, self._epoch = whole, epoch

    @property
    def room(self) -> Space:
        """The room of the store."""
        return self._whole.room

    def read(self) -> AbstractContextManager[View]:
        """Open a consistent view of one moment, as `Environment.read` does."""
        return self._whole.read()

    def write(self, work: Callable[[View], T], *, size: int = 1, spare: float = 0, urgent: bool = False) -> T:
        """Return what `work` returns, as `Environment.write` does.

        Raises:
            NotLeading: Another guard leads; nothing was changed.
            StoreError: The store cannot be written.
        """

        def work_while_leading(view: View) -> T:
            # Checked in the transaction of the change: a guard that was stopped in between must leave no trace.
            require_lease(view, self._epoch)
            return work(view)

        return self._whole.write(work_while_leading, size=size, spare=spare, urgent=urgent)

    def look_after(self) -> None:
        """Do what is due every second; it changes no record, so that every guard may do it."""
        self._whole.look_after()

    def settle(self) -> None:
        """Write everything to the disk."""
        self._whole.settle()

    def announce_size(self) -> None:
        """Tell the other processes the size that the settings of this one give."""
        self._whole.announce_size()

    def close(self) -> None:
        """Close the whole environment."""
        self._whole.close()
