"""Wait for what other processes of a run do."""

import time
from collections.abc import Callable
from typing import Final, TypeVar

from antifraud.errors import PublishError

WAIT_SECONDS: Final = 60.0
LOOK_SECONDS: Final = 0.5
Found = TypeVar("Found")


def wait_for(look: Callable[[], Found | None], trouble: str) -> Found:
    """Look until there is something, and return it.

    Raises:
        PublishError: There is nothing after `WAIT_SECONDS`; the message begins with `trouble`.
    """
    until = time.monotonic() + WAIT_SECONDS
    while time.monotonic() < until:
        if (found := look()) is not None:
            return found
        time.sleep(LOOK_SECONDS)
    raise PublishError(f"{trouble} within {WAIT_SECONDS:.0f} s: see the logs of scorer, guard and webhook")
