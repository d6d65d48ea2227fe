"""The rotation of keys: days that later days and corrections look back on get tokens under the active key."""

import datetime as dt
import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import reduce
from typing import Any, Final

from pyspark.sql import Column, DataFrame, SparkSession
from pyspark.sql import functions as F

from antifraud.errors import MissingDay, PublishError
from antifraud.features.buckets import LONGEST_WINDOW_DAYS
from antifraud.features.registry import FEATURE_NAMES
from antifraud.keys.pseudonym import Key, KeyRing, load_keyring
from antifraud.lake.catalog import Run, open_catalog, published
from antifraud.lake.key_use import key_ids
from antifraud.lake.schemas import (
    CLEAN,
    FEATURES,
    LABELS,
    QUARANTINE,
    STATE,
    TOTALS_CUSTOMER,
    TOTALS_TERMINAL,
)
from antifraud.lake.table_format import Table
from antifraud.settings.core import JobSettings
from jobs.lake.feature_rows import feature_rows
from jobs.lake.feed_days import beside_clean
from jobs.lake.state import window_of
from jobs.publishing.publish import Batch, publish, record
from jobs.publishing.tables import read_table
from jobs.raw.bridge import build_bridge, rekey, require_key
from jobs.raw.contents import CONTENT, add_sums, content_of, contents_of, memories, remembered, row_sums
from jobs.raw.demand import Demand, demand_of, out_of_date
from jobs.spark.runtime import span

ORDER: Final = (TOTALS_CUSTOMER, TOTALS_TERMINAL, STATE, FEATURES, CLEAN)
"""Order in which tables are published: `clean` comes last, because readers start from it."""
ENTRY: Final = ("day", "transaction_id")


@dataclass(frozen=True, slots=True)
class Rotation:
    """A lake on its way to another key.

    Attributes:
        settings: Settings of the lake.
        new: Key that the days end under.
        first_state: Earliest state that is re-keyed; features of later days can be computed again.
        runs: For each table, the runs of the days to re-key.
        under: For each table and day, the ids of the keys that its tokens are under now.
    """

    settings: JobSettings
    new: Key
    first_state: dt.date
    runs: Mapping[Table, Mapping[dt.date, Run]]
    under: Mapping[Table, Mapping[dt.date, frozenset[str]]]

    @property
    def old_ids(self) -> list[str]:
        """Ids of the keys that some day has to leave."""
        return sorted({key_id for days in self.under.values() for ids in days.values() for key_id in ids}
                      - {self.new.key_id})  # fmt: skip

    def days_to_do(self, table: Table) -> list[dt.date]:
        """Return the days of a table that have tokens under another key."""
        return sorted(day for day, ids in self.under[table].items() if ids - {self.new.key_id})


def rotate(spark: SparkSession, settings: JobSettings, last: dt.date) -> int:
    """Re-key the days that end at `last`, the newest day of the lake, and return the rows published.

    The bridges from all other keys of the ring are made anew, for the next export of the state.

    Raises:
        MissingDay: `last` is not the newest day, or a raw file that the bridge needs is gone.
        RawFileError: A raw file that the bridge needs cannot be read.
        PublishError: The key ring has lost a key, a token has no counterpart, features would change, or an earlier
            version made some of the days.
    """
    ring = load_keyring(settings.keyring_path)
    rotation = _rotation(settings, ring, last)
    others = [key for key_id, key in sorted(ring.keys.items()) if key_id != ring.active]
    if not others:
        return 0
    days = sorted(rotation.runs[CLEAN])
    demand = demand_of(settings, days)
    demand.require_read(days)
    # Also when no day is left to re-key: clients may go on with another key, and new customers come every day.
    bridge = reduce(
        DataFrame.unionByName, [build_bridge(spark, settings, demand.files, old, rotation.new) for old in others]
    )
    if not rotation.old_ids:
        return 0
    rows = {table: _rekeyed_rows(spark, rotation, table, bridge) for table in ORDER}
    for table in ORDER:
        require_key(rows[table], table, rotation.new)
    # All proofs come before the first publish: half a rotation would be a lake under two keys.
    require_equal_features(spark, rotation, rows)
    memory = _memory(rotation, demand)
    published_rows = sum(_publish(spark, rotation, table, rows[table]) for table in ORDER[:-1])
    published_rows += _publish_clean(spark, rotation, rows[CLEAN], memory)
    return published_rows


def _rotation(settings: JobSettings, ring: KeyRing, last: dt.date) -> Rotation:
    catalog = open_catalog(settings)
    newest = max(published(catalog, CLEAN, dt.date.min, dt.date.max), default=None)
    if newest != last:
        raise MissingDay(f"the newest day of the lake is {newest}, {last} was named: name the newest day")
    first_state = last - dt.timedelta(days=LONGEST_WINDOW_DAYS)
    certified = last - dt.timedelta(days=settings.label_delay_days + settings.certify_days - 1)
    first = dict.fromkeys(ORDER, min(window_of(settings, first_state)[0], certified)) | {STATE: first_state}
    runs = {table: published(catalog, table, first[table], last) for table in ORDER}
    under = {table: key_ids(catalog, table, first[table], last) for table in ORDER}
    rotation = Rotation(settings, ring.active_key, first_state, runs, under)
    if lost := [key_id for key_id in rotation.old_ids if key_id not in ring.keys]:
        raise PublishError(f"days of the lake are under {', '.join(lost)}, which the key ring has lost: "
                           "ingest them again with --rekey")  # fmt: skip
    require_present_version(rotation)
    return rotation


