"""Feature vectors of a day's events: the state of the day before, and what happened earlier on the day itself."""

import datetime as dt
import json
from collections.abc import Callable, Mapping, Sequence
from functools import reduce
from typing import TYPE_CHECKING, Final

from pyspark.sql import Column, DataFrame, SparkSession, Window
from pyspark.sql import functions as F

from antifraud.clock import DAY_SECONDS, HOUR_SECONDS, ONE_DAY
from antifraud.errors import MissingDay, PublishError
from antifraud.features.registry import REGISTRY, WINDOWS, feature_set_hash
from antifraud.files import hash_of
from antifraud.lake.catalog import Run, newest_runs, open_catalog, published, require_days, snapshot_with
from antifraud.lake.key_use import key_ids, require_one_key
from antifraud.lake.schemas import CLEAN, FEATURES, STATE
from antifraud.settings.core import JobSettings
from jobs.columns.arithmetic import SparkArithmetic
from jobs.columns.buckets import EXACT, named
from jobs.columns.history import RISK_COLUMNS
from jobs.columns.square_halves import FIELDS, HALF_BITS, HALVES, fields_of, halved, nothing, plus, summed_events, whole
from jobs.lake.state import VERSION
from jobs.publishing.publish import Batch, batches, publish, record, stale_days
from jobs.publishing.tables import read_table
from jobs.spark.runtime import span

if TYPE_CHECKING:
    from pyiceberg.catalog import Catalog

ENTITIES: Final = ("customer", "terminal")
BATCH_ROWS: Final = 5_000_000
"""Of events, at a time."""
EVENT: Final = ("day", "transaction_id", "event_time", "customer", "terminal", "amount")
FEW_HOURS: Final = 4
"""Most entities have no more in a day (`_few_or_many`)."""
DAY_HOURS: Final = DAY_SECONDS // HOUR_SECONDS


def feature_rows(clean: DataFrame, state: DataFrame) -> DataFrame:
    """Rows of `features` for events (`clean`), from states whose cut-off is the day before each event's.

    `hours_past` has a bit for each hour of yesterday that the window of one day has left behind at the event's time.
    """
    hours_past = _bit_of(F.floor(F.col("event_time") / HOUR_SECONDS)) - 1
    events = clean.select(*EVENT, hours_past.alias("hours_past"))
    for entity in ENTITIES:
        events = _with_history(events, state, entity)
    return events.select(*EVENT[:-1], F.col("amount").alias("amount_minor"), *_formulas())


def _are_small() -> Column:
    """Whether products of two sums of the row fit 64 bits; windows of 30 days hold the shorter ones.

    A count is below 2^20, a sum of amounts below 2^31 and one of squares below 2^42 then: what is multiplied by a count
    stays below 2^62, and so does the square of a sum.
    """
    limits = {"tx_count": 1 << 20, "amount_sum": 1 << 31, "high": 1 << 41 - HALF_BITS, "low": 1 << 41}
    within = [F.col(f"{entity}_30d_{name}") < limit for entity in ENTITIES for name, limit in limits.items()]
    return reduce(Column.__and__, within)


def _formulas() -> list[Column]:
    """The features; where products of sums occur, in 64 bits if these suffice: decimals take most of the time."""
    small, large, are_small = _inputs(_square), _inputs(whole), _are_small()
    found = []
    for feature in REGISTRY:
        arithmetic = SparkArithmetic("bigint")
        value = feature.formula(arithmetic, small)
        if arithmetic.widened:
            value = F.when(are_small, value).otherwise(feature.formula(SparkArithmetic(EXACT), large))
        found.append(value.alias(feature.name))
    return found


def _inputs(square: Callable[[Column, Column], Column]) -> dict[str, Column]:
    """What formulas start from (`antifraud.features.reference.feature_inputs`)."""
    inputs = {"time": F.col("event_time"), "amount": F.col("amount")}
    names = [f"terminal_{name}" for name in RISK_COLUMNS]
    for entity in ENTITIES:
        for days in WINDOWS:
            window = f"{entity}_{days}d"
            names += [f"{window}_{name}" for name in FIELDS]
            inputs[f"{window}_amount_sum_sq"] = square(*(F.col(f"{window}_{half}") for half in HALVES))
    return inputs | {name: F.col(name) for name in names}


