"""Buckets: what is remembered of an entity's transactions in one hour or one day, in exact integers.

Sawtooth windows (a window moves in hops of its buckets): at time t a bucket b counts while
``start(b) >= floor(t - W, hop)`` and ``start(b) <= t``. One day moves in hops of an hour, 7 and 30 days in hops of a
day, so everything older than the current day is constant all day long.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Final, NamedTuple

from antifraud.clock import DAY_SECONDS, HOUR_SECONDS, day_of

LONGEST_WINDOW_DAYS: Final = 30
NEVER: Final = -1


class Bucket(NamedTuple):
    """Transactions of one entity in one span of time.

    `amount_sum` and `amount_max` are minor units, `amount_sum_sq` is minor units squared (beyond 64 bits), `last_time`
    is UTC seconds; an empty bucket has zeros and `last_time` -1.
    """

    tx_count: int
    amount_sum: int
    amount_sum_sq: int
    amount_max: int
    last_time: int

    def plus(self, other: "Bucket") -> "Bucket":
        """Both buckets together; order does not matter."""
        return Bucket(
            self.tx_count + other.tx_count,
            self.amount_sum + other.amount_sum,
            self.amount_sum_sq + other.amount_sum_sq,
            max(self.amount_max, other.amount_max),
            max(self.last_time, other.last_time),
        )


EMPTY: Final = Bucket(0, 0, 0, 0, NEVER)


def bucket_of(time: int, amount: int) -> Bucket:
    """The bucket of a single transaction.

    >>> bucket_of(60, 5).plus(bucket_of(30, 7))
    Bucket(tx_count=2, amount_sum=12, amount_sum_sq=74, amount_max=7, last_time=60)
    """
    return Bucket(1, amount, amount * amount, amount, time)


def total(buckets: Iterable[Bucket]) -> Bucket:
    """All of `buckets` together.

    Column by column, since a decision adds up some hundred buckets: a third of the time of adding them one by one.
    """
    columns = list(zip(*buckets, strict=True))
    if not columns:
        return EMPTY
    counts, sums, squares, largest, last = columns
    return Bucket(sum(counts), sum(sums), sum(squares), max(largest), max(last))


class Risk(NamedTuple):
    """Matured labels of a terminal: transactions with a known label and frauds among them, over 1, 7 and 30 days.

    The windows end `label_delay` days before the day the risk is used on, so no label is counted before it is learnt.
    A streak is what the 30 days say after their last day with a legitimate transaction: `streak_fraud` frauds, the
    first of them `streak_age` days before the day of use; that last day lies `legit_age` days before it. 0 is none.
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


@dataclass(frozen=True, slots=True)
class History:
    """What is known of an entity before an event.

    `days` are closed days by day number (the cut-off day and before); `hours` are hour buckets by hour number: those of
    the cut-off day and all later ones. `cutoff` is the last closed day; days after it are made of `hours`.
    """

    cutoff: int
    days: Mapping[int, Bucket] = field(default_factory=dict)
    hours: Mapping[int, Bucket] = field(default_factory=dict)
    risk: Risk = NO_RISK

    def window(self, time: int, days: int) -> Bucket:
        """The sawtooth window of `days` (1, 7 or 30) at `time` in UTC seconds."""
        if days == 1:
            first_hour = (time - DAY_SECONDS) // HOUR_SECONDS
            return total(self._hours(first_hour, time))
        first_day = day_of(time) - days
        closed = (bucket for day, bucket in self.days.items() if first_day <= day <= self.cutoff)
        first_live_hour = max(first_day, self.cutoff + 1) * DAY_SECONDS // HOUR_SECONDS
        return total([*closed, *self._hours(first_live_hour, time)])

    def _hours(self, first_hour: int, time: int) -> Iterable[Bucket]:
        last_hour = time // HOUR_SECONDS
        return (bucket for hour, bucket in self.hours.items() if first_hour <= hour <= last_hour)
