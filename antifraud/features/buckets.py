"""Buckets: exact integer sums of an entity's transactions in one hour or one day.

Windows are sawtooth windows, which move in hops of their buckets. At time t a bucket b counts while
``start(b) >= floor(t - W, hop)`` and ``start(b) <= t``. A window of one day moves in hops of an hour. Windows of 7 and
30 days move in hops of a day, so that everything before the current day is constant all day long.

A decision adds up some hundred buckets. They are therefore kept as they are stored, and unpacked column by column: an
object for each bucket would take most of a decision's time.
"""

import struct
from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import Final, NamedTuple, Self

from antifraud.clock import DAY_HOURS, HOUR_SECONDS, day_of
from antifraud.features.labels import LabelHistory

LONGEST_WINDOW_DAYS: Final = 30
NEVER: Final = -1


class Bucket(NamedTuple):
    """Transactions of one entity in one span of time; the empty bucket has zeros and `last_time` -1.

    Attributes:
        tx_count: Number of transactions.
        amount_sum: Sum of amounts, minor units.
        amount_sum_sq: Sum of squared amounts, minor units squared; it may need more than 64 bits.
        amount_max: Largest amount, minor units.
        last_time: Time of the last transaction, UTC seconds.
    """

    tx_count: int
    amount_sum: int
    amount_sum_sq: int
    amount_max: int
    last_time: int

    def plus(self, other: "Bucket") -> "Bucket":
        """Add up two buckets; their order does not matter."""
        return Bucket(
            self.tx_count + other.tx_count,
            self.amount_sum + other.amount_sum,
            self.amount_sum_sq + other.amount_sum_sq,
            max(self.amount_max, other.amount_max),
            max(self.last_time, other.last_time),
        )


EMPTY: Final = Bucket(0, 0, 0, 0, NEVER)


def bucket_of(time: int, amount: int) -> Bucket:
    """Return the bucket of a single transaction.

    >>> bucket_of(60, 5).plus(bucket_of(30, 7))
    Bucket(tx_count=2, amount_sum=12, amount_sum_sq=74, amount_max=7, last_time=60)
    """
    return Bucket(1, amount, amount * amount, amount, time)


# Day or hour number, count, sum, upper and lower word of the sum of squares, largest amount, last time.
_PACKED: Final = "iqqQQqq"
_PLACES: Final = range(len(_PACKED))
_ROW: Final = struct.Struct(f"<{_PACKED}")
BUCKET_BYTES: Final = _ROW.size
_WORD: Final = 64
_LOW: Final = (1 << _WORD) - 1


@cache
def _rows(count: int) -> struct.Struct:
    return struct.Struct("<" + _PACKED * count)


class Buckets(Mapping[int, Bucket]):
    """The buckets of one entity by their numbers, in order, packed as in a record of the state.

    >>> buckets = Buckets.of({8: bucket_of(60, 5), 7: bucket_of(30, 7)})
    >>> list(buckets), buckets.total(8, 9), buckets == Buckets(buckets.packed)
    ([7, 8], Bucket(tx_count=1, amount_sum=5, amount_sum_sq=25, amount_max=5, last_time=60), True)
    """

    __slots__ = ("_columns", "_totals", "packed")

    def __init__(self, packed: bytes = b"") -> None:
        self.packed = packed
        self._columns: tuple[tuple[int, ...], ...] | None = None
        self._totals: dict[tuple[int, int], Bucket] = {}

    @classmethod
    def of(cls, buckets: Mapping[int, Bucket]) -> Self:
        """Pack buckets; packed ones are returned as they are."""
        if isinstance(buckets, cls):
            return buckets
        return cls(b"".join(_pack(number, bucket) for number, bucket in sorted(buckets.items())))

    @property
    def columns(self) -> tuple[tuple[int, ...], ...]:
        """The numbers, and each field of the packed buckets."""
        if self._columns is None:
            values = _rows(len(self)).unpack(self.packed)
            numbers, counts, sums, upper, lower, largest, times = (values[i :: len(_PACKED)] for i in _PLACES)
            # The upper words are nearly always 0, and small integers are added faster.
            squares = (
                tuple((high << _WORD) + low for high, low in zip(upper, lower, strict=True)) if any(upper) else lower
            )
            self._columns = numbers, counts, sums, squares, largest, times
        return self._columns

    def total(self, first: int, last: int) -> Bucket:
        """Add up the buckets with numbers from `first` to `last`."""
        # The closed days before an event are the same all day long, and so are the hours of both longer windows.
        if (first, last) not in self._totals:
            self._totals[first, last] = self._add_up(first, last)
        return self._totals[first, last]

    def _add_up(self, first: int, last: int) -> Bucket:
        numbers, counts, sums, squares, largest, times = self.columns
        start, end = bisect_left(numbers, first), bisect_right(numbers, last)
        if start >= end:
            return EMPTY
        return Bucket(
            sum(counts[start:end]),
            sum(sums[start:end]),
            sum(squares[start:end]),
            max(largest[start:end]),
            max(times[start:end]),
        )

    def followed_by(self, later: "Buckets") -> "Buckets":
        """Return these buckets and later ones, all of which have larger numbers."""
        # Unchanged buckets keep their unpacked columns.
        if not later.packed:
            return self
        return Buckets(self.packed + later.packed) if self.packed else later

    def since(self, number: int) -> Self:
        """Return the buckets from `number` on."""
        start = bisect_left(self.columns[0], number)
        return type(self)(self.packed[start * BUCKET_BYTES :]) if start else self

    def adding(self, number: int, bucket: Bucket) -> Self:
        """Return these buckets with `bucket` added to the one with this number."""
        start, end = (bisect(self.columns[0], number) * BUCKET_BYTES for bisect in (bisect_left, bisect_right))
        added = self.total(number, number).plus(bucket)
        return type(self)(self.packed[:start] + _pack(number, added) + self.packed[end:])

    def __len__(self) -> int:
        return len(self.packed) // BUCKET_BYTES

    def __iter__(self) -> Iterator[int]:
        return iter(self.columns[0])

    def __getitem__(self, number: int) -> Bucket:
        if number not in self:
            raise KeyError(number)
        return self.total(number, number)

    def __contains__(self, number: object) -> bool:
        return number in self.columns[0]


