"""Yesterday by the hour: how much of it a window of one day still covers.

At 15:20 that window has left hours 0 to 14 of yesterday behind and still covers hours 15 to 23. The hours of an entity
are prepared once, so that each event only looks a sum up. Say that yesterday had two transactions in hour 9, one in
hour 15 and four in hour 20:

| column or value                  | in the example                                         |
| -------------------------------- | ------------------------------------------------------ |
| `hours_seen`                     | bits 9, 15 and 20                                      |
| `from_hour_tx_count`             | 7 from hour 9 on, 5 from hour 15 on, 4 from hour 20 on |
| `hours_past` at 15:20            | bits 0 to 14                                           |
| bits in both                     | one: bit 9                                             |
| so the event counts entry 1      | 5                                                      |

At 21:00 all three bits are in both, and entry 3 counts as nothing, be it 0 or null.
"""

from functools import reduce
from typing import Final

from pyspark.sql import Column
from pyspark.sql import functions as F

from antifraud.clock import DAY_HOURS, HOUR_SECONDS
from jobs.columns.square_halves import FIELDS, HALVES, nothing, plus, split_decimal

FEW_HOURS: Final = 4
"""Most entities have no more hours in a day (`_few_or_many`)."""


def hours_past(time: str) -> Column:
    """Return a bit for each hour of yesterday that a window of one day has left behind at `time` (UTC seconds)."""
    return bit_of(F.floor(F.col(time) / HOUR_SECONDS)) - 1


def sum_hours() -> dict[str, Column]:
    """Return `hours_seen`, and each field's sums from each hour on (`from_hour_…`), made of the column `hours`."""
    return {"hours_seen": _hours_seen()} | {f"from_hour_{name}": _from_each_hour(name) for name in FIELDS}


def covered_hours() -> dict[str, Column]:
    """Return for each field of a bucket its sum over the hours of yesterday that an event's window still covers."""
    gone = F.bit_count(F.col("hours_seen").bitwiseAND(F.col("hours_past")))
    return {name: F.get(f"from_hour_{name}", gone) for name in FIELDS}


def _hours_seen() -> Column:
    numbers = F.col("hours.hour")
    few = [F.coalesce(bit_of(F.get(numbers, F.lit(place))), F.lit(0)) for place in range(FEW_HOURS)]
    return _few_or_many(
        reduce(Column.bitwiseOR, few), F.aggregate(numbers, F.lit(0), lambda bits, hour: bits.bitwiseOR(bit_of(hour)))
    )


def bit_of(hour: Column) -> Column:
    """Return the bit of an hour's place in its day; the bits of earlier hours are all lower."""
    return F.call_function("shiftleft", F.lit(1), F.pmod(hour, F.lit(DAY_HOURS)).cast("int"))


def _few_or_many(few: Column, many: Column) -> Column:
    """Return `few` if yesterday has at most `FEW_HOURS` hours, else `many`.

    Both give the same. Only `many` works for any number of hours, but it needs lambdas, which Spark does not compile.
    """
    return F.when(F.size("hours") > FEW_HOURS, many).otherwise(few)


def _from_each_hour(name: str) -> Column:
    """Return an array: the field `name` of each hour and all later ones together."""
    values = F.col(f"hours.{name}") if name not in HALVES else _half_of_each_hour(name)
    from_many_hours = F.transform(
        values,
        lambda _, place: F.aggregate(
            F.slice(values, place + 1, F.size(values)), nothing(name), lambda one, other: plus(name, one, other)
        ),
    )
    return _few_or_many(_from_few_hours(name, values), from_many_hours)


def _from_few_hours(name: str, values: Column) -> Column:
    """Add up from the last hour to the first; hours that are missing add nothing."""
    sums = [nothing(name)]
    for place in reversed(range(FEW_HOURS)):
        sums.insert(0, plus(name, F.get(values, F.lit(place)), sums[0]))
    return F.array(*sums)


def _half_of_each_hour(name: str) -> Column:
    return F.transform("hours.amount_sum_sq", lambda square: split_decimal(square)[name])
