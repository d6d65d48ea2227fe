"""Buckets: exact integer sums of an entity's transactions in one hour or one day.

Windows are sawtooth windows, which move in hops of their buckets. At time t a bucket b counts while
``start(b) >= floor(t - W, hop)`` and ``start(b) <= t``. A window of one day moves in hops of an hour. Windows of 7 and
30 days move in hops of a day, so that everything before the current day is constant all day long.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final, NamedTuple, Self

from antifraud.clock import DAY_HOURS, HOUR_SECONDS, day_of
from antifraud.features.labels import LabelHistory
from antifraud.features.packed import Columns, PackedRows

LONG_WINDOWS: Final = (7, 30)
"""The windows in days that move in hops of a day."""
LONGEST_WINDOW_DAYS: Final = LONG_WINDOWS[-1]
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

    def without(self, time: int, amount: int) -> "Bucket | None":
        """Take out one of the transactions; None if the largest amount or the last time may be that transaction's.

        >>> bucket = bucket_of(60, 5).plus(bucket_of(30, 7)).plus(bucket_of(20, 1))
        >>> bucket.without(20, 1), bucket.without(30, 7)
        (Bucket(tx_count=2, amount_sum=12, amount_sum_sq=74, amount_max=7, last_time=60), None)
        """
        if amount >= self.amount_max or time >= self.last_time:
            return None
        return self._replace(
            tx_count=self.tx_count - 1,
            amount_sum=self.amount_sum - amount,
            amount_sum_sq=self.amount_sum_sq - amount * amount,
        )


EMPTY: Final = Bucket(0, 0, 0, 0, NEVER)


def bucket_of(time: int, amount: int) -> Bucket:
    """Return the bucket of a single transaction.

    >>> bucket_of(60, 5).plus(bucket_of(30, 7))
    Bucket(tx_count=2, amount_sum=12, amount_sum_sq=74, amount_max=7, last_time=60)
    """
    return Bucket(1, amount, amount * amount, amount, time)


_WORD: Final = 64
_LOW: Final = (1 << _WORD) - 1


# Day or hour number, count, sum, upper and lower word of the sum of squares, largest amount, last time.
class Buckets(PackedRows, Mapping[int, Bucket], layout="iqqQQqq"):
    """The buckets of one entity by their numbers, in order, packed as in a record of the state.

    >>> buckets = Buckets.of({8: bucket_of(60, 5), 7: bucket_of(30, 7)})
    >>> list(buckets), buckets.total(8, 9), buckets == Buckets(buckets.packed)
    ([7, 8], Bucket(tx_count=1, amount_sum=5, amount_sum_sq=25, amount_max=5, last_time=60), True)
    """

    __slots__ = ("_totals",)

    def __init__(self, packed: bytes = b"") -> None:
        super().__init__(packed)
        self._totals: dict[tuple[int, int], Bucket] = {}

    @classmethod
    def of(cls, buckets: Mapping[int, Bucket]) -> Self:
        """Pack buckets; packed ones are returned as they are."""
        if isinstance(buckets, cls):
            return buckets
        return cls(b"".join(_pack(number, bucket) for number, bucket in sorted(buckets.items())))

    def unpack(self) -> Columns:
        """Return the numbers, and each field of the buckets."""
        numbers, counts, sums, upper, lower, largest, times = super().unpack()
        # The upper words are nearly always 0, and small integers are added faster.
        squares = tuple((high << _WORD) + low for high, low in zip(upper, lower, strict=True)) if any(upper) else lower
        return numbers, counts, sums, squares, largest, times

    def total(self, first: int, last: int) -> Bucket:
        """Add up the buckets with numbers from `first` to `last`."""
        return self.totals([(first, last)])[0]

    def totals(self, spans: Sequence[tuple[int, int]]) -> list[Bucket]:
        """Add up the buckets of several spans of numbers, each from its first to its last."""
        if not self.packed:
            return [EMPTY for _ in spans]
        # The closed days before an event are the same all day long, and so are the hours of both longer windows.
        known, columns = self._totals, None
        # The hours of a state end where those of today begin, so many spans lie behind all of them.
        newest = self.first_at(len(self.packed) - self.row_bytes)
        for span in spans:
            if span not in known and span[0] <= newest:
                columns = columns or self.unpack()
                known[span] = _add_up(columns, *span)
        return [known.get(span, EMPTY) for span in spans]

    def since(self, number: int) -> Self:
        """Return the buckets from `number` on."""
        if not self.packed or self.first_at(0) >= number:
            return self
        return type(self)(self.packed[bisect_left(self.unpack()[0], number) * self.row_bytes :])

    def adding(self, number: int, bucket: Bucket) -> Self:
        """Return these buckets with `bucket` added to the one with this number."""
        start, end = self._row_of(number)
        if start < end:
            bucket = bucket.plus(type(self)(self.packed[start:end]).total(number, number))
        return type(self)(self.packed[:start] + _pack(number, bucket) + self.packed[end:])

    def replacing(self, number: int, bucket: Bucket) -> Self:
        """Return these buckets with `bucket` in place of the one with this number; an empty one is left out."""
        start, end = self._row_of(number)
        row = _pack(number, bucket) if bucket.tx_count else b""
        return type(self)(self.packed[:start] + row + self.packed[end:])

    def _row_of(self, number: int) -> tuple[int, int]:
        """Return where the row with this number begins and ends; both are its place if there is no such row."""
        start = self._place_of(number) * self.row_bytes
        is_there = start < len(self.packed) and self.first_at(start) == number
        return start, start + self.row_bytes if is_there else start

    def _place_of(self, number: int) -> int:
        """Return the row with this number, or the one that it would get."""
        # An event's hour is nearly always the newest one, or newer than all.
        if self.packed and number <= self.first_at(len(self.packed) - self.row_bytes):
            return bisect_left(self.unpack()[0], number)
        return len(self)

    def __iter__(self) -> Iterator[int]:
        return iter(self.unpack()[0])

    def __getitem__(self, number: int) -> Bucket:
        if number not in self:
            raise KeyError(number)
        return self.total(number, number)

    def __contains__(self, number: object) -> bool:
        return number in self.unpack()[0]


BUCKET_BYTES: Final = Buckets.row_bytes


def join_buckets(parts: Iterable[Buckets]) -> Buckets:
    """Return the buckets of one entity from those of each of its names.

    >>> join_buckets([Buckets.of({7: bucket_of(30, 7)}), Buckets.of({7: bucket_of(40, 1)})])[7]
    Bucket(tx_count=2, amount_sum=8, amount_sum_sq=50, amount_max=7, last_time=40)
    """
    joined, *others = [part for part in parts if part] or [Buckets()]
    for other in others:
        for number, bucket in other.items():
            joined = joined.adding(number, bucket)
    return joined


def _add_up(columns: Columns, first: int, last: int) -> Bucket:
    numbers, counts, sums, squares, largest, times = columns
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


def _pack(number: int, bucket: Bucket) -> bytes:
    count, amount_sum, square, largest, last = bucket
    # Sums of squares exceed 64 bits, so the record holds them as two words.
    return Buckets.pack_row(number, count, amount_sum, square >> _WORD, square & _LOW, largest, last)


@dataclass(frozen=True, slots=True)
class History:
    """Everything known of an entity before an event.

    Attributes:
        cutoff: Last closed day; later days are made of `hours`.
        days: Buckets of the `LONGEST_WINDOW_DAYS` closed days up to the cut-off, by day number.
        hours: Buckets of the cut-off day by hour number, and of later days as far as the state has them.
        labels: Labels of a terminal; None for a customer, and for a terminal that has none.
        live: Buckets of hours by hour number, as decisions have counted them; those after the cut-off count.
    """

    cutoff: int
    days: Buckets = field(default_factory=Buckets)
    hours: Buckets = field(default_factory=Buckets)
    labels: LabelHistory | None = None
    live: Buckets = field(default_factory=Buckets)

    def windows(self, time: int) -> list[Bucket | None]:
        """Return the sawtooth windows of 1, 7 and 30 days at `time` in UTC seconds, without later buckets.

        None means that a window is not known: the event is late, and its window ends inside a day that is closed as a
        whole, or begins before the oldest closed day.
        """
        today, last_hour = day_of(time), time // HOUR_SECONDS
        # Days after the cut-off are not closed yet; their hours count instead. So do those of the event's own day.
        last_closed = min(self.cutoff, today - 1)
        open_hour = (last_closed + 1) * DAY_HOURS
        first_days = [today - days for days in LONG_WINDOWS]
        day_ago, *starts = last_hour - DAY_HOURS, *[max(first * DAY_HOURS, open_hour) for first in first_days]
        day, *recent = self._sum_hours([day_ago, *starts], time)
        closed = self.days.totals([(first, last_closed) for first in first_days])
        found: list[Bucket | None] = [day, *map(Bucket.plus, closed, recent)]
        if today > self.cutoff:
            return found
        windows = zip((day_ago // DAY_HOURS, *first_days), (1, *LONG_WINDOWS), strict=True)
        known = [self._knows(first, last_hour, days) for first, days in windows]
        return [bucket if is_known else None for bucket, is_known in zip(found, known, strict=True)]

    def past_hour(self, time: int) -> Bucket | None:
        """Return the window of one hour at `time`: the event's own and the one before it; None as in `windows`."""
        last_hour = time // HOUR_SECONDS
        first_hour = last_hour - 1
        if day_of(time) <= self.cutoff and not self._knows(first_hour // DAY_HOURS, last_hour, 1):
            return None
        return self._sum_hours([first_hour], time)[0]

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

    def _sum_hours(self, first_hours: list[int], time: int) -> list[Bucket]:
        last_hour = time // HOUR_SECONDS
        found = self._total_hours(first_hours, last_hour)
        # A bucket of the event's own hour may hold later arrivals' times, and it is part of every window.
        if found[0].last_time <= time:
            return found
        # None of them came before the event.
        before = self._total_hours(first_hours, last_hour - 1)
        return [total._replace(last_time=each.last_time) for total, each in zip(found, before, strict=True)]

    def _total_hours(self, first_hours: list[int], last_hour: int) -> list[Bucket]:
        found = self.hours.totals([(first, last_hour) for first in first_hours])
        if not self.live:
            return found
        # The state owns the days up to its cut-off.
        first_live = (self.cutoff + 1) * DAY_HOURS
        live = self.live.totals([(max(first, first_live), last_hour) for first in first_hours])
        return list(map(Bucket.plus, found, live))
