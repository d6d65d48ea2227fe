"""Payments that were declined, as Spark columns: which events count them.

Nearly all payments always count, so their sums come from windows. The few others are gathered by entity and day, and
each event looks at those before it one by one.
"""

import datetime as dt
from collections.abc import Sequence

from pyspark.sql import Column, DataFrame, SparkSession, Window
from pyspark.sql import functions as F

from antifraud.lake.outcomes import ABSENCES, Absent
from jobs.columns.square_halves import HALVES, halves, nothing, plus, sum_events

PAYMENT = ("day", "transaction_id", "event_time")


def absences_on(spark: SparkSession, absent: Absent, days: Sequence[dt.date]) -> DataFrame | None:
    """Return the absences of payments of some days as rows; None if there are none."""
    rows = [payment for day in days for payment in absent.get(day, ())]
    return spark.createDataFrame(rows, ABSENCES) if rows else None


def without_absent(clean: DataFrame, absent: DataFrame) -> DataFrame:
    """Return the events that the closed day counts, without the ones that are absent for good.

    Args:
        clean: Events.
        absent: Columns `antifraud.lake.outcomes.ABSENCES`.
    """
    return clean.join(F.broadcast(absent.where("until IS NULL").select(*PAYMENT)), list(PAYMENT), "left_anti")


def with_absences(events: DataFrame, absent: DataFrame) -> DataFrame:
    """Add the column `absences` of each event: an array, null for an event that always counts."""
    gathered = absent.groupBy(*PAYMENT).agg(F.collect_list(F.struct("since", "until")).alias("absences"))
    return events.join(F.broadcast(gathered), list(PAYMENT), "left")


def sums_of_today(events: DataFrame, entity: str) -> DataFrame:
    """Add ``today_<field>``: sums over the earlier events of an entity's day that an event counts.

    `events` have the column `absences`.
    """
    window = Window.partitionBy(entity, "day").orderBy("event_time", "transaction_id")
    earlier = window.rowsBetween(Window.unboundedPreceding, -1)
    always = {f"always_{name}": column.over(earlier) for name, column in sum_events(F.col("absences").isNull()).items()}
    part = F.struct("event_time", "transaction_id", "amount", "absences")
    sometimes = events.where("absences IS NOT NULL").groupBy(entity, "day").agg(F.collect_list(part).alias("sometimes"))
    joined = events.withColumns(always).join(sometimes, [entity, "day"], "left")
    counted = F.filter("sometimes", _is_counted)
    today = {name: plus(name, F.col(f"always_{name}"), _sum_up(name, counted)) for name in sum_events()}
    return joined.select(*events.columns, *(column.alias(f"today_{name}") for name, column in today.items()))


def _is_counted(payment: Column) -> Column:
    """Return whether the event of the row counts a payment of its day."""
    time, number = F.col("event_time"), F.col("transaction_id")
    is_earlier = (payment["event_time"] < time) | (
        (payment["event_time"] == time) & (payment["transaction_id"] < number)
    )
    is_absent = F.exists(
        payment["absences"],
        lambda absence: (time > absence["since"]) & (absence["until"].isNull() | (time <= absence["until"])),
    )
    return is_earlier & ~is_absent


def _sum_up(name: str, payments: Column) -> Column:
    return F.aggregate(payments, nothing(name), lambda sofar, payment: plus(name, sofar, _value(name, payment)))


def _value(name: str, payment: Column) -> Column:
    """Return what a single payment adds to the field `name` of a bucket."""
    amount = payment["amount"]
    if name in HALVES:
        return halves(amount * amount)[name]
    values = {"tx_count": F.lit(1).cast("bigint"), "last_time": payment["event_time"]}
    return values.get(name, amount)