def _square(high: Column, low: Column) -> Column:
    """Sum of squares in 64 bits, if it fits."""
    return high * F.lit(1 << HALF_BITS) + low


def _with_history(events: DataFrame, state: DataFrame, entity: str) -> DataFrame:
    """Add ``<entity>_1d_tx_count`` and so on: each event's buckets of all windows, and the risk columns of the entity.

    Field by field: no formula uses all of a bucket, and Spark leaves out the columns that nobody uses.
    """
    # The entity first: Spark sorts by the first bytes of the first column, and those of the day are alike in all rows.
    before = Window.partitionBy(entity, "day").orderBy("event_time", "transaction_id")
    earlier = before.rowsBetween(Window.unboundedPreceding, -1)
    today = {f"today_{name}": column.over(earlier) for name, column in summed_events().items()}
    joined = events.withColumns(today).join(_closed(state, entity), [entity, "day"], "left")
    gone = F.bit_count(F.col("hours_seen").bitwiseAND(F.col("hours_past")))
    joined = joined.withColumns({f"closed_1d_{name}": F.get(f"from_hour_{name}", gone) for name in FIELDS})
    added = {
        f"{entity}_{days}d_{name}": plus(name, F.col(f"closed_{days}d_{name}"), F.col(f"today_{name}"))
        for days in WINDOWS
        for name in FIELDS
    }
    added |= {f"{entity}_{name}": F.coalesce(F.col(name), F.lit(0)) for name in RISK_COLUMNS}
    return joined.select(*events.columns, *named(added))


def _closed(state: DataFrame, entity: str) -> DataFrame:
    """Per entity and day that its state is for: closed days of each window, yesterday from each hour on, risk."""
    closed = {
        f"closed_{days}d_{name}": field
        for days in WINDOWS[1:]
        for name, field in fields_of(F.col(f"closed_{days}d")).items()
    }
    return state.where(F.col("kind") == entity).select(
        F.date_add("day", 1).alias("day"), F.col("entity").alias(entity), *named(closed | _yesterday()), *RISK_COLUMNS
    )


def _yesterday() -> dict[str, Column]:
    """Yesterday's hours as bits, and arrays over them: for each field the sums from each hour on."""
    return {"hours_seen": _hours_seen()} | {f"from_hour_{name}": _from_each_hour(name) for name in FIELDS}


def _hours_seen() -> Column:
    """The hours of the day that are there, a bit each."""
    numbers = F.col("hours.hour")
    few = [F.coalesce(_bit_of(F.get(numbers, F.lit(place))), F.lit(0)) for place in range(FEW_HOURS)]
    return _few_or_many(
        reduce(Column.bitwiseOR, few), F.aggregate(numbers, F.lit(0), lambda bits, hour: bits.bitwiseOR(_bit_of(hour)))
    )


def _bit_of(hour: Column) -> Column:
    """The bit of an hour's place in its day; the bits of earlier hours are all lower."""
    return F.call_function("shiftleft", F.lit(1), F.pmod(hour, F.lit(DAY_HOURS)).cast("int"))


def _few_or_many(few: Column, many: Column) -> Column:
    """`few` as long as yesterday has no more than `FEW_HOURS`: without lambdas, which Spark does not compile."""
    return F.when(F.size("hours") > FEW_HOURS, many).otherwise(few)


def _from_each_hour(name: str) -> Column:
    """The field `name` of each hour and the later ones together; nothing for hours that there are not."""
    values = F.col(f"hours.{name}") if name not in HALVES else _half_of_each_hour(name)
    summed = F.transform(
        values,
        lambda _, place: F.aggregate(
            F.slice(values, place + 1, F.size(values)), nothing(name), lambda one, other: plus(name, one, other)
        ),
    )
    return _few_or_many(_from_few_hours(name, values), summed)


