"""Buckets to compute with: the sum of squares in two 64-bit halves, which are added far more quickly than decimals.

`high` counts 2^32, `low` the rest. Nothing is carried from one to the other, since sums of either fit 64 bits whatever
number of rows there is.
"""

from typing import Final

from pyspark.sql import Column
from pyspark.sql import functions as F

from antifraud.buckets import NEVER
from jobs.buckets import EXACT, named

HALF_BITS: Final = 32
SUMMED: Final = ("tx_count", "amount_sum", "high", "low")
LARGEST: Final = ("amount_max", "last_time")
FIELDS: Final = (*SUMMED, *LARGEST)
_LARGEST_LONG: Final = (1 << 63) - 1


def halves(square: Column) -> dict[str, Column]:
    """Both halves of a 64-bit integer that is not negative."""
    return {"high": F.shiftright(square, HALF_BITS), "low": square.bitwiseAND(F.lit((1 << HALF_BITS) - 1))}


def whole(high: Column, low: Column) -> Column:
    """What sums of halves stand for, as a decimal."""
    return (high.cast(EXACT) * F.lit(1 << HALF_BITS).cast("decimal(10,0)") + low.cast("decimal(20,0)")).cast(EXACT)


def summed_events() -> dict[str, Column]:
    """Aggregates of events (`amount`, `event_time`) into the fields of a bucket."""
    amount = F.col("amount")
    sums = {"amount_sum": amount} | halves(amount * amount)
    return {"tx_count": F.count(F.lit(1))} | {name: F.sum(value) for name, value in sums.items()} | {
        "amount_max": F.max(amount),
        "last_time": F.max("event_time"),
    }  # fmt: skip


def halved(bucket: Column) -> Column:
    """A bucket of the lake; null for null."""
    square = bucket["amount_sum_sq"]
    unit = F.lit(1 << HALF_BITS).cast("decimal(10,0)")
    rest = square % unit
    large = {"high": (square - rest) / unit, "low": rest}
    # Decimals are divided only where they must be: few sums of squares do not fit 64 bits.
    fits = square <= F.lit(_LARGEST_LONG)
    split = {
        name: F.when(fits, half).otherwise(large[name].cast("bigint"))
        for name, half in halves(F.when(fits, square).cast("bigint")).items()
    }
    fields = {name: bucket[name] for name in FIELDS if name not in split} | split
    return F.when(bucket.isNotNull(), F.struct(*(fields[name].alias(name) for name in FIELDS)))


def empty() -> Column:
    """The bucket of no transaction."""
    values = dict.fromkeys(FIELDS, 0) | {"last_time": NEVER}
    return F.struct(*(F.lit(value).cast("bigint").alias(name) for name, value in values.items()))


def plus(one: Column, other: Column) -> Column:
    """Both buckets together."""
    sums = {name: one[name] + other[name] for name in SUMMED}
    return F.struct(*named(sums | {name: F.greatest(one[name], other[name]) for name in LARGEST}))