def require_present_version(rotation: Rotation) -> None:
    """Refuse days that have rows of another version: they would keep their key while the others leave it.

    Raises:
        PublishError: There are such days; the message names the first table with them.
    """
    for table in ORDER:
        if older := [day for day in rotation.days_to_do(table) if day not in rotation.runs[table]]:
            raise PublishError(
                f"{table.name} of {span(older)} is not of this version, so it cannot be re-keyed: run jobs/stale.py "
                "and bring the lake up to date first"
            )


def _rekeyed_rows(spark: SparkSession, rotation: Rotation, table: Table, bridge: DataFrame) -> DataFrame:
    """Return all rows of a table's days in the rotation, under the new key."""
    rows = read_table(spark, table).where(F.col("day").isin(sorted(rotation.runs[table])))
    return rekey(rows, table, bridge)


def require_equal_features(spark: SparkSession, rotation: Rotation, rows: Mapping[Table, DataFrame]) -> None:
    """Refuse re-keyed rows that give any transaction other features than the lake has.

    Raises:
        PublishError: A feature of a transaction differs, or only one side has the transaction.
    """
    days = [day for day in sorted(rotation.runs[FEATURES]) if day > rotation.first_state]
    again = feature_rows(rows[CLEAN].where(F.col("day").isin(days)), rows[STATE]).select(
        *ENTRY, F.struct("amount_minor", *FEATURE_NAMES).alias("again")
    )
    before = read_table(spark, FEATURES).where(F.col("day").isin(days))
    # A full join, so that a transaction on one side only counts as different.
    compared = before.select(*ENTRY, F.struct("amount_minor", *FEATURE_NAMES).alias("before")).join(
        again, list(ENTRY), "full"
    )
    if different := compared.where(~_equal(F.col("before"), F.col("again"))).count():
        raise PublishError(
            f"{different} transactions would have other features under {rotation.new.key_id}: nothing was published; "
            "run jobs/stale.py and bring the lake up to date first"
        )


def _equal(one: Column, other: Column) -> Column:
    same = [one[name].eqNullSafe(other[name]) for name in FEATURE_NAMES]
    return reduce(Column.__and__, same, one["amount_minor"].isNotNull() & other["amount_minor"].isNotNull())


def _publish(
    spark: SparkSession, rotation: Rotation, table: Table, rows: DataFrame, notes: Mapping[str, str] | None = None
) -> int:
    """Publish the days that are under another key; inputs and counts stay, so nothing downstream becomes stale."""
    days = rotation.days_to_do(table)
    if not days:
        return 0
    runs = {day: rotation.runs[table][day] for day in days}
    batch = Batch(
        table,
        rows.where(F.col("day").isin(days)),
        {day: run.inputs for day, run in runs.items()},
        {day: json.loads(run.counts) for day, run in runs.items()},
        {day: run.rows for day, run in runs.items()},
        notes=notes or {},
    )
    done = publish(spark, rotation.settings, batch)
    record(spark, done)
    return sum(run.rows for run in done)


def _publish_clean(
    spark: SparkSession, rotation: Rotation, rows: DataFrame, memory: Mapping[dt.date, tuple[str, dict[str, str]]]
) -> int:
    """Publish `clean` and record its new contents: ingest compares tokens, which have changed."""
    contents = _clean_contents(rotation.settings, rows)
    runs = {day: _with_content(run, contents.get(day)) for day, run in rotation.runs[CLEAN].items()}
    counted = replace(rotation, runs={**rotation.runs, CLEAN: runs})
    done = _publish(spark, counted, CLEAN, rows, beside_clean(rotation.settings))
    known = {day: said | {CLEAN.name: contents[day]} for day, (_, said) in memory.items() if day in contents}
    record(spark, memories({day: memory[day][0] for day in known}, known))
    return done


def _clean_contents(settings: JobSettings, rows: DataFrame) -> dict[dt.date, str]:
    contents = {}
    for row in rows.groupBy("day").agg(F.count(F.lit(1)).alias("rows"), *row_sums([CLEAN], F.lit(True))).collect():
        sums: dict[str, list[int]] = {}
        add_sums(sums, row.asDict(), row["rows"], [CLEAN])
        contents[row["day"]] = contents_of(settings, sums)[CLEAN.name]
    return contents


def _with_content(run: Run, content: str | None) -> Run:
    counts: dict[str, Any] = json.loads(run.counts)
    return replace(run, counts=json.dumps(counts | ({CONTENT: content} if content else {}), sort_keys=True))


def _memory(rotation: Rotation, demand: Demand) -> dict[dt.date, tuple[str, dict[str, str]]]:
    """Return, for days that agree with their raw files, the source under the new key and the contents that stay."""
    catalog, days = open_catalog(rotation.settings), sorted(demand.keys)
    known = remembered(catalog, demand.sources)
    fresh = [day for day, tables in out_of_date(rotation.settings, demand, known).items() if not tables]
    runs = {table.name: published(catalog, table, days[0], days[-1]) for table in (QUARANTINE, LABELS)}
    sources = demand.sources_under(rotation.new.key_id)
    return {day: (sources[day], {name: str(content_of(of[day])) for name, of in runs.items()}) for day in fresh}
