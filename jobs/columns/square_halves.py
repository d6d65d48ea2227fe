"""Buckets for computing: the sum of squares in two 64-bit halves, which add up far more quickly than decimals.

`high` counts multiples of 2^32, `low` the rest. Nothing is carried from `low` to `high`: sums of either fit 64 bits for
any number of rows that occurs.
"""

from typing import Final

from pyspark.sql import Column
from pyspark.sql import functions as F

from antifraud.features.buckets import NEVER
from jobs.columns.buckets import EXACT

HALF_BITS: Final = 32
HALVES: Final = ("high", "low")
LARGEST: Final = ("amount_max", "last_time")
FIELDS: Final = ("tx_count", "amount_sum", *HALVES, *LARGEST)
LARGEST_LONG: Final = (1 << 63) - 1


def halves(square: Column) -> dict[str, Column]:
    """Return both halves of a 64-bit integer that is not negative."""
    return {"high": F.shiftright(square, HALF_BITS), "low": square.bitwiseAND(F.lit((1 << HALF_BITS) - 1))}


def whole(high: Column, low: Column) -> Column:
    """Return the decimal that two sums of halves stand for."""
    return (high.cast(EXACT) * F.lit(1 << HALF_BITS).cast("decimal(10,0)") + low.cast("decimal(20,0)")).cast(EXACT)


def sum_events(counts: Column | None = None) -> dict[str, Column]:
    """Return the aggregates that turn events (`amount`, `event_time`) into the fields of a bucket.

    If not all events count, `counts` says which do.
    """
    one, amount, time = (
        value if counts is None else F.when(counts, value) for value in (F.lit(1), F.col("amount"), F.col("event_time"))
    )
    sums = {"amount_sum": amount} | halves(amount * amount)
    return {"tx_count": F.count(one)} | {name: F.sum(value) for name, value in sums.items()} | {
        "amount_max": F.max(amount),
        "last_time": F.max(time),
    }  # fmt: skip


def split_decimal(square: Column) -> dict[str, Column]:
    """Return both halves of a sum of squares that the lake stores as a decimal; null for null."""
    unit = F.lit(1 << HALF_BITS).cast("decimal(10,0)")
    rest = square % unit
    # Without its remainder the division is exact, and `high` has no digits after the point.
    large = {"high": (square - rest) / unit, "low": rest}
    # Decimals are divided only if they must be: nearly all sums of squares fit 64 bits.
    fits = square <= F.lit(LARGEST_LONG)
    small = halves(F.when(fits, square).cast("bigint"))
    return {name: F.when(fits, small[name]).otherwise(large[name].cast("bigint")) for name in large}


def fields_of(bucket: Column) -> dict[str, Column]:
    """Return a bucket of the lake field by field, so that unused fields are not even read; nulls for null."""
    stored = {name: bucket[name] for name in FIELDS if name not in HALVES}
    return stored | split_decimal(bucket["amount_sum_sq"])


def plus(name: str, one: Column, other: Column) -> Column:
    """Add up the field `name` of two buckets; null stands for the empty bucket."""
    if name in LARGEST:
        return F.coalesce(F.greatest(one, other), nothing(name))
    return F.coalesce(one, nothing(name)) + F.coalesce(other, nothing(name))


def nothing(name: str) -> Column:
    """Return the field `name` of the bucket of no transaction."""
    return F.lit(NEVER if name == "last_time" else 0).cast("bigint")
