"""The requests for decisions of the last minute, as a worker reports them, so that the guard sees errors and delays.

The guard cannot read the metrics of the workers, and a report must not depend on Prometheus being there.
"""

import threading
import time
from bisect import bisect_left
from collections import deque
from collections.abc import Callable
from typing import Any, Final

SECONDS: Final = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0)
"""Bounds between which decisions are counted by their time."""
SLOT_SECONDS: Final = 10
SLOTS: Final = 6
"""The last slot is not over yet, so a report covers 50 to 60 seconds."""
FAILURES: Final = frozenset({"failed", "not-ready"})
DECISIONS: Final = frozenset({"approve", "review", "flag"})


class _Slot:
    """The counts of ten seconds."""

    __slots__ = ("counts", "failed", "number", "requests")

    def __init__(self, number: int) -> None:
        self.number, self.requests, self.failed = number, 0, 0
        self.counts = [0] * (len(SECONDS) + 1)


class Recent:
    """Requests of the last minute by slots; decisions are counted by their time."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._slots: deque[_Slot] = deque([_Slot(-1)], maxlen=SLOTS)
        self._lock = threading.Lock()

    def add(self, outcome: str, seconds: float) -> None:
        """Count a request that was answered now."""
        number = int(self._clock() / SLOT_SECONDS)
        with self._lock:
            slot = self._slots[-1]
            if slot.number != number:
                slot = _Slot(number)
                self._slots.append(slot)
            slot.requests += 1
            slot.failed += outcome in FAILURES
            if outcome in DECISIONS:
                slot.counts[bisect_left(SECONDS, seconds)] += 1

    def describe(self) -> dict[str, Any]:
        """Return the numbers of requests and failures, and the decisions by time."""
        oldest = int(self._clock() / SLOT_SECONDS) - SLOTS + 1
        with self._lock:
            slots = [slot for slot in self._slots if slot.number >= oldest]
            return {
                "requests": sum(slot.requests for slot in slots),
                "failed": sum(slot.failed for slot in slots),
                "seconds": [sum(each) for each in zip(*(slot.counts for slot in slots), strict=True)],
            }
