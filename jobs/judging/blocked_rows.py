"""Payments that the scorer has flagged or blocked, by the decisions that it has shipped to the lake.

Days on which nothing served have no decision, so nothing was blocked there.
"""

from typing import Final

from pyspark.sql import Column, DataFrame, SparkSession
from pyspark.sql import functions as F

from antifraud.gate.blocked import BANDS, BandDay
from jobs.rows.decisions import WAS_FLAGGED, decisions_of
from jobs.rows.ids import KEYS
from jobs.rows.inputs import Inputs

BLOCKED: Final = "blocked"
"""Whether the client was told to block the payment."""


def with_flags(spark: SparkSession, rows: DataFrame, inputs: Inputs) -> DataFrame:
    """Return rows with `BLOCKED` and `WAS_FLAGGED`, both false where no decision is known.

    A payment that rules alone block is none of the model's: they would block it again, whatever a release says.
    """
    if not inputs.decisions_snapshot:
        return rows.withColumns(dict.fromkeys((BLOCKED, WAS_FLAGGED), F.lit(False)))
    span = inputs.spans["certify"]
    decided = decisions_of(spark, inputs, f"day BETWEEN DATE '{span.first}' AND DATE '{span.last}'")
    of_the_model = F.coalesce("would_flag", F.lit(False)) | F.coalesce(F.col("chance") > 0, F.lit(False))
    blocked = F.coalesce("blocked", F.lit(False)) & of_the_model
    flags = {BLOCKED: blocked, WAS_FLAGGED: blocked | F.coalesce("would_flag", F.lit(False))}
    return rows.join(decided, list(KEYS), "left").withColumns(flags).drop("would_flag", "chance")


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
