"""Buckets (`antifraud.features.buckets.Bucket`) as Spark columns: the same five exact integers."""

from typing import Final

from pyspark.sql import Column
from pyspark.sql import functions as F

from antifraud.features.buckets import NEVER

FIELDS: Final = ("tx_count", "amount_sum", "amount_sum_sq", "amount_max", "last_time")
EXACT: Final = "decimal(38,0)"
SQUARE: Final = "decimal(28,0)"
"""Type that holds the square of the largest amount, 10^18; Spark sums it up as `EXACT`."""


def square(amount: Column) -> Column:
    """Return the exact square of an amount."""
    return (amount * amount).cast(SQUARE)


def sum_events() -> dict[str, Column]:
    """Return the aggregates that turn events (`amount`, `event_time`) into the fields of a bucket."""
    amount = F.col("amount")
    return {
        "tx_count": F.count(F.lit(1)),
        "amount_sum": F.sum(amount),
        "amount_sum_sq": F.sum(square(amount)),
        "amount_max": F.max(amount),
        "last_time": F.max("event_time"),
    }


def sum_buckets() -> dict[str, Column]:
    """Return the aggregates that turn many buckets into one."""
    return {
        "tx_count": F.sum("tx_count"),
        "amount_sum": F.sum("amount_sum"),
        "amount_sum_sq": F.sum("amount_sum_sq"),
        "amount_max": F.max("amount_max"),
        "last_time": F.max("last_time"),
    }


def alias_all(columns: dict[str, Column]) -> list[Column]:
    """Return each column under its name."""
    return [column.alias(name) for name, column in columns.items()]


def empty() -> Column:
    """Return the bucket of no transaction."""
    values = {"tx_count": 0, "amount_sum": 0, "amount_sum_sq": 0, "amount_max": 0, "last_time": NEVER}
    return F.struct(*(F.lit(value).cast(_type(name)).alias(name) for name, value in values.items()))


def plus(one: Column, other: Column) -> Column:
    """Add up two buckets."""
    sums = {name: (one[name] + other[name]).cast(_type(name)) for name in ("tx_count", "amount_sum", "amount_sum_sq")}
    largest = {name: F.greatest(one[name], other[name]) for name in ("amount_max", "last_time")}
    return F.struct(*alias_all(sums | largest))


def total(buckets: Column) -> Column:
    """Add up the buckets of an array; an empty or null array gives the empty bucket."""
    return F.coalesce(F.aggregate(buckets, empty(), plus), empty())


def _type(name: str) -> str:
    return EXACT if name == "amount_sum_sq" else "bigint"
