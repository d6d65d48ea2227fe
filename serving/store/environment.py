"""The environment of a decision store as the store's operations see it, whatever keeps the records."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Protocol, TypeVar

from serving.store.room import Space
from serving.store.view import View

T = TypeVar("T")


class Environment(Protocol):
    """Opens views of the records: `serving/store/lmdb.py` over LMDB, `serving/store/redis.py` over Redis."""

    @property
    def room(self) -> Space:
        """The room of the store."""

    def read(self) -> AbstractContextManager[View]:
        """Open a view for reading, without waiting for a writer; keep it open for less than a second."""

    def write(self, work: Callable[[View], T], *, size: int = 1, spare: float = 0, urgent: bool = False) -> T:
        """Return what `work` returns, once its changes are committed; if it raises, it has changed nothing.

        `work` changes about `size` decisions or labels. It may run several times, only the last one has an effect. It
        is refused if less than the share `spare` of the reserve would remain.
        """

    def look_after(self) -> None:
        """Do what is due every second."""

    def settle(self) -> None:
        """Write everything to the disk."""

    def announce_size(self) -> None:
        """Tell the other processes the size that the settings of this one give."""

    def close(self) -> None:
        """Close the environment; the process can then open it again."""
