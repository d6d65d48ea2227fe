"""Turns: requests of one process that have lost a race for a customer or terminal go on one after the other.

Only one of the decisions that were computed from the same live record can be committed. If twenty threads compute anew
at once, nineteen lose again.
"""

import threading
import time
import zlib
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from typing import Final

from antifraud.errors import StoreBusy

TURNS: Final = 64
"""Entities share turns, so that their number does not grow with that of the entities."""
WAIT_SECONDS: Final = 2.0


class Turns:
    """The turns of one process; nobody waits longer than `seconds`."""

    def __init__(self, seconds: float = WAIT_SECONDS) -> None:
        self._seconds = seconds
        self._locks = tuple(threading.Lock() for _ in range(TURNS))

    def are_taken(self, tokens: Sequence[str]) -> bool:
        """Return whether somebody has the turn of one of the `tokens`."""
        return any(self._locks[place].locked() for place in _places(tokens))

    @contextmanager
    def take(self, tokens: Sequence[str]) -> Iterator[None]:
        """Wait for the turn of all `tokens`, and keep it.

        Raises:
            StoreBusy: The turn has not come in time.
        """
        deadline = time.monotonic() + self._seconds
        with ExitStack() as held:
            # Everybody takes them in one order, so that nobody waits for somebody who waits for them.
            for place in sorted(_places(tokens)):
                if not self._locks[place].acquire(timeout=max(deadline - time.monotonic(), 0)):
                    raise StoreBusy("too many decisions about the same customer or terminal wait: send the same again")
                held.callback(self._locks[place].release)
            yield


def _places(tokens: Sequence[str]) -> set[int]:
    return {zlib.crc32(token.encode()) % TURNS for token in tokens}
