"""Buckets: exact integer sums of an entity's transactions in one hour or one day.

Windows are sawtooth windows, which move in hops of their buckets. At time t a bucket b counts while
``start(b) >= floor(t - W, hop)`` and ``start(b) <= t``. A window of one day moves in hops of an hour. Windows of 7 and
30 days move in hops of a day, so that everything before the current day is constant all day long.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Final, NamedTuple

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


def total(buckets: Iterable[Bucket]) -> Bucket:
    """Add up all buckets.

    A decision adds up some hundred buckets. Adding field by field takes a third of the time of adding bucket by bucket.
    """
    columns = list(zip(*buckets, strict=True))
    if not columns:
        return EMPTY
    counts, sums, squares, largest, last = columns
    return Bucket(sum(counts), sum(sums), sum(squares), max(largest), max(last))


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
    days: Mapping[int, Bucket] = field(default_factory=dict)
    hours: Mapping[int, Bucket] = field(default_factory=dict)
    labels: LabelHistory | None = None

    def window(self, time: int, days: int) -> Bucket | None:
        """Return the sawtooth window of `days` (1, 7 or 30) at `time` in UTC seconds, without later buckets.

        None means that it is not known: the event is late, and its window ends inside a day that is closed as a whole,
        or begins before the oldest closed day.
        """
        today, last_hour = day_of(time), time // HOUR_SECONDS
        first_hour = last_hour - DAY_HOURS if days == 1 else (today - days) * DAY_HOURS
        if today <= self.cutoff and not self._knows(first_hour // DAY_HOURS, today, days):
            return None
        if days == 1:
            return total(self._hours(first_hour, time))
        # Days after the cut-off are not closed yet; their hours count instead. So do those of the event's own day.
        last_closed = min(self.cutoff, today - 1)
        closed = (bucket for day, bucket in self.days.items() if today - days <= day <= last_closed)
        return total([*closed, *self._hours(max(first_hour, (last_closed + 1) * DAY_HOURS), time)])

    def _knows(self, first_day: int, today: int, days: int) -> bool:
        """Return whether a window that ends on the closed day `today` is known to the hour where it has to be."""
        by_hour = range(first_day, today + 1) if days == 1 else (today,)
        return first_day > self.cutoff - LONGEST_WINDOW_DAYS and all(
            day == self.cutoff or day not in self.days for day in by_hour
        )

    def _hours(self, first_hour: int, time: int) -> Iterable[Bucket]:
        last_hour = time // HOUR_SECONDS
        for hour, bucket in self.hours.items():
            if first_hour <= hour <= last_hour:
                # A bucket of the event's own hour may hold later arrivals' times: none of them came before the event.
                yield bucket if bucket.last_time <= time else bucket._replace(last_time=NEVER)
