"""The state of an entity at the end of a day: gathered from totals, or rolled on by one day from the state before.

Both ways give `days`, `hours` and `label_changes`.

Gathering handles cut-offs in blocks of days. It collects once what any cut-off of a block can see of an entity, and
each cut-off picks its own part. Blocks of one day would copy each row of totals 30 times and more, and one block for a
year would make rows of a year.
"""

from collections.abc import Callable
from typing import Final

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from antifraud.features.buckets import LONGEST_WINDOW_DAYS
from antifraud.features.registry import WINDOWS
from antifraud.lake.schemas import DAY_BUCKETS, DAY_CHANGES, HOUR_BUCKETS
from jobs.columns.buckets import FIELDS, total

BLOCK_DAYS: Final = 10
ENTITY: Final = ("kind", "entity")


def gathered_history(totals: DataFrame, cutoffs: DataFrame, label_delay_days: int) -> DataFrame:
    """Return `days`, `hours` and `label_changes` of each entity at each cut-off that sees its totals.

    Args:
        totals: `kind`, `entity`, `number` (day number), the fields of a bucket, `hours` and `label_changes`.
        cutoffs: Cut-offs (`cutoff`, a day number) from `with_blocks`.
        label_delay_days: Days between a transaction and its label.
    """
    entry = F.struct("number", *FIELDS, "hours", "label_changes")
    blocks = F.broadcast(cutoffs.select("block").distinct())
    gathered = (
        _by_block(totals, label_delay_days)
        .join(blocks, "block", "left_semi")
        .groupBy(*ENTITY, "block")
        .agg(F.array_sort(F.collect_list(entry)).alias("entries"))
    )
    seen = F.filter("entries", lambda e: e["number"] <= F.col("cutoff"))
    own = F.get(F.filter("entries", lambda e: e["number"] == F.col("cutoff")), F.lit(0))
    rows = gathered.join(F.broadcast(cutoffs), "block", "inner").select(
        *ENTITY,
        "cutoff",
        own["hours"].alias("hours"),
        F.transform(seen, _bucket_of).alias("days"),
        F.transform(seen, _changes_of).alias("label_changes"),
    )
    return _within_reach(rows, label_delay_days)


def rolled_history(before: DataFrame, totals: DataFrame, cutoff: int, label_delay_days: int) -> DataFrame:
    """Return the same for one cut-off, from the state of the day before and the totals of the cut-off day alone."""
    today = F.struct(F.lit(cutoff).alias("number"), *FIELDS, "label_changes")
    rows = before.select(*ENTITY, "days", "label_changes").join(
        totals.select(*ENTITY, "hours", today.alias("today")), list(ENTITY), "full"
    )
    rows = rows.select(
        *ENTITY,
        F.lit(cutoff).alias("cutoff"),
        "hours",
        _appended("days", _bucket_of, DAY_BUCKETS),
        _appended("label_changes", _changes_of, DAY_CHANGES),
    )
    return _within_reach(rows, label_delay_days)


def _bucket_of(entry: Column) -> Column:
    return F.struct(entry["number"].alias("day_number"), *(entry[name].alias(name) for name in FIELDS))


def _changes_of(entry: Column) -> Column:
    return F.struct(entry["number"].alias("day_number"), entry["label_changes"].alias("changes"))


def _appended(name: str, made: Callable[[Column], Column], kind: str) -> Column:
    """Append the entry of `today` to an entity's array of the day before; either may be missing."""
    # Null on either side of the full join: a new entity has no array yet, a quiet one has no totals today.
    today = F.when(F.col("today").isNotNull(), F.array(made(F.col("today"))))
    return F.concat(*(F.coalesce(part.cast(kind), F.array().cast(kind)) for part in (F.col(name), today))).alias(name)


def _within_reach(rows: DataFrame, label_delay_days: int) -> DataFrame:
    """Keep what the cut-off looks back on, and drop entities with nothing left in the window."""
    reach = LONGEST_WINDOW_DAYS + label_delay_days
    # A day on which all payments were declined has labels at most.
    days = F.filter(_after("days", F.col("cutoff") - LONGEST_WINDOW_DAYS), lambda day: day["tx_count"] > 0)
    # Labels that no cut-off counts yet are kept as well: a later state that is rolled from this one will count them.
    changes = F.filter(_after("label_changes", F.col("cutoff") - reach), lambda day: F.size(day["changes"]) > 0)
    return rows.select(
        *ENTITY,
        "cutoff",
        days.cast(DAY_BUCKETS).alias("days"),
        F.coalesce("hours", F.array()).cast(HOUR_BUCKETS).alias("hours"),
        changes.cast(DAY_CHANGES).alias("label_changes"),
    ).where((F.size("days") > 0) | (F.size("label_changes") > 0))


def _after(days: str, number: Column) -> Column:
    return F.filter(days, lambda day: day["day_number"] > number)


def with_closed(rows: DataFrame) -> DataFrame:
    """Add ``closed_7d`` and ``closed_30d``: sums over closed days, so that features need not add them up per event."""
    sums = {f"closed_{days}d": total(_after("days", F.col("cutoff") - days)) for days in WINDOWS[1:]}
    return rows.withColumns(sums)


def with_blocks(cutoffs: DataFrame) -> DataFrame:
    """Add to each cut-off (`cutoff`, a day number) its block."""
    return cutoffs.withColumn("block", _block(F.col("cutoff")))


def _block(number: Column) -> Column:
    return F.floor(number / BLOCK_DAYS).cast("int")


def _by_block(rows: DataFrame, label_delay_days: int) -> DataFrame:
    """Return each row once for every block with a cut-off that sees it.

    A terminal's row is seen longer than a customer's: its labels count only after their delay.
    """
    number = F.col("number")
    waits = F.when(F.col("kind") == "terminal", label_delay_days).otherwise(0)
    last = number + LONGEST_WINDOW_DAYS - 1 + waits
    return rows.withColumn("block", F.explode(F.sequence(_block(number), _block(last))))
