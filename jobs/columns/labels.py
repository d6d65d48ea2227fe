"""Labels of terminals as Spark columns: what a state keeps of them, as `antifraud.features.labels` defines it.

All is made of the state's column `label_changes`, so that a gathered state equals a rolled one.
"""

from collections.abc import Callable
from typing import Final

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from antifraud.clock import DAY_HOURS
from antifraud.features.labels import DAYS_AHEAD, LONGEST_DAYS, NO_HOUR
from antifraud.lake.schemas import CHANGES, LABEL_DAYS, LABEL_HOURS, STREAK

COUNTS: Final = ("known", "fraud")
CLOSED_WINDOWS: Final = (7, 30)
"""Windows, in days, that begin at a midnight: what they hold of closed days is the same all day long."""


def with_labels(rows: DataFrame) -> DataFrame:
    """Add what a state keeps of `label_changes`: sums by day and hour and over windows, the streak, changes ahead."""
    first_ahead = (F.col("cutoff") + 1) * DAY_HOURS
    oldest = first_ahead - LONGEST_DAYS * DAY_HOURS
    # Columns of their own: inside another column, Spark would make each of them anew.
    learnt = rows.withColumn("learnt", F.flatten("label_changes.changes"))
    known = learnt.withColumns(
        {
            "known": F.filter("learnt", lambda c: (c["hour"] < first_ahead) & (c["since"] >= oldest)),
            "ahead": F.filter(
                "learnt", lambda c: c["hour"].between(first_ahead, first_ahead + DAYS_AHEAD * DAY_HOURS - 1)
            ),
            "label_days": F.flatten(
                F.transform("label_changes", lambda day: _by_day(day["changes"], first_ahead, oldest))
            ),
        }
    )
    yesterday = F.filter("known", lambda c: c["since"] >= first_ahead - DAY_HOURS)
    sums = {
        f"{count}_{days}d": _sum(_from_day("label_days", F.col("cutoff") + 1 - days), count)
        for days in CLOSED_WINDOWS
        for count in COUNTS
    }
    columns = {
        "label_days": F.col("label_days").cast(LABEL_DAYS),
        "label_hours": _merged(yesterday, ("since",), COUNTS).cast(LABEL_HOURS),
        "changes_ahead": _merged(F.col("ahead"), ("hour", "since"), COUNTS).cast(CHANGES),
    }
    return _with_streak(known.withColumns(columns | sums)).drop("learnt", "known", "ahead")


def _by_day(changes: Column, first_ahead: Column, oldest: Column) -> Column:
    """Add up an event day's changes that the cut-off knows, by the day of their place, of which there are few."""
    known = F.filter(changes, lambda c: (c["hour"] < first_ahead) & (c["since"] >= oldest))
    days = F.array_distinct(F.transform(known, _place_day))
    sums = F.transform(
        days,
        lambda day: F.struct(
            day.alias("day_number"),
            *(_sum(F.filter(known, lambda c: _place_day(c) == day), count).alias(count) for count in COUNTS),
        ),
    )
    return F.filter(sums, lambda day: (day["known"] != 0) | (day["fraud"] != 0))


def _place_day(change: Column) -> Column:
    return F.floor(change["since"] / DAY_HOURS).cast("int")


def _from_day(days: str, first: Column) -> Column:
    return F.filter(days, lambda day: day["day_number"] >= first)


def _sum(entries: Column, name: str) -> Column:
    return F.aggregate(entries, F.lit(0).cast("bigint"), lambda total, entry: total + entry[name])


def _merged(entries: Column, by: tuple[str, ...], sums: tuple[str, ...]) -> Column:
    """Add up the entries that agree on `by`, in their order; sums of zero are left out."""
    groups = F.array_sort(
        F.array_distinct(F.transform(entries, lambda e: F.struct(*(e[name].alias(name) for name in by))))
    )
    added = F.transform(
        groups,
        lambda group: F.struct(
            *(group[name].alias(name) for name in by),
            *(_sum(F.filter(entries, _agrees(group, by)), name).alias(name) for name in sums),
        ),
    )
    return F.filter(added, lambda entry: (entry["known"] != 0) | (entry["fraud"] != 0))


def _agrees(group: Column, by: tuple[str, ...]) -> Callable[[Column], Column]:
    return lambda entry: F.struct(*(entry[name].alias(name) for name in by)) == group


def _with_streak(rows: DataFrame) -> DataFrame:
    """Add `last_legit` and `streak`, both made of labels that were learnt in time.

    | learnt in hour | labels            | what follows                                             |
    | -------------- | ----------------- | -------------------------------------------------------- |
    |             90 | 5 known, 1 fraud  | `last_legit` is 90; its fraud belongs to no streak       |
    |             91 | 2 known, 2 frauds | the streak begins: (91, 2)                               |
    |             93 | 3 known, 3 frauds | the streak goes on: (91, 2), (93, 3)                     |
    """
    news = F.filter("known", lambda c: c["since"] == c["hour"])
    legit = F.transform(F.filter("news", lambda c: c["known"] > c["fraud"]), lambda c: c["hour"])
    frauds = F.filter("news", lambda c: (c["fraud"] > 0) & (c["hour"] > F.col("last_legit")))
    streak = F.transform(frauds, lambda c: F.struct(c["hour"].alias("hour"), c["fraud"].alias("fraud")))
    with_news = rows.withColumn("news", news)
    with_legit = with_news.withColumn("last_legit", F.coalesce(F.array_max(legit), F.lit(NO_HOUR)).cast("int"))
    return with_legit.withColumn("streak", streak.cast(STREAK)).drop("news")
