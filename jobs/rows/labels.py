"""Labels as they were known at the end of a day: the only reader of the table `labels`."""

import datetime as dt

from pyspark.sql import Column, DataFrame, SparkSession
from pyspark.sql import functions as F

from antifraud.clock import DAY_SECONDS, day_number
from antifraud.lake.schemas import LABELS
from jobs.publishing.tables import read_table

KEYS = ("day", "transaction_id")


def labels_as_of(spark: SparkSession, as_of: dt.date, snapshot_id: int | None = None) -> DataFrame:
    """Return `day`, `transaction_id`, `status`, `scenario` and `delay` of every transaction that had a label.

    Only labels learnt before the end of `as_of` (UTC) count. A transaction without a row is unknown, and so is one of
    status ``unknown``; neither is legitimate. The current snapshot is read unless `snapshot_id` names another.
    """
    return latest(read_table(spark, LABELS, f"day <= DATE '{as_of}'", snapshot_id), as_of)


def frauds_and_drawn(labels: DataFrame, as_of: dt.date, drawn: Column) -> DataFrame:
    """Return `latest` of the frauds, and of the legitimate transactions that are `drawn`, a condition on `KEYS`.

    Others are left out before anything is grouped, so the cost is that of the frauds and the drawn ones.
    """
    called = labels.where((F.col("learned_at") < _end(as_of)) & (F.col("status") == "fraud")).select(*KEYS).distinct()
    others = labels.where(~drawn).join(called, list(KEYS), "left_semi")
    known = latest(labels.where(drawn).unionByName(others), as_of)
    return known.where((F.col("status") == "fraud") | (drawn & (F.col("status") == "legitimate")))


def latest(labels: DataFrame, as_of: dt.date) -> DataFrame:
    """Keep the latest entry of each transaction by (learned_at, source, sequence), learnt before the end of `as_of`.

    `delay` is the number of days until the transaction was first called a fraud; null if it never was.
    """
    order = F.struct("learned_at", "source", "sequence")
    newest = F.max_by(F.struct("status", "scenario"), order)
    called = F.min(F.when(F.col("status") == "fraud", F.col("learned_at")))
    delay = F.floor(called / DAY_SECONDS).cast("int") - F.unix_date("day")
    known = (
        labels.where(F.col("learned_at") < _end(as_of)).groupBy(*KEYS).agg(newest.alias("said"), delay.alias("delay"))
    )
    return known.select(*KEYS, "said.status", "said.scenario", "delay")


def _end(as_of: dt.date) -> int:
    return (day_number(as_of) + 1) * DAY_SECONDS