def _from_few_hours(name: str, values: Column) -> Column:
    sums = [nothing(name)]
    for place in reversed(range(FEW_HOURS)):
        sums.insert(0, plus(name, F.get(values, F.lit(place)), sums[0]))
    return F.array(*sums)


def _half_of_each_hour(name: str) -> Column:
    return F.transform("hours.amount_sum_sq", lambda square: halved(square)[name])


def features(spark: SparkSession, settings: JobSettings, days: Sequence[dt.date]) -> int:
    """Publish the features of `days` where they are not up to date; returns the rows published.

    Raises:
        MissingDay: A day is not in `clean`, or the state of the day before is missing although the lake began earlier,
            or has expired, or is of an earlier version.
        PublishError: Another run is replacing the state of the day before.
    """
    catalog = open_catalog(settings)
    clean = require_days(catalog, CLEAN, days)
    states = newest_runs(catalog, STATE, min(days) - ONE_DAY, max(days))
    began = min(published(catalog, CLEAN, dt.date.min, max(days)))
    inputs = {day: inputs_of(clean[day], states, day, began) for day in days}
    stale = stale_days(settings, (FEATURES,), inputs)
    if not stale:
        return 0
    known = {table: key_ids(catalog, table, min(stale) - ONE_DAY, max(stale)) for table in (CLEAN, STATE)}
    for day in stale:
        require_one_key([(CLEAN, known[CLEAN], [day]), (STATE, known[STATE], [day - ONE_DAY])])
    before = _states_before(spark, catalog, states, stale)
    return sum(
        _publish(spark, settings, before, {day: inputs[day] for day in batch}, clean)
        for batch in batches({day: clean[day].rows for day in stale}, BATCH_ROWS)
    )


def _publish(
    spark: SparkSession,
    settings: JobSettings,
    states: DataFrame,
    inputs: Mapping[dt.date, str],
    clean: Mapping[dt.date, Run],
) -> int:
    days = list(inputs)
    events = read_table(spark, CLEAN).where(F.col("day").isin(days))
    before = states.where(F.col("day").isin([day - ONE_DAY for day in days]))
    expected = {day: clean[day].rows for day in days}
    runs = publish(spark, settings, Batch(FEATURES, feature_rows(events, before), inputs, expected=expected))
    record(spark, runs)
    return sum(run.rows for run in runs)


def _states_before(
    spark: SparkSession, catalog: "Catalog", states: Mapping[dt.date, Run], days: Sequence[dt.date]
) -> DataFrame:
    """Rows of the states that the features of `days` start from."""
    used = [states[day - ONE_DAY] for day in days if day - ONE_DAY in states]
    if expired := [run.day for run in used if run.expired]:
        raise MissingDay(
            f"the features of {span(days)} start from states that have expired ({span(expired)}): publish them first, "
            "with jobs/state.py or jobs/day.py"
        )
    if older := [run.day for run in used if json.loads(run.counts).get(VERSION) != STATE.version]:
        raise MissingDay(
            f"the features of {span(days)} start from states that an earlier version made ({span(older)}): publish "
            "them again, with jobs/state.py or jobs/day.py"
        )
    snapshot = snapshot_with(catalog, STATE, used) if used else None
    if used and snapshot is None:
        raise PublishError(f"states before {span(days)} are being replaced: nothing was published, run it again")
    return read_table(spark, STATE, snapshot_id=snapshot).where(F.col("day").isin([run.day for run in used]))


def inputs_of(clean: Run, states: Mapping[dt.date, Run], day: dt.date, began: dt.date) -> str:
    """Hash of everything a day's features are made from; `began` is the first day of the lake.

    Raises:
        MissingDay: The state of the day before is missing although the lake began earlier.
    """
    return hash_of(FEATURES.version, feature_set_hash(), clean.inputs, _state_inputs(states, day, began))


def _state_inputs(states: Mapping[dt.date, Run], day: dt.date, began: dt.date) -> str:
    before = day - ONE_DAY
    if before in states:
        return states[before].inputs
    if before >= began:
        raise MissingDay(f"the features of {day} need the state of {before}: publish that state first")
    return "no history"
