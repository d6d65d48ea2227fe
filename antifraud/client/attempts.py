"""The attempts of one call: how long each may take, and the pauses between them, all before one deadline."""

import random
import time
from typing import Final

from antifraud.client.errors import Unreachable

FIRST_PAUSE_SECONDS: Final = 0.05
LONGEST_PAUSE_SECONDS: Final = 1.0
UNDIVIDED_SECONDS: Final = 0.1
"""A rest of the time that is shorter is not shared between two attempts."""


class Attempts:
    """The attempts of a call that must end within some seconds."""

    def __init__(self, seconds: float) -> None:
        self._deadline = time.monotonic() + seconds
        self._failures = 0

    def limit(self) -> float:
        """Return the seconds that the next attempt may take.

        It is half of what is left: if a packet or a server is lost, another attempt can still succeed.
        """
        left = max(0.0, self._deadline - time.monotonic())
        return left if left < UNDIVIDED_SECONDS else left / 2

    def pause_after(self, error: Unreachable) -> float:
        """Return the seconds to wait before the next attempt: exponential backoff with full jitter.

        The pause is never shorter than the scorer has asked for.

        Raises:
            Unreachable: The deadline comes first; it is `error`.
        """
        ceiling = min(LONGEST_PAUSE_SECONDS, FIRST_PAUSE_SECONDS * 2.0**self._failures)
        self._failures += 1
        # Clients that have failed together must not come back together.
        pause = random.uniform(0.0, ceiling) + (error.retry_after or 0.0)  # noqa: S311 a pause is no secret
        if time.monotonic() + pause >= self._deadline:
            raise error from None
        return pause
