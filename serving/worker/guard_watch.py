"""The guard's signs of life as one worker hears them.

The clocks of two hosts differ, and a clock may be set back. So silence is the time on the worker's own clock since the
guard's report has changed. Only the first report that a worker hears is judged by the time in it: a guard that is
dead must not be forgotten because the scorer was restarted.
"""

import datetime as dt
import json
import threading
import time
from collections.abc import Callable
from typing import Any, Final

from antifraud.api.state import GUARD_SILENT
from antifraud.clock import BusinessClock

GUARD: Final = "guard"
"""The name and the role under which the guard reports."""
SILENT_AFTER_SECONDS: Final = 120
WALL_CLOCK: Final = BusinessClock()


class GuardWatch:
    """One worker's knowledge about the guard; `is_watched` is false if somebody has set that its silence is no news."""

    def __init__(
        self,
        *,
        is_watched: bool = True,
        clock: Callable[[], float] = time.monotonic,
        wall: Callable[[], int] = WALL_CLOCK.now,
    ) -> None:
        self._is_watched, self._clock, self._wall = is_watched, clock, wall
        self._report: bytes | None = None
        # A guard that has never reported is silent since somebody listens.
        self._heard_at = clock()
        self._lock = threading.Lock()

    def listen(self, report: bytes | None) -> None:
        """Take over the guard's report as it is in the store now."""
        with self._lock:
            if report is None or report == self._report:
                return
            age = 0 if self._report else max(0, self._wall() - json.loads(report)["at"])
            self._report, self._heard_at = report, self._clock() - age

    @property
    def silence(self) -> float:
        """Seconds since the last sign of life."""
        with self._lock:
            return self._clock() - self._heard_at

    @property
    def is_silent(self) -> bool:
        """Whether the guard has been silent for more than two minutes."""
        return self.silence > SILENT_AFTER_SECONDS

    @property
    def warnings(self) -> tuple[str, ...]:
        """The warnings that every answer carries."""
        return (GUARD_SILENT,) if self._is_watched and self.is_silent else ()

    def describe(self) -> dict[str, Any] | None:
        """Return the last report with its age, and the time since when the guard is silent; None without a report."""
        if self._report is None:
            return None
        report: dict[str, Any] = json.loads(self._report)
        report["age"] = int(self.silence)
        since = dt.datetime.fromtimestamp(report["at"], dt.UTC).isoformat() if self.is_silent else None
        return {**report, "silent_since": since}
