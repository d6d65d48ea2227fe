"""Feature vectors as columns: the integers that formulas start from, and the formulas of the registry on them."""

from collections.abc import Callable
from functools import reduce
from typing import Final

from pyspark.sql import Column, DataFrame, Window
from pyspark.sql import functions as F

from antifraud.features.labels import Risk
from antifraud.features.registry import REGISTRY, WINDOWS
from jobs.columns.absences import sums_of_today, with_absences
from jobs.columns.arithmetic import SparkArithmetic
from jobs.columns.buckets import EXACT, alias_all
from jobs.columns.hours import covered_hours, hours_past, sum_hours
from jobs.columns.risk import prepare_risk, risk_columns
from jobs.columns.square_halves import FIELDS, HALF_BITS, HALVES, fields_of, plus, sum_events, whole

ENTITIES: Final = ("customer", "terminal")
EVENT: Final = ("day", "transaction_id", "event_time", "customer", "terminal", "amount")
GROUP: Final = "terminal_group"


def feature_rows(clean: DataFrame, state: DataFrame, absent: DataFrame | None = None) -> DataFrame:
    """Return the rows of `features` for events (`clean`), from the states of the day before each event's day.

    `absent` are the absences of declined payments (`antifraud.lake.outcomes.ABSENCES`), if there are any.
    """
    events = clean.select(*EVENT, GROUP, hours_past("event_time").alias("hours_past"))
    if absent is not None:
        events = with_absences(events, absent)
    for entity in ENTITIES:
        events = _with_history(events, state, entity)
    return events.select(*EVENT[:-1], F.col("amount").alias("amount_minor"), *_formulas(), GROUP)


def _with_history(events: DataFrame, state: DataFrame, entity: str) -> DataFrame:
    """Add ``<entity>_1d_tx_count`` and so on: each event's buckets of all windows, and the risk of a terminal.

    A bucket is added field by field: no formula uses all of its fields, and Spark drops the columns that nobody uses.
    """
    counted = sums_of_today(events, entity) if "absences" in events.columns else _sums_of_today(events, entity)
    # A left join: a new customer or terminal has no state yet, and nulls count as empty buckets.
    joined = counted.join(_closed(state, entity), [entity, "day"], "left")
    joined = joined.withColumns({f"closed_1d_{name}": column for name, column in covered_hours().items()})
    added = {
        f"{entity}_{days}d_{name}": plus(name, F.col(f"closed_{days}d_{name}"), F.col(f"today_{name}"))
        for days in WINDOWS
        for name in FIELDS
    }
    if entity == "terminal":
        added |= {f"terminal_{name}": column for name, column in risk_columns().items()}
    return joined.select(*events.columns, *alias_all(added))


def _sums_of_today(events: DataFrame, entity: str) -> DataFrame:
    # The entity comes first: Spark sorts by the first bytes of the first column, and days are alike in all rows.
    before = Window.partitionBy(entity, "day").orderBy("event_time", "transaction_id")
    earlier = before.rowsBetween(Window.unboundedPreceding, -1)
    return events.withColumns({f"today_{name}": column.over(earlier) for name, column in sum_events().items()})


def _closed(state: DataFrame, entity: str) -> DataFrame:
    """Return for each entity and the day after its cut-off: closed days of each window, yesterday's hours, labels."""
    closed = {
        f"closed_{days}d_{name}": field
        for days in WINDOWS[1:]
        for name, field in fields_of(F.col(f"closed_{days}d")).items()
    }
    prepared = closed | sum_hours() | (prepare_risk() if entity == "terminal" else {})
    # First the columns, then the new day: in one step, Spark lets a lambda see the new day in place of the cut-off.
    rows = state.where(F.col("kind") == entity).withColumns(prepared)
    return rows.select(F.date_add("day", 1).alias("day"), F.col("entity").alias(entity), *prepared)


def _formulas() -> list[Column]:
    """Return the features; products of sums are computed in 64 bits if that suffices, because decimals are slow."""
    small, large, are_small = _inputs(_square), _inputs(whole), _are_small()
    features = []
    for feature in REGISTRY:
        # Built in 64 bits first: only then is it known whether the formula has a product of sums.
        arithmetic = SparkArithmetic("bigint")
        value = feature.formula(arithmetic, small)
        if arithmetic.widened:
            value = F.when(are_small, value).otherwise(feature.formula(SparkArithmetic(EXACT), large))
        features.append(value.alias(feature.name))
    return features


def _are_small() -> Column:
    """Return whether products of two sums of the row fit 64 bits; windows of 30 days hold the shorter ones.

    The limits are 2^20 for a count, 2^31 for a sum of amounts and 2^42 for one of squares. Then a sum times a count
    stays below 2^62, and so does the square of a sum.
    """
    limits = {"tx_count": 1 << 20, "amount_sum": 1 << 31, "high": 1 << 41 - HALF_BITS, "low": 1 << 41}
    within = [F.col(f"{entity}_30d_{name}") < limit for entity in ENTITIES for name, limit in limits.items()]
    return reduce(Column.__and__, within)


def _inputs(square: Callable[[Column, Column], Column]) -> dict[str, Column]:
    """Return what formulas start from, as `antifraud.features.reference.feature_inputs` does for one event."""
    inputs = {"time": F.col("event_time"), "amount": F.col("amount")}
    names = [f"terminal_{name}" for name in Risk._fields]
    for entity in ENTITIES:
        for days in WINDOWS:
            window = f"{entity}_{days}d"
            names += [f"{window}_{name}" for name in FIELDS]
            inputs[f"{window}_amount_sum_sq"] = square(*(F.col(f"{window}_{half}") for half in HALVES))
    return inputs | {name: F.col(name) for name in names}


def _square(high: Column, low: Column) -> Column:
    """Return a sum of squares in 64 bits; `_are_small` says whether it fits."""
    return high * F.lit(1 << HALF_BITS) + low
