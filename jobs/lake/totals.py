"""The stage of totals: a day's transactions of each customer and terminal by hour, and when labels were learnt."""

import datetime as dt
from collections.abc import Mapping, Sequence
from typing import Final

from pyspark.sql import Column, DataFrame, SparkSession, Window
from pyspark.sql import functions as F

from antifraud.clock import DAY_SECONDS, HOUR_SECONDS
from antifraud.files import hash_of
from antifraud.lake.catalog import Run, open_catalog, require_days
from antifraud.lake.schemas import CLEAN, HOUR_BUCKETS, LABELS, LEARNED, TOTALS_CUSTOMER, TOTALS_TERMINAL
from antifraud.settings.core import JobSettings
from jobs.columns.buckets import FIELDS, alias_all, sum_buckets, sum_events
from jobs.publishing.publish import Batch, batches, publish, record, stale_days
from jobs.publishing.tables import read_table

TRANSACTION = ["day", "transaction_id"]
BATCH_ROWS: Final = 5_000_000
"""Rows of `clean` that are added up at a time."""


def totals_of(clean: DataFrame, entity: str) -> DataFrame:
    """Return for each day and `entity` (customer or terminal) the bucket of the day, and `hours` ascending."""
    hour = F.floor(F.col("event_time") / HOUR_SECONDS).cast("int").alias("hour")
    hourly = clean.groupBy("day", entity, hour).agg(*alias_all(sum_events()))
    hours = F.array_sort(F.collect_list(F.struct("hour", *FIELDS))).cast(HOUR_BUCKETS).alias("hours")
    return hourly.groupBy("day", entity).agg(*alias_all(sum_buckets()), hours)


def learned_of(clean: DataFrame, labels: DataFrame) -> DataFrame:
    """Return `learned` for each event day and terminal: how each later day changed its known labels and frauds.

    A transaction counts once, by its latest entry up to that day, and a correction adds the difference. A transaction
    that is called fraud on day 8 and legitimate on day 9 gives (8: +1 known, +1 fraud) and (9: -1 fraud).
    """
    said = labels.join(clean.select(*TRANSACTION, "terminal"), TRANSACTION, "inner")
    in_order = Window.partitionBy(*TRANSACTION).orderBy("learned_at", "source", "sequence")
    status = F.col("status")
    changes = said.select(
        "day",
        "terminal",
        F.floor(F.col("learned_at") / DAY_SECONDS).cast("int").alias("learned_day"),
        _change(status != "unknown", in_order).alias("known"),
        _change(status == "fraud", in_order).alias("fraud"),
    )
    daily = changes.groupBy("day", "terminal", "learned_day").agg(
        F.sum("known").alias("known"), F.sum("fraud").alias("fraud")
    )
    learned = F.array_sort(F.collect_list(F.struct("learned_day", "known", "fraud"))).cast(LEARNED)
    return daily.where("known != 0 OR fraud != 0").groupBy("day", "terminal").agg(learned.alias("learned"))


def _change(holds: Column, in_order: object) -> Column:
    now = holds.cast("bigint")
    return now - F.coalesce(F.lag(now).over(in_order), F.lit(0))  # type: ignore[arg-type]


def terminal_totals(clean: DataFrame, labels: DataFrame) -> DataFrame:
    """Return the rows of `totals_terminal`."""
    rows = totals_of(clean, "terminal").join(learned_of(clean, labels), ["day", "terminal"], "left")
    nothing = F.array().cast(LEARNED)
    return rows.withColumn("learned", F.coalesce("learned", nothing)).select(*TOTALS_TERMINAL.column_names)


def customer_totals(clean: DataFrame) -> DataFrame:
    """Return the rows of `totals_customer`."""
    return totals_of(clean, "customer").select(*TOTALS_CUSTOMER.column_names)


def totals(spark: SparkSession, settings: JobSettings, days: Sequence[dt.date]) -> int:
    """Publish both totals of all `days` that are out of date, and return the rows published.

    Raises:
        MissingDay: A day is not in `clean`.
    """
    catalog = open_catalog(settings)
    clean, labels = (require_days(catalog, table, days) for table in (CLEAN, LABELS))
    inputs = {day: inputs_of(clean[day], labels[day]) for day in days}
    stale = stale_days(settings, (TOTALS_CUSTOMER, TOTALS_TERMINAL), inputs)
    if not stale:
        return 0
    return sum(
        _publish(spark, settings, {day: inputs[day] for day in batch})
        for batch in batches({day: clean[day].rows for day in stale}, BATCH_ROWS)
    )


def _publish(spark: SparkSession, settings: JobSettings, inputs: Mapping[dt.date, str]) -> int:
    wanted = F.col("day").isin(list(inputs))
    events, said = (read_table(spark, table).where(wanted) for table in (CLEAN, LABELS))
    runs = publish(spark, settings, Batch(TOTALS_CUSTOMER, customer_totals(events), inputs))
    runs += publish(spark, settings, Batch(TOTALS_TERMINAL, terminal_totals(events, said), inputs))
    record(spark, runs)
    return sum(run.rows for run in runs)


def inputs_of(clean: Run, labels: Run) -> str:
    """Return the hash of everything that a day's totals are made from."""
    return hash_of([TOTALS_CUSTOMER.version, TOTALS_TERMINAL.version], clean.inputs, labels.inputs)
