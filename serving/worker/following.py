"""Follow a pointer: load what it names, keep what was loaded before, and retry what fails."""

import time
from collections.abc import Callable, Hashable
from typing import Final, Generic, TypeVar

from antifraud.artifacts.state_export import StatePointer
from antifraud.errors import DataError

RETRY_SECONDS: Final = 30.0

PointerT = TypeVar("PointerT", bound=Hashable)
LoadedT = TypeVar("LoadedT")


class Follower(Generic[PointerT, LoadedT]):
    """The newest usable release or state, and the one before if `keep` is 2.

    A pointer that fails to load is retried after `RETRY_SECONDS`, because a repaired file keeps its name.
    """

    def __init__(self, load: Callable[[PointerT], LoadedT], *, keep: int = 1) -> None:
        self.pointer: PointerT | None = None
        self.value: LoadedT | None = None
        self._load, self._keep = load, keep
        self._loaded: dict[PointerT, LoadedT] = {}
        self._tried: PointerT | None = None
        self._retry_at = 0.0

    def follow(self, pointer: PointerT | None) -> bool:
        """Load what `pointer` names, unless it is loaded or has just failed; return whether it is in use.

        Raises:
            AntifraudError: The release or state does not verify; the earlier value stays.
        """
        if pointer is None or pointer == self.pointer:
            return True
        if pointer not in self._loaded:
            # Verifying a broken release or state in every round would take processor time from decisions.
            if pointer == self._tried and time.monotonic() < self._retry_at:
                return False
            self._tried, self._retry_at = pointer, time.monotonic() + RETRY_SECONDS
            self._loaded[pointer] = self._load(pointer)
        self._use(pointer)
        return True

    def _use(self, pointer: PointerT) -> None:
        self.pointer, self.value = pointer, self._loaded.pop(pointer)
        # In the order of use: the value used before this one is the last to go.
        self._loaded[pointer] = self.value
        for old in list(self._loaded)[: -self._keep]:
            del self._loaded[old]


def require_not_older(pointer: StatePointer, in_use: StatePointer) -> None:
    """Refuse a pointer to an older cut-off than the one in use, unless a person has moved it back on purpose.

    Raises:
        DataError: The live state of the days between may be removed already, so decisions would lack these days.
    """
    if pointer.cutoff < in_use.cutoff and not pointer.moved_back:
        raise DataError(
            f"state {pointer.path} has cut-off {pointer.cutoff}, but {in_use.cutoff} is in use: export a newer state, "
            f"or go back with `python -m jobs.export_state --day {pointer.cutoff} --allow-older`"
        )
