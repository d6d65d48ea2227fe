"""The labels of clients that an event counts, in addition to the labels of its state.

From the hour after it is due, the feed's own label counts, which the state brings. Both would count twice.
"""

from collections import Counter
from collections.abc import Iterable
from typing import Final

from antifraud.clock import DAY_HOURS
from antifraud.features.labels import DAYS_AHEAD, Change

NEVER_DUE: Final = 1 << 20
"""A delay in days that no label reaches: an event leaves out the changes learnt after the real one."""


def first_counted_hour(cutoff: int, label_delay_days: int, hour: int) -> int:
    """Return the first hour of events whose labels by clients count in `hour`.

    A state tells the feed's labels of days up to its cut-off, if they are due at most `DAYS_AHEAD` days later.
    """
    delay, first_live_hour = label_delay_days * DAY_HOURS, (cutoff + 1) * DAY_HOURS
    return min(hour - delay, first_live_hour, first_live_hour + DAYS_AHEAD * DAY_HOURS - delay)


def changes_before_due(changes: Iterable[tuple[int, Iterable[Change]]], label_delay_days: int) -> list[Change]:
    """Return the changes made before the feed's label is due, from changes by the hour of their event."""
    delay = label_delay_days * DAY_HOURS
    return [change for event_hour, made in changes for change in made if change.hour < event_hour + delay]


def add_up_changes(changes: Iterable[Change]) -> list[Change]:
    """Return one change for each hour and place, without changes that cancel out.

    >>> add_up_changes([Change(9, 9, 1, 1), Change(9, 9, 1, 0), Change(8, 8, 1, 0), Change(8, 8, -1, 0)])
    [Change(hour=9, since=9, known=2, fraud=1)]
    """
    known: Counter[tuple[int, int]] = Counter()
    fraud: Counter[tuple[int, int]] = Counter()
    for hour, since, more_known, more_fraud in changes:
        known[hour, since] += more_known
        fraud[hour, since] += more_fraud
    return [Change(*place, known[place], fraud[place]) for place in sorted(known) if known[place] or fraud[place]]
