"""The state of the service as a client follows it: each answer tells it, and a callback hears of each change."""

import threading
from collections.abc import Callable, Mapping

from antifraud.api.state import HEADER, ServiceState, parse_state

OnState = Callable[[ServiceState], object]


class States:
    """The last state that a client knows; `on_state` is called with the first one, and with each that differs."""

    def __init__(self, on_state: OnState | None) -> None:
        self._on_state = on_state
        self._last: ServiceState | None = None
        self._lock = threading.Lock()

    def hear(self, headers: Mapping[str, str]) -> None:
        """Take over the state in the headers of an answer; answers of other servers have none."""
        if self._on_state is None or (state := parse_state(headers.get(HEADER, ""))) is None:
            return
        with self._lock:
            if state == self._last or _is_older(state, self._last):
                return
            self._last = state
        # Called without the lock: the callback may use the client.
        self._on_state(state)


def _is_older(state: ServiceState, last: ServiceState | None) -> bool:
    """Return whether an answer is older news: workers see a change one after the other, and answers overtake."""
    if last is None or None in {state.epoch, state.since, last.epoch, last.since}:
        return False
    # The time comes first, because the epochs of a new store begin at 0 again.
    return (state.since, state.epoch) < (last.since, last.epoch)
