"""The stage of features: vectors made of the state of the day before and of earlier events of the day itself."""

import datetime as dt
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Final

from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from antifraud.clock import ONE_DAY
from antifraud.errors import MissingDay, PublishError
from antifraud.features.registry import feature_set_hash
from antifraud.files import hash_of
from antifraud.lake.catalog import Run, newest_runs, open_catalog, published, require_days, snapshot_with
from antifraud.lake.key_use import key_ids, require_one_key
from antifraud.lake.outcomes import Absent, AbsentPayment, inputs_of_absent, read_absent
from antifraud.lake.schemas import CLEAN, FEATURES, STATE
from antifraud.settings.core import JobSettings
from jobs.columns.absences import absences_on
from jobs.lake.feature_rows import feature_rows
from jobs.publishing.publish import Batch, batches, publish, record, stale_days
from jobs.publishing.tables import read_table
from jobs.spark.runtime import span

if TYPE_CHECKING:
    from pyiceberg.catalog import Catalog

BATCH_ROWS: Final = 5_000_000
"""Events that are computed and published at a time."""


def features(spark: SparkSession, settings: JobSettings, days: Sequence[dt.date]) -> int:
    """Publish the features of all `days` that are out of date, and return the rows published.

    Raises:
        MissingDay: A day is not in `clean`. Or the state of the day before has expired, comes from an earlier version,
            or is missing although the lake began earlier.
        PublishError: Another run is replacing the state of the day before.
    """
    catalog = open_catalog(settings)
    clean = require_days(catalog, CLEAN, days)
    states = newest_runs(catalog, STATE, min(days) - ONE_DAY, max(days))
    # Only the first day of the lake may be without a state before it.
    began = min(published(catalog, CLEAN, dt.date.min, max(days)))
    absent = read_absent(catalog, days, settings.id_scope)
    inputs = {day: inputs_of(clean[day], states, day, began, absent.get(day, ())) for day in days}
    stale = stale_days(settings, (FEATURES,), inputs)
    if not stale:
        return 0
    known = {table: key_ids(catalog, table, min(stale) - ONE_DAY, max(stale)) for table in (CLEAN, STATE)}
    for day in stale:
        require_one_key([(CLEAN, known[CLEAN], [day]), (STATE, known[STATE], [day - ONE_DAY])])
    before = _states_before(spark, catalog, states, stale)
    return sum(
        _publish(spark, settings, before, {day: inputs[day] for day in batch}, clean, absent)
        for batch in batches({day: clean[day].rows for day in stale}, BATCH_ROWS)
    )


def _publish(
    spark: SparkSession,
    settings: JobSettings,
    states: DataFrame,
    inputs: Mapping[dt.date, str],
    clean: Mapping[dt.date, Run],
    absent: Absent,
) -> int:
    days = list(inputs)
    events = read_table(spark, CLEAN).where(F.col("day").isin(days))
    before = states.where(F.col("day").isin([day - ONE_DAY for day in days]))
    expected = {day: clean[day].rows for day in days}
    rows = feature_rows(events, before, absences_on(spark, absent, days))
    runs = publish(spark, settings, Batch(FEATURES, rows, inputs, expected=expected))
    record(spark, runs)
    return sum(run.rows for run in runs)


def _states_before(
    spark: SparkSession, catalog: "Catalog", states: Mapping[dt.date, Run], days: Sequence[dt.date]
) -> DataFrame:
    """Return the rows of the states that the features of `days` start from."""
    used = [states[day - ONE_DAY] for day in days if day - ONE_DAY in states]
    if expired := [run.day for run in used if run.expired]:
        raise MissingDay(
            f"the features of {span(days)} start from states that have expired ({span(expired)}): publish them first, "
            "with jobs/state.py or jobs/day.py"
        )
    if older := [run.day for run in used if run.version != STATE.version]:
        raise MissingDay(
            f"the features of {span(days)} start from states that an earlier version made ({span(older)}): publish "
            "them again, with jobs/state.py or jobs/day.py"
        )
    snapshot = snapshot_with(catalog, STATE, used) if used else None
    if used and snapshot is None:
        raise PublishError(f"states before {span(days)} are being replaced: nothing was published, run it again")
    return read_table(spark, STATE, snapshot_id=snapshot).where(F.col("day").isin([run.day for run in used]))


def inputs_of(
    clean: Run,
    states: Mapping[dt.date, Run],
    day: dt.date,
    began: dt.date,
    absent: Sequence[AbsentPayment] = (),
) -> str:
    """Return the hash of everything that a day's features are made from; `began` is the first day of the lake.

    Raises:
        MissingDay: The state of the day before is missing although the lake began earlier.
    """
    before = _state_inputs(states, day, began)
    return hash_of(FEATURES.version, feature_set_hash(), clean.inputs, before, *inputs_of_absent(absent))


def _state_inputs(states: Mapping[dt.date, Run], day: dt.date, began: dt.date) -> str:
    before = day - ONE_DAY
    if before in states:
        return states[before].inputs
    if before >= began:
        raise MissingDay(f"the features of {day} need the state of {before}: publish that state first")
    return "no history"
