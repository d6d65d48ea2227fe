"""Commits that lose against another process: how to recognise them, and how long to wait before the next attempt.

Iceberg itself retries a commit if only the table's pointer has moved. Four cases are left to retry here:

- a SQLite catalog stayed locked;
- another job created a table at the same moment;
- another run of the same day dropped a staged snapshot;
- another run replaced a day between staging and publishing.
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
"""Words by which Iceberg tells that another process was quicker. A retry is safe: publishing replaces whole days."""

Result = TypeVar("Result")


class Conflict(Exception):
    """Another run interfered between two steps of publishing; `with_retries` tries again."""


def with_retries(action: Callable[[], Result], about: str, seed: str) -> Result:
    """Do `action`; retry after a pause if it loses against another process, up to `ATTEMPTS` times in all.

    `about` names the action in messages. `seed` (hex) spreads the pauses of colliding runs, so that the runs do not
    collide again; the same seed gives the same pauses.

    Raises:
        PublishError: The action lost every time.
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
    """Return whether a failure means that another process was quicker."""
    return isinstance(error, Conflict) or any(sign in str(error) for sign in SIGNS)


def pause(attempt: int, seed: str) -> float:
    """Return the seconds to wait after a failed attempt: doubled each time up to a limit, then spread by half of that.

    >>> pause(1, "0000"), pause(1, "ffff") < 0.75, pause(20, "0000")
    (0.5, True, 8.0)
    """
    base = min(FIRST_PAUSE_SECONDS * 2 ** (attempt - 1), LONGEST_PAUSE_SECONDS)
    return float(base * (1 + int(seed[:4], 16) / SPREAD / 2))
