"""Count and sum of an entity's last hour before each event, as velocity rules see them; no feature needs them.

The window is that of `antifraud.features.buckets.History.past_hour`: the event's own hour and the one before it.
"""

from pyspark.sql import Column, DataFrame, Window
from pyspark.sql import functions as F

from antifraud.clock import HOUR_SECONDS
from jobs.rows.ids import KEYS


def hour_sums(clean: DataFrame, entity: str) -> DataFrame:
    """Return `KEYS`, ``<entity>_1h_tx_count`` and ``<entity>_1h_amount_sum`` for events, from themselves alone.

    Events of the first hour lack the hour before it.
    """
    events = clean.withColumn("hour", F.floor(F.col("event_time") / HOUR_SECONDS))
    order = Window.partitionBy(entity, "hour").orderBy("event_time", "transaction_id")
    earlier = order.rowsBetween(Window.unboundedPreceding, -1)
    whole = events.groupBy(entity, (F.col("hour") + 1).alias("hour")).agg(
        F.count(F.lit(1)).alias("count_before"), F.sum("amount").alias("sum_before")
    )
    own = {"count_now": F.count(F.lit(1)).over(earlier), "sum_now": F.sum("amount").over(earlier)}
    return (
        events.withColumns(own)
        .join(whole, [entity, "hour"], "left")
        .select(
            *KEYS,
            _add("count_before", "count_now").alias(f"{entity}_1h_tx_count"),
            _add("sum_before", "sum_now").alias(f"{entity}_1h_amount_sum"),
        )
    )


def _add(before: str, now: str) -> Column:
    # Null stands for no event.
    return F.coalesce(before, F.lit(0)) + F.coalesce(now, F.lit(0))
