"""The state of an entity at the end of a day, from its totals: what `jobs/state.py` publishes.

Cut-offs are handled in blocks of days: an entity's totals that any cut-off of a block can see are gathered once, and
each cut-off picks its own, so that neither a year of days nor a single one costs more than it must.
"""

from typing import Final

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from antifraud.buckets import LONGEST_WINDOW_DAYS, NEVER, Risk
from antifraud.features import WINDOWS
from antifraud.schemas import DAY_BUCKETS, HOUR_BUCKETS
from jobs.buckets import FIELDS

BLOCK_DAYS: Final = 10
COUNTS: Final = ("known", "fraud")
RISK_COLUMNS: Final = Risk._fields


def history_of(totals: DataFrame, cutoffs: DataFrame) -> DataFrame:
    """`days` and `hours` of each `entity` at each cut-off (`cutoff`, a day number) that sees any of its totals.

    `totals` has `entity`, `number` (day number), the fields of a bucket and `hours`.
    """
    entry = F.struct("number", *FIELDS, "hours")
    gathered = (
        _by_block(totals, LONGEST_WINDOW_DAYS)
        .groupBy("entity", "block")
        .agg(F.array_sort(F.collect_list(entry)).alias("entries"))
    )
    seen = F.filter(
        "entries", lambda e: e["number"].between(F.col("cutoff") - LONGEST_WINDOW_DAYS + 1, F.col("cutoff"))
    )
    own = F.filter("entries", lambda e: e["number"] == F.col("cutoff"))
    day = F.transform(
        "seen", lambda e: F.struct(e["number"].alias("day_number"), *(e[name].alias(name) for name in FIELDS))
    )
    return (
        gathered.join(F.broadcast(cutoffs), "block", "inner")
        .select("entity", "cutoff", seen.alias("seen"), own.alias("own"))
        .where(F.size("seen") > 0)
        .select(
            "entity",
            "cutoff",
            day.cast(DAY_BUCKETS).alias("days"),
            F.coalesce(F.get("own", F.lit(0))["hours"], F.array().cast(HOUR_BUCKETS)).alias("hours"),
        )
    )


def risk_of(totals: DataFrame, cutoffs: DataFrame, label_delay_days: int) -> DataFrame:
    """`RISK_COLUMNS` of each terminal (`entity`) at each cut-off that knows any of its labels.

    A window of W days ends `label_delay_days` before the cut-off, and only what was learnt up to the cut-off counts.
    `totals` has `entity`, `number` and `learned`.
    """
    changes = totals.select("entity", "number", F.explode("learned").alias("said"))
    reach = label_delay_days + LONGEST_WINDOW_DAYS
    seen = _by_block(changes, reach).join(F.broadcast(cutoffs), "block", "inner")
    age = F.col("cutoff") - label_delay_days - F.col("number")
    matured = seen.where(age.between(0, LONGEST_WINDOW_DAYS - 1) & (F.col("said.learned_day") <= F.col("cutoff")))
    counts = [F.sum(f"said.{count}").alias(count) for count in COUNTS]
    # One shuffle serves both aggregations.
    daily = matured.repartition("entity").groupBy("entity", "cutoff", "number").agg(*counts)
    sums = [
        F.sum(F.when(age < days, F.col(count)).otherwise(0)).alias(f"{count}_{days}d")
        for days in WINDOWS
        for count in COUNTS
    ]
    said = F.collect_list(F.struct("number", *COUNTS)).alias("said")
    return _with_streak(daily.groupBy("entity", "cutoff").agg(*sums, said)).where(
        " OR ".join(f"{name} != 0" for name in RISK_COLUMNS)
    )


def _with_streak(rows: DataFrame) -> DataFrame:
    """Replace `said` (known and fraud of each matured day) by the streak; ages count to the day after the cut-off."""
    today = F.col("cutoff") + 1
    legit_days = _numbers(F.filter("said", lambda day: day["known"] > day["fraud"]))
    streak = F.filter("said", lambda day: (day["fraud"] > 0) & (day["number"] > F.col("last_legit")))
    return (
        rows.withColumn("last_legit", F.coalesce(F.array_max(legit_days), F.lit(NEVER)))
        .withColumn("streak", streak)
        .withColumn(
            "streak_fraud", F.aggregate("streak", F.lit(0).cast("bigint"), lambda sum_, day: sum_ + day["fraud"])
        )
        .withColumn("streak_age", F.coalesce(today - F.array_min(_numbers(F.col("streak"))), F.lit(0)))
        .withColumn("legit_age", F.when(F.col("last_legit") == NEVER, 0).otherwise(today - F.col("last_legit")))
        .select("entity", "cutoff", *(F.col(name).cast("bigint").alias(name) for name in RISK_COLUMNS))
    )


def _numbers(days: Column) -> Column:
    return F.transform(days, lambda day: day["number"])


def with_blocks(cutoffs: DataFrame) -> DataFrame:
    """Cut-offs (`cutoff`, a day number) with their block."""
    return cutoffs.withColumn("block", _block(F.col("cutoff")))


def _block(number: Column) -> Column:
    return F.floor(number / BLOCK_DAYS).cast("int")


def _by_block(rows: DataFrame, reach: int) -> DataFrame:
    """Each row once for every block with a cut-off that sees it: `number` to ``number + reach - 1``."""
    number = F.col("number")
    return rows.withColumn("block", F.explode(F.sequence(_block(number), _block(number + reach - 1))))
