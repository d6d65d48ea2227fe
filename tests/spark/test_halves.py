"""Sums of squares in two halves stand for the same integers as decimals, beyond 64 bits too."""

from decimal import Decimal

import pytest
from pyspark.sql import functions as F  # noqa: N812

from antifraud.schemas import BUCKET
from jobs.halves import empty, halved, halves, plus, whole

SQUARES = (0, 1, (1 << 32) - 1, 1 << 32, (1 << 63) - 1, 1 << 63, 10**25 + 7)


@pytest.fixture(scope="module")
def buckets(spark):
    """One bucket of the lake for each of `SQUARES`, and a null."""
    rows = [(place, (2, 3, Decimal(square), 5, 7)) for place, square in enumerate(SQUARES)]
    return spark.createDataFrame([*rows, (len(SQUARES), None)], f"place int, bucket {BUCKET}")


def test_a_bucket_keeps_its_integers(buckets):
    """The other fields stay; a bucket that is missing is missing still."""
    rows = buckets.select(halved(F.col("bucket")).alias("it")).orderBy("place").collect()

    assert [row["it"] and row["it"]["high"] * 2**32 + row["it"]["low"] for row in rows] == [*SQUARES, None]
    assert {(r["it"]["tx_count"], r["it"]["amount_sum"], r["it"]["amount_max"], r["it"]["last_time"])
            for r in rows if r["it"]} == {(2, 3, 5, 7)}  # fmt: skip


def test_halves_add_up(buckets):
    """Without a carry from one to the other, and `whole` brings them together exactly."""
    added = buckets.select(halved(F.col("bucket")).alias("it")).agg(
        F.sum("it.high").alias("high"), F.sum("it.low").alias("low")
    )

    assert int(added.select(whole(F.col("high"), F.col("low"))).collect()[0][0]) == sum(SQUARES)


def test_buckets_together(buckets):
    """Counts and sums are added, of the others the larger stays; the empty bucket changes nothing."""
    both = plus(plus(halved(F.col("bucket")), halved(F.col("bucket"))), empty())

    row = buckets.where(f"place = {len(SQUARES) - 1}").select(both.alias("it")).collect()[0]["it"]
    assert row["high"] * 2**32 + row["low"] == 2 * SQUARES[-1]
    assert (row["tx_count"], row["amount_sum"], row["amount_max"], row["last_time"]) == (4, 6, 5, 7)


def test_halves_of_the_largest_square(spark):
    """An amount of 10^9 has a square of 10^18."""
    made = halves(F.lit(10**18))

    row = spark.range(1).select(made["high"].alias("high"), made["low"].alias("low")).collect()[0]
    assert (row["high"], row["low"]) == divmod(10**18, 2**32)
