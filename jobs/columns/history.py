"""The state of an entity at the end of a day: gathered from totals, or rolled on by one day from the state before.

Both ways give `days`, `hours` and `labels`. Matured risk is made of `labels` alone, so that a gathered state equals a
rolled one.

Gathering handles cut-offs in blocks of days. It collects once what any cut-off of a block can see of an entity, and
each cut-off picks its own part. Blocks of one day would copy each row of totals 30 times and more, and one block for a
year would make rows of a year.
"""

from collections.abc import Callable
from typing import Final

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from antifraud.features.buckets import LONGEST_WINDOW_DAYS, NEVER, Risk
from antifraud.features.registry import WINDOWS
from antifraud.lake.schemas import DAY_BUCKETS, DAY_LABELS, HOUR_BUCKETS
from jobs.columns.buckets import FIELDS, total

BLOCK_DAYS: Final = 10
COUNTS: Final = ("known", "fraud")
RISK_COLUMNS: Final = Risk._fields
ENTITY: Final = ("kind", "entity")


def gathered_history(totals: DataFrame, cutoffs: DataFrame, label_delay_days: int) -> DataFrame:
    """Return `days`, `hours` and `labels` of each entity at each cut-off (`cutoff`, a day number) that sees its totals.

    Args:
        totals: `kind`, `entity`, `number` (day number), the fields of a bucket, `hours` and `learned`.
        cutoffs: Cut-offs from `with_blocks`.
        label_delay_days: Days between a transaction and its label.
    """
    entry = F.struct("number", *FIELDS, "hours", "learned")
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
        F.transform(seen, _labels_of).alias("labels"),
    )
    return _within_reach(rows, label_delay_days)


def rolled_history(before: DataFrame, totals: DataFrame, cutoff: int, label_delay_days: int) -> DataFrame:
    """Return the same for one cut-off, from the state of the day before and the totals of the cut-off day alone."""
    today = F.struct(F.lit(cutoff).alias("number"), *FIELDS, "learned")
    rows = before.select(*ENTITY, "days", "labels").join(
        totals.select(*ENTITY, "hours", today.alias("today")), list(ENTITY), "full"
    )
    rows = rows.select(
        *ENTITY,
        F.lit(cutoff).alias("cutoff"),
        "hours",
        _appended("days", _bucket_of, DAY_BUCKETS),
        _appended("labels", _labels_of, DAY_LABELS),
    )
    return _within_reach(rows, label_delay_days)


def _bucket_of(entry: Column) -> Column:
    return F.struct(entry["number"].alias("day_number"), *(entry[name].alias(name) for name in FIELDS))


def _labels_of(entry: Column) -> Column:
    return F.struct(entry["number"].alias("day_number"), entry["learned"].alias("learned"))


def _appended(name: str, made: Callable[[Column], Column], kind: str) -> Column:
    """Append the entry of `today` to an entity's array of the day before; either may be missing."""
    today = F.when(F.col("today").isNotNull(), F.array(made(F.col("today"))))
    return F.concat(*(F.coalesce(part.cast(kind), F.array().cast(kind)) for part in (F.col(name), today))).alias(name)


def _within_reach(rows: DataFrame, label_delay_days: int) -> DataFrame:
    """Keep what the cut-off looks back on, and drop entities with nothing left in the window."""
    reach = LONGEST_WINDOW_DAYS + label_delay_days
    days = _after("days", F.col("cutoff") - LONGEST_WINDOW_DAYS)
    # Labels that no cut-off counts yet are kept as well: a later state that is rolled from this one will count them.
    labels = F.filter(_after("labels", F.col("cutoff") - reach), lambda day: F.size(day["learned"]) > 0)
    return rows.select(
        *ENTITY,
        "cutoff",
        days.cast(DAY_BUCKETS).alias("days"),
        F.coalesce("hours", F.array()).cast(HOUR_BUCKETS).alias("hours"),
        labels.cast(DAY_LABELS).alias("labels"),
    ).where((F.size("days") > 0) | (F.size("labels") > 0))


def _after(days: str, number: Column) -> Column:
    return F.filter(days, lambda day: day["day_number"] > number)


def with_closed(rows: DataFrame) -> DataFrame:
    """Add ``closed_7d`` and ``closed_30d``: sums over closed days, so that features need not add them up per event."""
    sums = {f"closed_{days}d": total(_after("days", F.col("cutoff") - days)) for days in WINDOWS[1:]}
    return rows.withColumns(sums)


def with_risk(rows: DataFrame, label_delay_days: int) -> DataFrame:
    """Add `RISK_COLUMNS`, made of `labels`; zeros for an entity without labels that count yet.

    A window of W days ends `label_delay_days` before the cut-off. Only labels learnt up to the cut-off count.
    """
    newest = F.col("cutoff") - label_delay_days
    in_window = F.filter("labels", lambda day: day["day_number"] <= newest)
    matured = F.transform(
        in_window,
        lambda day: F.struct(day["day_number"].alias("day_number"), *(_learnt(day, count) for count in COUNTS)),
    )
    sums = {f"{count}_{days}d": _sum(_after("matured", newest - days), count) for days in WINDOWS for count in COUNTS}
    return _with_streak(rows.withColumn("matured", matured).withColumns(sums))


def _learnt(day: Column, count: str) -> Column:
    """Return a count of a day's labels as known at the end of the cut-off day."""
    return _sum(F.filter(day["learned"], lambda change: change["learned_day"] <= F.col("cutoff")), count).alias(count)


def _sum(entries: Column, name: str) -> Column:
    return F.aggregate(entries, F.lit(0).cast("bigint"), lambda sum_, entry: sum_ + entry[name])


def _with_streak(rows: DataFrame) -> DataFrame:
    """Replace `matured` by the streak: frauds after the last day with a legitimate transaction, and two ages.

    Say that the cut-off is day 100, and these are a terminal's matured days with labels:

    | day | labels            | what follows                                                          |
    | --- | ----------------- | --------------------------------------------------------------------- |
    |  90 | 5 known, 1 fraud  | last day with a legitimate transaction: `legit_age` is 101 - 90 = 11  |
    |  91 | 2 known, 2 frauds | the streak begins: `streak_age` is 101 - 91 = 10                      |
    |  93 | 3 known, 3 frauds | the streak goes on: `streak_fraud` is 2 + 3 = 5                       |
    """
    legit_days = _numbers(F.filter("matured", lambda day: day["known"] > day["fraud"]))
    last_legit = F.coalesce(F.array_max(legit_days), F.lit(NEVER))
    streak = F.filter("matured", lambda day: (day["fraud"] > 0) & (day["day_number"] > F.col("last_legit")))
    columns = {
        "streak_fraud": _sum(F.col("streak"), "fraud"),
        "streak_age": F.coalesce(_age(F.array_min(_numbers(F.col("streak")))), F.lit(0)),
        "legit_age": F.when(F.col("last_legit") == NEVER, 0).otherwise(_age(F.col("last_legit"))),
    }
    # Columns of their own: inside a lambda Spark would look for the last legitimate day once for every day.
    with_days = rows.withColumn("last_legit", last_legit).withColumn("streak", streak)
    cast = {name: column.cast("bigint") for name, column in columns.items()}
    return with_days.withColumns(cast).drop("matured", "last_legit", "streak")


def _age(number: Column) -> Column:
    """Return the days from a day to the day after the cut-off, which the state is for."""
    return F.col("cutoff") + 1 - number


def _numbers(days: Column) -> Column:
    return F.transform(days, lambda day: day["day_number"])


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
