"""Outcomes in history: a payment counts from its decision on, and no more once it was declined.

Only `authorised` and `declined` say whether a payment counts; the one that happened last holds. A decline is applied
until the cut-off of the payment's day. It takes effect in the second after it was received: events of later seconds
do not count the payment. A later `authorised` puts the payment back in the same way.

The scorer changes its live buckets. The lake has the same changes as *absences* of a payment. Its totals leave out
payments that are absent for good, and the features of the day itself look at the time of each event.
"""

from collections.abc import Iterable, Sequence
from typing import Final, NamedTuple

AUTHORISED: Final = "authorised"
DECLINED: Final = "declined"
REMOVED: Final = "removed"
RESTORED: Final = "restored"


class Absence(NamedTuple):
    """A time in which a payment does not count: for events after `since`, up to `until`; None is for good."""

    since: int
    until: int | None


def absences_of(changes: Iterable[tuple[int, str]]) -> list[Absence]:
    """Return the absences of one payment.

    Args:
        changes: Time of receipt (UTC seconds), and `REMOVED` or `RESTORED`, in the order in which they were applied.

    >>> absences_of([(100, REMOVED), (160, RESTORED), (200, REMOVED)])
    [Absence(since=100, until=160), Absence(since=200, until=None)]
    """
    absences: list[Absence] = []
    for received_at, effect in changes:
        if effect == REMOVED:
            absences.append(Absence(received_at, None))
        elif effect == RESTORED and absences:
            absences[-1] = absences[-1]._replace(until=received_at)
    return absences


def counts_at(absences: Sequence[Absence], time: int) -> bool:
    """Return whether an event at `time` (UTC seconds) counts the payment.

    >>> [counts_at([Absence(100, 160)], time) for time in (100, 101, 160, 161)]
    [True, False, False, True]
    """
    return not any(time > since and (until is None or time <= until) for since, until in absences)


def counts_for_good(absences: Sequence[Absence]) -> bool:
    """Return whether the closed day of the payment counts it."""
    return all(absence.until is not None for absence in absences)
