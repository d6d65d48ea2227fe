"""The risk of a terminal by the hour, as events of the day after the cut-off see it.

A state says what was known when the day began, and what is learnt in each hour of the day. The hours are prepared once
for each terminal, so that an event only looks them up. Say that labels were learnt in hours 9 and 15 of the day:

| column            | in the example                                              |
| ----------------- | ----------------------------------------------------------- |
| `learnt_hours`    | bits 9 and 15                                               |
| `learnt_until`    | nothing; what hour 9 told; what hours 9 and 15 told         |
| `hours_past`      | at 12:20 bits 0 to 11                                       |
| bits in both      | one: bit 9                                                  |
| so the event sees | entry 1                                                     |

Yesterday's places (`left_hours`, `left_until`) are looked up likewise: a window of one day has left behind what lies in
`hours_past` of yesterday.
"""

from typing import Final

from pyspark.sql import Column
from pyspark.sql import functions as F

from antifraud.clock import DAY_HOURS, HOUR_SECONDS
from antifraud.features.labels import NO_HOUR
from jobs.columns.hours import bit_of
from jobs.columns.labels import CLOSED_WINDOWS, COUNTS

SEEN: Final = "struct<known bigint, fraud bigint, last_legit int, streak bigint, first int>"
"""Labels learnt so far on a day, summed up; `first` is the hour of the streak's first fraud, `NO_HOUR` for none."""
LEFT: Final = "struct<known bigint, fraud bigint>"


def prepare_risk() -> dict[str, Column]:
    """Return columns that `risk_columns` looks up, made of a state's rows of terminals."""
    first_hour = (F.unix_date("day") + 1) * DAY_HOURS
    today = F.filter("changes_ahead", lambda c: c["hour"] < first_hour + DAY_HOURS)
    news = F.filter(today, lambda c: c["since"] == c["hour"])
    return {
        "learnt_hours": _bits(news["hour"]),
        "learnt_until": F.aggregate(news, F.array(_when_the_day_began()), _append_learnt),
        "left_hours": _bits(F.col("label_hours.hour")),
        "left_until": F.aggregate("label_hours", F.array(_nothing_left()), _append_left),
        # Labels that were taken back or came late are rare. Each has its own place, so they are added one by one.
        "taken_back": F.filter(today, lambda c: c["since"] < c["hour"]),
        **{f"closed_{count}_{days}d": F.col(f"{count}_{days}d") for days in CLOSED_WINDOWS for count in COUNTS},
    }


def risk_columns() -> dict[str, Column]:
    """Return the fields of `Risk` for an event, from its `event_time` and `hours_past` and `prepare_risk`."""
    hour = F.floor(F.col("event_time") / HOUR_SECONDS)
    midnight = hour - F.pmod(hour, F.lit(DAY_HOURS))
    seen = F.get("learnt_until", F.bit_count(F.col("learnt_hours").bitwiseAND(F.col("hours_past"))))
    left = F.get("left_until", F.bit_count(F.col("left_hours").bitwiseAND(F.col("hours_past"))))
    yesterday = F.element_at("left_until", -1)
    columns = {
        f"{count}_1d": yesterday[count] - left[count] + seen[count] + _taken_back(count, hour, hour - DAY_HOURS)
        for count in COUNTS
    }
    for days in CLOSED_WINDOWS:
        for count in COUNTS:
            later = seen[count] + _taken_back(count, hour, midnight - days * DAY_HOURS)
            columns[f"{count}_{days}d"] = F.col(f"closed_{count}_{days}d") + later
    columns |= {
        "streak_fraud": seen["streak"],
        "streak_age": F.when(seen["first"] != NO_HOUR, hour - seen["first"]),
        "legit_age": F.when(seen["last_legit"] != NO_HOUR, hour - seen["last_legit"]),
    }
    return {name: F.coalesce(column.cast("bigint"), F.lit(0).cast("bigint")) for name, column in columns.items()}


def _bits(hours: Column) -> Column:
    return F.aggregate(hours, F.lit(0), lambda bits, hour: bits.bitwiseOR(bit_of(hour)))


def _when_the_day_began() -> Column:
    first = F.coalesce(F.array_min("streak.hour"), F.lit(NO_HOUR))
    frauds = F.aggregate("streak", F.lit(0).cast("bigint"), lambda total, hour: total + hour["fraud"])
    began = _struct(known=F.lit(0), fraud=F.lit(0), last_legit=F.col("last_legit"), streak=frauds, first=first)
    return began.cast(SEEN)


def _append_learnt(until: Column, change: Column) -> Column:
    before, is_legit = F.element_at(until, -1), change["known"] > change["fraud"]
    begins = (before["first"] == NO_HOUR) & (change["fraud"] > 0)
    after = _struct(
        known=before["known"] + change["known"],
        fraud=before["fraud"] + change["fraud"],
        last_legit=F.when(is_legit, change["hour"]).otherwise(before["last_legit"]),
        streak=F.when(is_legit, 0).otherwise(before["streak"] + change["fraud"]),
        first=F.when(is_legit, NO_HOUR).when(begins, change["hour"]).otherwise(before["first"]),
    )
    return F.concat(until, F.array(after.cast(SEEN)))


def _nothing_left() -> Column:
    return _struct(known=F.lit(0), fraud=F.lit(0)).cast(LEFT)


def _append_left(until: Column, place: Column) -> Column:
    before = F.element_at(until, -1)
    after = _struct(**{count: before[count] + place[count] for count in COUNTS})
    return F.concat(until, F.array(after.cast(LEFT)))


def _taken_back(count: str, hour: Column, first: Column) -> Column:
    """Add up the changes learnt before `hour` at earlier places, from the place `first` on."""
    changes = F.filter("taken_back", lambda c: (c["hour"] < hour) & (c["since"] >= first))
    total = F.aggregate(changes, F.lit(0).cast("bigint"), lambda total, change: total + change[count])
    return F.when(F.size("taken_back") > 0, total).otherwise(0)


def _struct(**fields: Column) -> Column:
    return F.struct(*(column.alias(name) for name, column in fields.items()))
