"""Labels in time: what was known of a terminal's fraud at any hour.

A label counts from the hour after it was learnt. Its place in the windows is the hour in which the transaction got its
present status, but at most `label_delay_days` after the event, when the feed tells it. Late news about an old payment
is no fresh news about the terminal.

The streak is made of labels that were learnt in time, in the order in which they were learnt.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import compress
from typing import Any, Final, NamedTuple, Self, overload

from antifraud.clock import DAY_HOURS, HOUR_SECONDS
from antifraud.features.packed import PackedRows

LONGEST_DAYS: Final = 30
"""Days of the longest window of labels, and of a streak."""
DAYS_AHEAD: Final = 2
"""Days after the cut-off for which a state knows the changes: the next day, and one more if a night is late."""
NO_HOUR: Final = -1
FRAUD: Final = "fraud"
UNKNOWN: Final = "unknown"
_NOTHING: Final[Mapping[int, Any]] = {}


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


class LabelCounts(PackedRows, Mapping[int, Counts], layout="iII"):
    """Labels by the day or hour of their place, packed as in a record of the state.

    >>> labels = LabelCounts.of({8: Counts(5, 1), 7: Counts(3, 0)})
    >>> list(labels), labels[8], labels.since(7)
    ([7, 8], Counts(known=5, fraud=1), Counts(known=8, fraud=1))
    """

    __slots__ = ("_sums",)

    def __init__(self, packed: bytes = b"") -> None:
        super().__init__(packed)
        self._sums: dict[int, Counts] = {}

    @classmethod
    def of(cls, counts: Mapping[int, Counts]) -> Self:
        """Pack counts."""
        return cls(b"".join(cls.pack_row(number, *each) for number, each in sorted(counts.items())))

    def since(self, first: int) -> Counts:
        """Add up the labels with a place from `first` on."""
        # The closed days of a window are the same all day long.
        known = self._sums.get(first)
        if known is None:
            known = self._sums[first] = self._add_up(first)
        return known

    def _add_up(self, first: int) -> Counts:
        places, known, fraud = self.unpack()
        start = bisect_left(places, first)
        return Counts(sum(known[start:]), sum(fraud[start:]))

    def __iter__(self) -> Iterator[int]:
        return iter(self.unpack()[0])

    def __getitem__(self, number: int) -> Counts:
        places, known, fraud = self.unpack()
        try:
            row = places.index(number)
        except ValueError:
            raise KeyError(number) from None
        return Counts(known[row], fraud[row])


class Changes(PackedRows, Sequence[Change], layout="iiii"):
    """Changes in the order in which they were learnt, packed as in a record of the state.

    >>> changes = Changes.of([Change(9, 9, 1, 0), Change(8, 2, 1, 1)])
    >>> changes[0], len(changes), changes == Changes(changes.packed)
    (Change(hour=8, since=2, known=1, fraud=1), 2, True)
    """

    __slots__ = ()

    @classmethod
    def of(cls, changes: Iterable[Change]) -> Self:
        """Pack changes, in any order."""
        return cls(b"".join(cls.pack_row(*change) for change in sorted(changes)))

    def adding(self, changes: Iterable[Change]) -> Self:
        """Return these changes and a few more."""
        packed, hours = self.packed, [*self.unpack()[0]]
        for change in changes:
            row = bisect_right(hours, change.hour)
            hours.insert(row, change.hour)
            packed = packed[: row * self.row_bytes] + self.pack_row(*change) + packed[row * self.row_bytes :]
        return type(self)(packed)

    def learnt_before(self, hour: int) -> "Learnt":
        """Return the changes learnt before an hour."""
        columns = self.unpack()
        end = bisect_left(columns[0], hour)
        return Learnt(*columns) if end == len(self) else Learnt(*(column[:end] for column in columns))

    def __iter__(self) -> Iterator[Change]:
        return map(Change, *self.unpack())

    @overload
    def __getitem__(self, place: int) -> Change: ...
    @overload
    def __getitem__(self, place: slice) -> Sequence[Change]: ...
    def __getitem__(self, place: int | slice) -> Change | Sequence[Change]:
        return list(self)[place]

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Changes) and self.packed == other.packed

    def __hash__(self) -> int:
        return hash(self.packed)


class Learnt(NamedTuple):
    """The fields of several `Change`, each as a column."""

    hours: tuple[int, ...]
    places: tuple[int, ...]
    known: tuple[int, ...]
    fraud: tuple[int, ...]

    def placed_since(self, first: int) -> Counts:
        """Add up the changes with a place in the hour `first` or later."""
        chosen = [place >= first for place in self.places]
        return Counts(sum(compress(self.known, chosen)), sum(compress(self.fraud, chosen)))

    def in_time(self) -> "Learnt":
        """Return the changes that were learnt in the hour of their place."""
        if self.hours == self.places:
            return self
        chosen = [hour == place for hour, place in zip(self.hours, self.places, strict=True)]
        return Learnt(*(tuple(compress(column, chosen)) for column in self))


@dataclass(frozen=True, slots=True)
class LabelHistory:
    """Labels of a terminal: what was known at the end of the cut-off day, and changes that become known later.

    Attributes:
        cutoff: Day number of the cut-off.
        days: Labels known then by the day of their place, for the 30 days up to the cut-off.
        hours: Labels known then by the hour of their place, on the cut-off day.
        last_legit: Hour in which the last legitimate label was learnt, within these days; `NO_HOUR` for none.
        streak: Frauds learnt in time after `last_legit`, by hour.
        changes: Changes learnt after the cut-off.
    """

    cutoff: int
    days: LabelCounts = field(default_factory=LabelCounts)
    hours: LabelCounts = field(default_factory=LabelCounts)
    last_legit: int = NO_HOUR
    streak: Mapping[int, int] = field(default_factory=dict)
    changes: Changes = field(default_factory=Changes)

    @classmethod
    def of(
        cls,
        cutoff: int,
        days: Mapping[int, Counts] = _NOTHING,
        hours: Mapping[int, Counts] = _NOTHING,
        last_legit: int = NO_HOUR,
        streak: Mapping[int, int] = _NOTHING,
        changes: Iterable[Change] = (),
    ) -> Self:
        """Pack what is known of a terminal."""
        return cls(cutoff, LabelCounts.of(days), LabelCounts.of(hours), last_legit, streak, Changes.of(changes))

    def risk(self, time: int) -> Risk | None:
        """Return what an event at `time` (UTC seconds) sees; None inside the closed days, where it is not known."""
        hour = time // HOUR_SECONDS
        today = hour // DAY_HOURS
        if today <= self.cutoff:
            return None
        learnt = self.changes.learnt_before(hour)
        if not (self.days or self.streak or learnt.hours) and self.last_legit == NO_HOUR:
            return NO_RISK
        counts: list[int] = []
        oldest, everything = min(learnt.places, default=hour), Counts(sum(learnt.known), sum(learnt.fraud))
        for days in (1, 7, LONGEST_DAYS):
            first = hour - DAY_HOURS if days == 1 else (today - days) * DAY_HOURS
            closed = self.hours.since(first) if days == 1 else self.days.since(today - days)
            more = everything if oldest >= first else learnt.placed_since(first)
            counts += closed.known + more.known, closed.fraud + more.fraud
        return Risk._make([*counts, *self._streak(learnt.in_time(), hour)])

    def _streak(self, news: Learnt, hour: int) -> tuple[int, int, int]:
        """Return the fields of `Risk` about the streak; `news` are the changes by labels learnt in time."""
        # In the first 30 days of 1970 the window begins before hour 0, and `NO_HOUR` must stay outside.
        first = max((hour // DAY_HOURS - LONGEST_DAYS) * DAY_HOURS, 0)
        hours, _, known, fraud = news
        legit = [at for at, more, frauds in zip(hours, known, fraud, strict=True) if more > frauds]
        last_legit = max(self.last_legit, legit[-1] if legit else NO_HOUR)
        since = max(last_legit + 1, first)
        frauds = [(at, count) for at, count in self.streak.items() if at >= since]
        start = bisect_left(hours, since)
        frauds += [each for each in zip(hours[start:], fraud[start:], strict=True) if each[1]]
        age = hour - min(frauds)[0] if frauds else 0
        return sum(count for _, count in frauds), age, hour - last_legit if last_legit >= first else 0
