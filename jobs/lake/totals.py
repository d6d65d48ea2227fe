"""The stage of totals: a day's transactions of each customer and terminal by hour, and when labels were learnt."""

import datetime as dt
from collections.abc import Mapping, Sequence
from typing import Final

from pyspark.sql import Column, DataFrame, SparkSession, Window
from pyspark.sql import functions as F

from antifraud.clock import DAY_HOURS, HOUR_SECONDS
from antifraud.features.labels import FRAUD, UNKNOWN
from antifraud.files import hash_of
from antifraud.lake.catalog import Run, open_catalog, require_days
from antifraud.lake.outcomes import Absent, AbsentPayment, inputs_of_absent, read_absent
from antifraud.lake.schemas import CHANGES, CLEAN, HOUR_BUCKETS, LABELS, TOTALS_CUSTOMER, TOTALS_TERMINAL
from antifraud.settings.core import JobSettings
from jobs.columns.absences import absences_on, without_absent
from jobs.columns.buckets import FIELDS, alias_all, empty, sum_buckets, sum_events
from jobs.publishing.publish import Batch, batches, publish, record, stale_days
from jobs.publishing.tables import read_table

TRANSACTION = ["day", "transaction_id"]
BATCH_ROWS: Final = 5_000_000
"""Rows of `clean` that are added up at a time."""


def totals_of(clean: DataFrame, entity: str) -> DataFrame:
    """Return for each day and `entity` (customer or terminal) the bucket of the day, and `hours` ascending."""
    hourly = clean.groupBy("day", entity, _hour_of("event_time").alias("hour")).agg(*alias_all(sum_events()))
    hours = F.array_sort(F.collect_list(F.struct("hour", *FIELDS))).cast(HOUR_BUCKETS).alias("hours")
    return hourly.groupBy("day", entity).agg(*alias_all(sum_buckets()), hours)


def changes_of_terminals(clean: DataFrame, labels: DataFrame, label_delay_days: int) -> DataFrame:
    """Return `label_changes` for each event day and terminal: how the known labels change, by hour and by place.

    A transaction counts once, by its latest entry up to an hour. A correction takes the old label away at its place and
    adds the new one, as `antifraud.features.labels.changes_of` does for a single transaction.
    """
    said = labels.join(clean.select(*TRANSACTION, "terminal", "event_time"), TRANSACTION, "inner")
    in_order = Window.partitionBy(*TRANSACTION).orderBy("learned_at", "source", "sequence")
    hour, before = F.col("hour"), F.coalesce(F.lag("status").over(in_order), F.lit(UNKNOWN))
    hourly = said.withColumn("hour", _hour_of("learned_at"))
    # Only the last entry of an hour holds, and only if it says something new.
    is_last = F.coalesce(F.lead("hour").over(in_order) > hour, F.lit(True))
    news = (
        hourly.withColumn("is_last", is_last)
        .where("is_last")
        .withColumn("before", before)
        .where(F.col("before") != F.col("status"))
    )
    due = _hour_of("event_time") + label_delay_days * DAY_HOURS
    placed = news.withColumn("place", F.least(hour, due))
    both = F.array(
        _change(F.lag("place").over(in_order), F.col("before"), -1), _change(F.col("place"), F.col("status"), 1)
    )
    single = placed.withColumn("change", both).select(
        "day", "terminal", "hour", F.explode(F.filter("change", lambda change: change["known"] != 0)).alias("change")
    )
    summed = single.groupBy("day", "terminal", "hour", F.col("change.since").alias("since")).agg(
        F.sum("change.known").alias("known"), F.sum("change.fraud").alias("fraud")
    )
    changes = F.array_sort(F.collect_list(F.struct("hour", "since", "known", "fraud"))).cast(CHANGES)
    return summed.where("known != 0 OR fraud != 0").groupBy("day", "terminal").agg(changes.alias("label_changes"))


def _change(place: Column, status: Column, sign: int) -> Column:
    """Return a transaction with this status at its place, added or taken away; `known` is 0 if it has no status."""
    known, fraud = (F.when(holds, sign).otherwise(0) for holds in (status != UNKNOWN, status == FRAUD))
    return F.struct(place.alias("since"), known.cast("bigint").alias("known"), fraud.cast("bigint").alias("fraud"))


def _hour_of(time: str) -> Column:
    return F.floor(F.col(time) / HOUR_SECONDS).cast("int")


def terminal_totals(
    clean: DataFrame, labels: DataFrame, label_delay_days: int, counted: DataFrame | None = None
) -> DataFrame:
    """Return the rows of `totals_terminal`; `counted` are the events that count, if some of `clean` were declined.

    Labels of declined payments count all the same: they say what is known of the terminal.
    """
    changes = changes_of_terminals(clean, labels, label_delay_days)
    nothing = {"label_changes": F.array().cast(CHANGES)}
    if counted is None:
        rows = totals_of(clean, "terminal").join(changes, ["day", "terminal"], "left")
    else:
        rows = totals_of(counted, "terminal").join(changes, ["day", "terminal"], "full")
        nothing |= {"hours": F.array().cast(HOUR_BUCKETS)} | {name: empty()[name] for name in FIELDS}
    return rows.withColumns({name: F.coalesce(name, value) for name, value in nothing.items()}).select(
        *TOTALS_TERMINAL.column_names
    )


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
    absent = read_absent(catalog, days, settings.id_scope)
    inputs = {day: inputs_of(clean[day], labels[day], absent.get(day, ())) for day in days}
    stale = stale_days(settings, (TOTALS_CUSTOMER, TOTALS_TERMINAL), inputs)
    if not stale:
        return 0
    return sum(
        _publish(spark, settings, {day: inputs[day] for day in batch}, absent)
        for batch in batches({day: clean[day].rows for day in stale}, BATCH_ROWS)
    )


def _publish(spark: SparkSession, settings: JobSettings, inputs: Mapping[dt.date, str], absent: Absent) -> int:
    wanted = F.col("day").isin(list(inputs))
    events, said = (read_table(spark, table).where(wanted) for table in (CLEAN, LABELS))
    absences = absences_on(spark, absent, list(inputs))
    counted = None if absences is None else without_absent(events, absences)
    customers = customer_totals(events if counted is None else counted)
    runs = publish(spark, settings, Batch(TOTALS_CUSTOMER, customers, inputs))
    terminals = terminal_totals(events, said, settings.label_delay_days, counted)
    runs += publish(spark, settings, Batch(TOTALS_TERMINAL, terminals, inputs))
    record(spark, runs)
    return sum(run.rows for run in runs)


def inputs_of(clean: Run, labels: Run, absent: Sequence[AbsentPayment] = ()) -> str:
    """Return the hash of everything that a day's totals are made from."""
    versions = [TOTALS_CUSTOMER.version, TOTALS_TERMINAL.version]
    return hash_of(versions, clean.inputs, labels.inputs, *inputs_of_absent(absent))
