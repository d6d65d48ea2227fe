"""The stage of states: what is known of every customer and terminal at the end of a day, the cut-off."""

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from pyspark.sql import Column, DataFrame, SparkSession
from pyspark.sql import functions as F

from antifraud.clock import ONE_DAY, day_number, days_between
from antifraud.errors import MissingDay
from antifraud.features.buckets import LONGEST_WINDOW_DAYS
from antifraud.files import hash_of
from antifraud.lake.catalog import Run, open_catalog, published, require_days, snapshot_with
from antifraud.lake.key_use import key_ids, require_one_key
from antifraud.lake.schemas import CHANGES, STATE, TOTALS_CUSTOMER, TOTALS_TERMINAL
from antifraud.settings.core import JobSettings
from jobs.columns.buckets import FIELDS
from jobs.columns.history import gathered_history, rolled_history, with_blocks, with_closed
from jobs.columns.labels import with_labels
from jobs.publishing.publish import Batch, batches, publish, record, stale_days
from jobs.publishing.tables import read_table

if TYPE_CHECKING:
    from pyiceberg.catalog import Catalog

Runs = Mapping[dt.date, Run]
TOTALS: Final = (TOTALS_CUSTOMER, TOTALS_TERMINAL)
ROLLED: Final = "rolled"
"""Name in the counts of a state's run: whether the state was rolled (true) or rebuilt."""
BATCH_ROWS: Final = 500_000
"""Totals of the cut-off days that are handled at a time: few, because the rows of a state are long."""


@dataclass(frozen=True, slots=True)
class Upstream:
    """Runs of both tables of totals, over all days that the states look back on."""

    settings: JobSettings
    customers: Runs
    terminals: Runs

    def inputs_of(self, day: dt.date) -> str:
        """Return `inputs_of` the state of a day."""
        return inputs_of(self.settings, self.customers, self.terminals, day)

    def rows_of(self, day: dt.date) -> int:
        """Return the rows of the day's own totals; the state has more."""
        return sum(runs[day].rows for runs in (self.customers, self.terminals))


def state_of(
    spark: SparkSession, customers: DataFrame, terminals: DataFrame, days: Sequence[dt.date], label_delay_days: int
) -> DataFrame:
    """Return the rows of `state` for the cut-offs `days`, rebuilt from both tables of totals."""
    numbers = [(day_number(day),) for day in days]
    cutoffs = with_blocks(spark.createDataFrame(numbers, "cutoff int"))
    return _rows(gathered_history(_entities(customers, terminals), cutoffs, label_delay_days))


def rolled_state(
    before: DataFrame, customers: DataFrame, terminals: DataFrame, day: dt.date, label_delay_days: int
) -> DataFrame:
    """Return the rows of `state` for the cut-off `day`, from the state before and the totals of `day` alone."""
    return _rows(rolled_history(before, _entities(customers, terminals), day_number(day), label_delay_days))


def _entities(customers: DataFrame, terminals: DataFrame) -> DataFrame:
    nothing = F.array().cast(CHANGES).alias("label_changes")
    return _shaped(customers, "customer", nothing).unionByName(_shaped(terminals, "terminal", F.col("label_changes")))


def _shaped(totals: DataFrame, kind: str, changes: Column) -> DataFrame:
    number = F.unix_date("day").alias("number")
    return totals.select(F.lit(kind).alias("kind"), F.col(kind).alias("entity"), number, *FIELDS, "hours", changes)


def _rows(history: DataFrame) -> DataFrame:
    day = F.date_from_unix_date("cutoff").alias("day")
    return with_labels(with_closed(history)).select(day, *STATE.column_names[1:])


def state(spark: SparkSession, settings: JobSettings, days: Sequence[dt.date]) -> int:
    """Publish the states of all `days` that are out of date, and return the rows published.

    The state of the day before is published too if it has expired or was never made. The features of the first day
    start from that state, and days may be loaded in any order.

    Raises:
        MissingDay: A day that a state looks back on is not in the totals, although earlier ones are.
        PublishError: The totals that would be used are under several keys.
    """
    catalog = open_catalog(settings)
    days = [*_wanted_before(catalog, min(days)), *days]
    upstream = _upstream(catalog, settings, days)
    inputs = {day: upstream.inputs_of(day) for day in days}
    stale = stale_days(settings, (STATE,), inputs)
    if not stale:
        return 0
    return sum(
        _publish(spark, catalog, upstream, {day: inputs[day] for day in batch})
        for batch in batches({day: upstream.rows_of(day) for day in stale}, BATCH_ROWS)
    )


