"""When a delivery is tried again: pauses that double, with jitter, for 72 hours in all. Times are wall time."""

from typing import Final

from serving.store.records import Delivery

FIRST_PAUSE_SECONDS: Final = 5.0
LONGEST_PAUSE_SECONDS: Final = 3_600.0
GIVE_UP_SECONDS: Final = 72 * 3_600.0
ATTEMPT_SECONDS: Final = 10.0
"""The whole time of an attempt, from the look-up of the name to the status of the answer."""
_MOST_DOUBLINGS: Final = 20
"""Far more than the longest pause needs; a float would overflow after a thousand."""


def pause_after(attempts: int, draw: float) -> float:
    """Return the pause after so many failed attempts; `draw` from [0, 1) chooses from the upper half of its range.

    >>> pause_after(1, 0.0), pause_after(2, 0.0), pause_after(2, 1.0), pause_after(99, 1.0)
    (2.5, 5.0, 10.0, 3600.0)
    """
    # Without jitter, all subscribers of a host that was down would be called at the same moment.
    longest = min(FIRST_PAUSE_SECONDS * 2.0 ** min(attempts - 1, _MOST_DOUBLINGS), LONGEST_PAUSE_SECONDS)
    return longest * (1 + draw) / 2


def is_due(delivery: Delivery, now: float) -> bool:
    """Return whether an attempt may begin."""
    # A clock that was set back must not make a delivery wait for longer than any pause.
    return not now < delivery.due <= now + LONGEST_PAUSE_SECONDS + ATTEMPT_SECONDS


def is_over(delivery: Delivery, due: float) -> bool:
    """Return whether a delivery is given up instead of being tried at `due`."""
    return due - delivery.queued_at > GIVE_UP_SECONDS
