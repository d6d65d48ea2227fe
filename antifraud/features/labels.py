"""Labels in time: what was known of a terminal's fraud at any hour.

A label counts from the hour after it was learnt. Its place in the windows is the hour in which the transaction got its
present status, but at most `label_delay_days` after the event, when the feed tells it. Late news about an old payment
is no fresh news about the terminal.

The streak is made of labels that were learnt in time, in the order in which they were learnt.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final, NamedTuple

from antifraud.clock import DAY_HOURS, HOUR_SECONDS

LONGEST_DAYS: Final = 30
"""Days of the longest window of labels, and of a streak."""
DAYS_AHEAD: Final = 2
"""Days after the cut-off for which a state knows the changes: the next day, and one more if a night is late."""
NO_HOUR: Final = -1
FRAUD: Final = "fraud"
UNKNOWN: Final = "unknown"


class Risk(NamedTuple):
    """Labels of a terminal as an event sees them: labelled transactions (`known`) and frauds over 1, 7 and 30 days.

    Attributes:
        streak_fraud: Frauds learnt after the last legitimate label; 0 for none.
        streak_age: Hours since the first of them was learnt; 0 for none.
        legit_age: Hours since the last legitimate label was learnt; 0 for none.
    """

    known_1d: int = 0
    fraud_1d: int = 0
    known_7d: int = 0
    fraud_7d: int = 0
    known_30d: int = 0
    fraud_30d: int = 0
    streak_fraud: int = 0
    streak_age: int = 0
    legit_age: int = 0


NO_RISK: Final = Risk()


class Change(NamedTuple):
    """A change of what is known, of one transaction or of several together.

    Attributes:
        hour: Hour number in which it was learnt; it counts from the next hour on.
        since: Hour number of its place in the windows. It equals `hour` for labels learnt in time, and is earlier if
            labels are taken back or came late.
        known: Labelled transactions, more or fewer.
        fraud: Frauds among them, more or fewer.
    """

    hour: int
    since: int
    known: int
    fraud: int


class Counts(NamedTuple):
    """Labelled transactions, and frauds among them."""

    known: int
    fraud: int


def changes_of(said: Iterable[tuple[int, str]], event_time: int, label_delay_days: int) -> list[Change]:
    """Return how the labels of one transaction change what is known of its terminal.

    Args:
        said: `learned_at` in UTC seconds and status, in the order in which they hold; the last of an hour holds.
        event_time: Time of the transaction, UTC seconds.
        label_delay_days: Days after the event at which the feed tells the label.

    >>> [tuple(change) for change in changes_of([(3_600, "fraud"), (9_000, "legitimate")], 0, 7)]
    [(1, 1, 1, 1), (2, 1, -1, -1), (2, 2, 1, 0)]
    """
    due = event_time // HOUR_SECONDS + label_delay_days * DAY_HOURS
    changes: list[Change] = []
    before, place = UNKNOWN, NO_HOUR
    for hour, status in {learned_at // HOUR_SECONDS: status for learned_at, status in said}.items():
        if status == before:
            continue
        if before != UNKNOWN:
            changes.append(Change(hour, place, -1, -int(before == FRAUD)))
        before, place = status, min(hour, due)
        if status != UNKNOWN:
            changes.append(Change(hour, place, 1, int(status == FRAUD)))
    return changes


@dataclass(frozen=True, slots=True)
class LabelHistory:
    """Labels of a terminal: what was known at the end of the cut-off day, and changes that become known later.

    Attributes:
        cutoff: Day number of the cut-off.
        days: Labels known then by the day of their place, for the 30 days up to the cut-off.
        hours: Labels known then by the hour of their place, on the cut-off day.
        last_legit: Hour in which the last legitimate label was learnt, within these days; `NO_HOUR` for none.
        streak: Frauds learnt in time after `last_legit`, by hour.
        changes: Changes learnt after the cut-off, in any order.
    """

    cutoff: int
    days: Mapping[int, Counts] = field(default_factory=dict)
    hours: Mapping[int, Counts] = field(default_factory=dict)
    last_legit: int = NO_HOUR
    streak: Mapping[int, int] = field(default_factory=dict)
    changes: Sequence[Change] = ()

    def risk(self, time: int) -> Risk | None:
        """Return what an event at `time` (UTC seconds) sees; None inside the closed days, where it is not known."""
        hour = time // HOUR_SECONDS
        today = hour // DAY_HOURS
        if today <= self.cutoff:
            return None
        learnt = [change for change in self.changes if change.hour < hour]
        if not (self.days or self.streak or learnt) and self.last_legit == NO_HOUR:
            return NO_RISK
        counts: list[int] = []
        for days in (1, 7, LONGEST_DAYS):
            counts += self._window(learnt, hour - DAY_HOURS if days == 1 else (today - days) * DAY_HOURS, days)
        return Risk._make([*counts, *self._streak(learnt, hour)])

    def _window(self, learnt: Sequence[Change], first: int, days: int) -> Counts:
        """Add up the labels with a place in the hour `first` or later."""
        counted: list[tuple[int, int]] = (
            [counts for hour, counts in self.hours.items() if hour >= first]
            if days == 1
            else [counts for day, counts in self.days.items() if day * DAY_HOURS >= first]
        )
        counted += [(change.known, change.fraud) for change in learnt if change.since >= first]
        known, fraud = zip(*counted, strict=True) if counted else ((), ())
        return Counts(sum(known), sum(fraud))

    def _streak(self, learnt: Sequence[Change], hour: int) -> tuple[int, int, int]:
        """Return the fields of `Risk` about the streak."""
        # In the first 30 days of 1970 the window begins before hour 0, and `NO_HOUR` must stay outside.
        first = max((hour // DAY_HOURS - LONGEST_DAYS) * DAY_HOURS, 0)
        news = [change for change in learnt if change.since == change.hour]
        legit = max((change.hour for change in news if change.known > change.fraud), default=NO_HOUR)
        last_legit = max(self.last_legit, legit)
        since = max(last_legit + 1, first)
        frauds = [(at, count) for at, count in self.streak.items() if at >= since]
        frauds += [(change.hour, change.fraud) for change in news if change.fraud and change.hour >= since]
        age = hour - min(frauds)[0] if frauds else 0
        return sum(count for _, count in frauds), age, hour - last_legit if last_legit >= first else 0
