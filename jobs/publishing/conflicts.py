"""Commits that lose against another process: which failures these are, and how long to wait before the next attempt.

Iceberg retries a commit by itself while only the table's pointer has moved. What is left for us: a SQLite catalog that
stayed locked, a table that another job created at the same moment, a staged snapshot that another run of the same day
dropped, and a day that another run replaced between staging and publishing.
"""

import time
from collections.abc import Callable
from typing import Final, TypeVar

from py4j.protocol import Py4JError
from pyspark.errors import PySparkException

from antifraud.errors import PublishError

ATTEMPTS: Final = 6
FIRST_PAUSE_SECONDS: Final = 0.5
LONGEST_PAUSE_SECONDS: Final = 8.0
SPREAD: Final = 1 << 16
SIGNS: Final = (
    "CommitFailedException",
    "CommitStateUnknownException",
    "UncheckedSQLException",
    "AlreadyExistsException",
    "ALREADY_EXISTS",
    "Cannot apply unknown WAP ID",
    "Cannot cherry-pick",
    "Cannot find snapshot",
    "Cannot expire",
)
"""What Iceberg says when somebody else was quicker; publishing again is always safe, for it replaces whole days."""

Result = TypeVar("Result")


class Conflict(Exception):
    """Another run interfered between two steps of publishing: do it again."""


def with_retries(action: Callable[[], Result], about: str, seed: str) -> Result:
    """Do `action`, again after a pause if it lost against another process, `ATTEMPTS` times at most.

    `seed` (hex) spreads the pauses of runs that collided, the same way in every re-run.

    Raises:
        PublishError: It lost every time.
    """
    for attempt in range(1, ATTEMPTS + 1):
        try:
            return action()
        except (Conflict, Py4JError, PySparkException) as error:
            if not is_conflict(error):
                raise
            if attempt == ATTEMPTS:
                raise PublishError(
                    f"{about}: other runs got in first {ATTEMPTS} times: let them end, then run it again"
                ) from error
            print(f"{about}: another run got in first, attempt {attempt} of {ATTEMPTS}", flush=True)
            time.sleep(pause(attempt, seed))
    raise AssertionError("unreachable")


def is_conflict(error: Exception) -> bool:
    """Whether a failure means that another process was quicker."""
    return isinstance(error, Conflict) or any(sign in str(error) for sign in SIGNS)


def pause(attempt: int, seed: str) -> float:
    """Seconds to wait after a failed attempt: doubled each time up to a limit, then spread by half of that.

    >>> pause(1, "0000"), pause(1, "ffff") < 0.75, pause(20, "0000")
    (0.5, True, 8.0)
    """
    base = min(FIRST_PAUSE_SECONDS * 2 ** (attempt - 1), LONGEST_PAUSE_SECONDS)
    return float(base * (1 + int(seed[:4], 16) / SPREAD / 2))
