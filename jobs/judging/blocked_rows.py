"""Payments that the scorer has flagged or blocked, by the decisions that it has shipped to the lake.

Days on which nothing served have no decision, so nothing was blocked there.
"""

from typing import Final

from pyspark.sql import Column, DataFrame, SparkSession
from pyspark.sql import functions as F

from antifraud.clock import Span
from antifraud.gate.blocked import BANDS, BandDay
from antifraud.lake.shipped_tables import DECISIONS
from antifraud.transaction_id import IdScope
from jobs.publishing.tables import read_table
from jobs.rows.ids import KEYS, with_lake_ids

BLOCKED: Final = "blocked"
"""Whether the client was told to block the payment."""
WAS_FLAGGED: Final = "was_flagged"
"""Whether it was flagged at all: a payment of a control share was let through."""


def flagged_rows(spark: SparkSession, span: Span, scope: IdScope) -> DataFrame:
    """Return `KEYS`, `BLOCKED` and `WAS_FLAGGED` of each payment that some store has flagged on these days."""
    shipped = read_table(spark, DECISIONS, f"day BETWEEN DATE '{span.first}' AND DATE '{span.last}'")
    blocked = F.coalesce("flagged", F.lit(False))
    flagged = shipped.where(blocked | F.coalesce("would_flag", F.lit(False)))
    rows = with_lake_ids(flagged.select("day", "namespace", "transaction_id", blocked.alias(BLOCKED)), scope)
    return rows.groupBy(*KEYS).agg(F.max(BLOCKED).alias(BLOCKED)).withColumn(WAS_FLAGGED, F.lit(True))


def with_flags(rows: DataFrame, flags: DataFrame) -> DataFrame:
    """Return rows with `BLOCKED` and `WAS_FLAGGED`, both false where no decision is known."""
    absent = {name: F.coalesce(name, F.lit(False)) for name in (BLOCKED, WAS_FLAGGED)}
    return rows.join(flags, list(KEYS), "left").withColumns(absent)


def bands_of(results: DataFrame, threshold: int) -> list[BandDay]:
    """Count flagged rows by day and score band of a release, whose threshold says which of them it would pass."""
    band = sum((F.when(F.col("score") >= least, 1).otherwise(0) for least in BANDS), F.lit(0))
    passed = F.col(BLOCKED) & (F.col("status") == "unknown") & (F.col("score") <= threshold)
    amount = F.when(passed, F.col("amount_minor")).otherwise(0)
    counts = (
        F.count_if(passed),
        F.sum(amount),
        F.count_if(F.col("status") != "unknown"),
        F.count_if(F.col("status") == "fraud"),
    )
    rows = results.where(WAS_FLAGGED).groupBy(F.unix_date("day").alias("day"), band.alias("band")).agg(*counts)
    return [BandDay(*row) for row in rows.orderBy("day", "band").collect()]


def judged_status(threshold: int) -> Column:
    """Return the status that counts: a blocked payment without a label that the release flags, too, is legitimate.

    Most of them are fraud that is caught. But nobody knows, and left out they would lower the rate of whatever
    resembles the release that has blocked them.
    """
    caught = F.col(BLOCKED) & (F.col("status") == "unknown") & (F.col("score") > threshold)
    return F.when(caught, "legitimate").otherwise(F.col("status"))
