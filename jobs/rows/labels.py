"""Labels as they were known at the end of a day, of the feed and of clients: the only reader of both tables.

The feed's labels are in `labels`, and `client_labels` has what clients have sent to the scorer. A client's label
belongs to the lake's transaction with its day and its number; ids of other namespaces are none of the lake's.
"""

import datetime as dt

from pyspark.sql import Column, DataFrame, SparkSession
from pyspark.sql import functions as F

from antifraud.clock import DAY_SECONDS, day_number
from antifraud.lake.schemas import LABELS
from antifraud.lake.shipped_tables import CLIENT_LABELS
from antifraud.transaction_id import IdScope
from jobs.publishing.tables import read_table
from jobs.rows.decisions import decisions_of
from jobs.rows.ids import KEYS, with_lake_ids
from jobs.rows.inputs import Inputs


def labels_as_of(spark: SparkSession, inputs: Inputs) -> DataFrame:
    """Return what `latest` gives for every transaction that had a label.

    Only labels learnt before the end of the inputs' day (UTC) count. A transaction without a row is unknown, and so is
    one of status ``unknown``; neither is legitimate. Both tables are read at the snapshots of `inputs`.
    """
    return latest(all_labels(spark, inputs, f"day <= DATE '{inputs.as_of}'"), inputs.as_of)


def all_labels(spark: SparkSession, inputs: Inputs, condition: str = "true") -> DataFrame:
    """Return the labels of feed and clients that meet an SQL condition on days, at the snapshots of `inputs`.

    The feed calls a payment legitimate if nobody has reported a fraud. Nobody can report a blocked payment, so such
    a label says nothing of it, and is left out. Labels of the feed are certain to come.
    """
    of_feed = read_table(spark, LABELS, condition, inputs.labels_snapshot).withColumn("propensity", F.lit(1.0))
    if inputs.decisions_snapshot:
        blocked = decisions_of(spark, inputs, condition).where("blocked").select(*KEYS)
        unreported = of_feed.where("status = 'legitimate'").join(blocked, list(KEYS), "left_anti")
        of_feed = of_feed.where("status != 'legitimate'").unionByName(unreported)
    if not inputs.client_labels_snapshot:
        return of_feed
    of_clients = read_table(spark, CLIENT_LABELS, condition, inputs.client_labels_snapshot)
    return of_feed.unionByName(as_lake_labels(of_clients, inputs.id_scope))


def as_lake_labels(rows: DataFrame, scope: IdScope) -> DataFrame:
    """Return rows of `client_labels` with the columns of `labels` and their `propensity`, if the lake has their ids."""
    return with_lake_ids(rows, scope).select(
        *KEYS, "status", "learned_at", "source", "sequence", F.lit(None).cast("int").alias("scenario"), "propensity"
    )


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

    `delay` is the number of days until the transaction was first called a fraud; null if it never was. `propensity` is
    the largest of its labels: a transaction in a client's sample that the feed labels, too, was certain to get one.
    """
    # Labels of two stores may have one number; the status settles it, so that every run reads the same.
    order = F.struct("learned_at", "source", "sequence", "status")
    newest = F.max_by(F.struct("status", "scenario"), order)
    called = F.min(F.when(F.col("status") == "fraud", F.col("learned_at")))
    delay = F.floor(called / DAY_SECONDS).cast("int") - F.unix_date("day")
    chance = F.max(F.when(F.col("status") != "unknown", F.col("propensity")))
    found = {"said": newest, "delay": delay, "propensity": chance}
    columns = [column.alias(name) for name, column in found.items()]
    known = labels.where(F.col("learned_at") < _end(as_of)).groupBy(*KEYS).agg(*columns)
    return known.select(*KEYS, "said.status", "said.scenario", "delay", "propensity")


def _end(as_of: dt.date) -> int:
    return (day_number(as_of) + 1) * DAY_SECONDS
