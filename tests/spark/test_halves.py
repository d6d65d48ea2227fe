"""Sums of squares in two halves stand for the same integers as decimals, beyond 64 bits too."""

from decimal import Decimal

import pytest
from pyspark.sql import functions as F  # noqa: N812

from antifraud.lake.schemas import BUCKET
from jobs.columns.buckets import alias_all
from jobs.columns.square_halves import FIELDS, fields_of, halves, plus, split_decimal, whole

SQUARES = (0, 1, (1 << 32) - 1, 1 << 32, (1 << 63) - 1, 1 << 63, 10**25 + 7)


@pytest.fixture(scope="module")
def buckets(spark):
    """Return one bucket of the lake for each of `SQUARES`, and a null."""
    rows = [(place, (2, 3, Decimal(square), 5, 7)) for place, square in enumerate(SQUARES)]
    return spark.createDataFrame([*rows, (len(SQUARES), None)], f"place int, bucket {BUCKET}")


def test_a_bucket_keeps_its_integers(buckets):
    """Splitting a bucket keeps its square exactly and its other fields as they are; a null bucket gives nulls."""
    rows = buckets.select("place", *alias_all(fields_of(F.col("bucket")))).orderBy("place").collect()

    *present, missing = ([row[name] for name in FIELDS] for row in rows)
    assert missing == [None] * len(FIELDS)
    assert [row[FIELDS.index("high")] * 2**32 + row[FIELDS.index("low")] for row in present] == [*SQUARES]
    others = [FIELDS.index(name) for name in ("tx_count", "amount_sum", "amount_max", "last_time")]
    assert {tuple(row[place] for place in others) for row in present} == {(2, 3, 5, 7)}


def test_halves_add_up(buckets):
    """The halves are summed without carrying from low to high, and `whole` joins the sums exactly."""
    both = split_decimal(F.col("bucket.amount_sum_sq"))
    added = buckets.agg(*(F.sum(half).alias(name) for name, half in both.items()))

    assert int(added.select(whole(F.col("high"), F.col("low"))).collect()[0][0]) == sum(SQUARES)


@pytest.mark.parametrize(
    ("name", "expected"), [("tx_count", 4), ("amount_sum", 6), ("amount_max", 5), ("last_time", 7)]
)
def test_buckets_together(buckets, name, expected):
    """Adding two buckets sums counts and amounts and keeps the larger of the others; a null changes nothing."""
    field = fields_of(F.col("bucket"))[name]
    missing = F.lit(None).cast("bigint")
    both = plus(name, plus(name, missing, field), field)

    assert buckets.where("place = 0").select(both).collect()[0][0] == expected


def test_squares_of_two_buckets_together(buckets):
    """The sum of two squares is exact beyond 64 bits."""
    fields = fields_of(F.col("bucket"))
    both = {name: plus(name, fields[name], fields[name]) for name in ("high", "low")}

    row = buckets.where(f"place = {len(SQUARES) - 1}").select(*alias_all(both)).collect()[0]
    assert row["high"] * 2**32 + row["low"] == 2 * SQUARES[-1]


def test_two_missing_buckets_are_the_empty_one(spark):
    """Two missing buckets give the empty bucket: no transaction, and -1 as the last time."""
    missing = F.lit(None).cast("bigint")
    row = spark.range(1).select(*(plus(name, missing, missing).alias(name) for name in FIELDS)).collect()[0]

    assert row.asDict() == dict.fromkeys(FIELDS, 0) | {"last_time": -1}


def test_halves_of_the_largest_square(spark):
    """The square of the largest amount, 10^18, splits into its quotient and remainder by 2^32."""
    made = halves(F.lit(10**18))

    row = spark.range(1).select(made["high"].alias("high"), made["low"].alias("low")).collect()[0]
    assert (row["high"], row["low"]) == divmod(10**18, 2**32)