def _pack(number: int, bucket: Bucket) -> bytes:
    count, amount_sum, square, largest, last = bucket
    # Sums of squares exceed 64 bits, so the record holds them as two words.
    return _ROW.pack(number, count, amount_sum, square >> _WORD, square & _LOW, largest, last)


@dataclass(frozen=True, slots=True)
class History:
    """Everything known of an entity before an event.

    Attributes:
        cutoff: Last closed day; later days are made of `hours`.
        days: Buckets of the `LONGEST_WINDOW_DAYS` closed days up to the cut-off, by day number.
        hours: Buckets of the cut-off day and of later days by hour number.
        labels: Labels of a terminal; None for a customer, and for a terminal that has none.
    """

    cutoff: int
    days: Buckets = field(default_factory=Buckets)
    hours: Buckets = field(default_factory=Buckets)
    labels: LabelHistory | None = None

    def window(self, time: int, days: int) -> Bucket | None:
        """Return the sawtooth window of `days` (1, 7 or 30) at `time` in UTC seconds, without later buckets.

        None means that it is not known: the event is late, and its window ends inside a day that is closed as a whole,
        or begins before the oldest closed day.
        """
        today, last_hour = day_of(time), time // HOUR_SECONDS
        first_hour = last_hour - DAY_HOURS if days == 1 else (today - days) * DAY_HOURS
        if today <= self.cutoff and not self._knows(first_hour // DAY_HOURS, last_hour, days):
            return None
        if days == 1:
            return self._sum_hours(first_hour, time)
        # Days after the cut-off are not closed yet; their hours count instead. So do those of the event's own day.
        last_closed = min(self.cutoff, today - 1)
        closed = self.days.total(today - days, last_closed)
        return closed.plus(self._sum_hours(max(first_hour, (last_closed + 1) * DAY_HOURS), time))

    def _knows(self, first_day: int, last_hour: int, days: int) -> bool:
        """Return whether a window that ends in a closed day's `last_hour` is known to the hour where it has to be."""
        today = last_hour // DAY_HOURS
        # The lake may have had the event itself before the scorer: then it is part of the bucket of its hour.
        if last_hour in self.hours:
            return False
        by_hour = range(first_day, today + 1) if days == 1 else (today,)
        return first_day > self.cutoff - LONGEST_WINDOW_DAYS and all(
            day == self.cutoff or day not in self.days for day in by_hour
        )

    def _sum_hours(self, first_hour: int, time: int) -> Bucket:
        last_hour = time // HOUR_SECONDS
        found = self.hours.total(first_hour, last_hour)
        if found.last_time <= time:
            return found
        # A bucket of the event's own hour may hold later arrivals' times: none of them came before the event.
        return found._replace(last_time=self.hours.total(first_hour, last_hour - 1).last_time)