def _publish(spark: SparkSession, catalog: "Catalog", upstream: Upstream, inputs: Mapping[dt.date, str]) -> int:
    days, settings = list(inputs), upstream.settings
    # Several days are rebuilt together: to roll them, each would have to wait for the state before it.
    before = _to_roll_from(catalog, upstream, days[0]) if len(days) == 1 else None
    rows = _rebuilt(spark, catalog, settings, days) if before is None else _rolled(spark, settings, days[0], before)
    counts = {day: {ROLLED: before is not None} for day in days}
    runs = publish(spark, settings, Batch(STATE, rows, inputs, counts))
    record(spark, runs)
    return sum(run.rows for run in runs)


def _wanted_before(catalog: "Catalog", first: dt.date) -> list[dt.date]:
    """Return the day before `first` if it has totals but no state."""
    before = first - ONE_DAY
    made = all(published(catalog, table, before, before) for table in TOTALS)
    return [] if not made or published(catalog, STATE, before, before) else [before]


def _upstream(catalog: "Catalog", settings: JobSettings, days: Sequence[dt.date]) -> Upstream:
    for table in TOTALS:
        require_days(catalog, table, days)
    # One day more than the states look back on, to tell whether the state of the day before is up to date.
    first = window_of(settings, min(days) - ONE_DAY)[0]
    customers, terminals = (published(catalog, table, first, max(days)) for table in TOTALS)
    return Upstream(settings, customers, terminals)


def _to_roll_from(catalog: "Catalog", upstream: Upstream, day: dt.date) -> int | None:
    """Return the snapshot with the state of the day before, if that is up to date and under the day's own key."""
    before = day - ONE_DAY
    run = published(catalog, STATE, before, before).get(before)
    if run is None or not _is_up_to_date(upstream, run):
        return None
    known = [key_ids(catalog, STATE, before, before), *(key_ids(catalog, table, day, day) for table in TOTALS)]
    # One customer under two keys would get two rows in the state.
    if len({key_id for days in known for ids in days.values() for key_id in ids}) > 1:
        return None
    return snapshot_with(catalog, STATE, [run])


def _is_up_to_date(upstream: Upstream, run: Run) -> bool:
    try:
        return run.inputs == upstream.inputs_of(run.day)
    except MissingDay:
        # The state before cannot be made today. The state of this day does not look back on the missing day.
        return False


def _rolled(spark: SparkSession, settings: JobSettings, day: dt.date, snapshot_id: int) -> DataFrame:
    before = read_table(spark, STATE, snapshot_id=snapshot_id).where(F.col("day") == F.lit(day - ONE_DAY))
    customers, terminals = (read_table(spark, table).where(F.col("day") == F.lit(day)) for table in TOTALS)
    return rolled_state(before, customers, terminals, day, settings.label_delay_days)


def _rebuilt(spark: SparkSession, catalog: "Catalog", settings: JobSettings, days: Sequence[dt.date]) -> DataFrame:
    first = window_of(settings, min(days))[0]
    known = {table: key_ids(catalog, table, first, max(days)) for table in TOTALS}
    for day in days:
        require_one_key((table, ids, window_of(settings, day)) for table, ids in known.items())
    window = F.col("day").between(F.lit(first), F.lit(max(days)))
    customers, terminals = (read_table(spark, table).where(window) for table in TOTALS)
    return state_of(spark, customers, terminals, days, settings.label_delay_days)


def window_of(settings: JobSettings, day: dt.date) -> list[dt.date]:
    """Return the days of totals that the state of `day` looks back on."""
    reach = settings.label_delay_days + LONGEST_WINDOW_DAYS
    return days_between(day - dt.timedelta(days=reach - 1), day)


def inputs_of(settings: JobSettings, customers: Runs, terminals: Runs, day: dt.date) -> str:
    """Return the hash of everything that a day's state is made from.

    Raises:
        MissingDay: A day that the state looks back on is not in the totals, although earlier ones are.
    """
    window = window_of(settings, day)
    _require_no_hole(day, window, customers, terminals)
    made_of = [[str(d), runs[d].inputs] for runs in (customers, terminals) for d in window if d in runs]
    return hash_of(STATE.version, made_of, settings.label_delay_days)


def _require_no_hole(day: dt.date, window: Sequence[dt.date], *tables: Runs) -> None:
    """Refuse missing days: history may begin inside the window, but from then on every day must be there."""
    begun = min(d for runs in tables for d in runs if d >= window[0])
    if missing := [str(d) for d in window if d >= begun and any(d not in runs for runs in tables)]:
        raise MissingDay(
            f"the state of {day} looks back on {', '.join(missing[:5])}, which the totals lack: load these days first"
        )
