"""The only way into the lake: stage, audit, publish, then record in `runs` which days are up to date."""

import dataclasses
import datetime as dt
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, cast

from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from antifraud.files import hash_of
from antifraud.lake.catalog import VERSION, Run, full_name, open_catalog, published
from antifraud.lake.schemas import NAMESPACE, RUNS
from antifraud.lake.table_format import Table
from antifraud.settings.core import JobSettings
from jobs.publishing import staging
from jobs.publishing.audits import audit, require_rows
from jobs.publishing.conflicts import Conflict, with_retries
from jobs.publishing.staging import Partition, Place
from jobs.publishing.tables import read_table

if TYPE_CHECKING:
    from pyiceberg.catalog import Catalog


@dataclass(frozen=True, slots=True)
class Batch:
    """Rows that replace whole days of a table.

    Attributes:
        table: Table that the rows are of.
        rows: All rows of the days.
        inputs: For each day, the hash of what the day was made from.
        counts: For each day, further counts for `runs`.
        expected: For each day, its rows if they were counted before they were written.
        own: SQL condition on the rows of the table that this job writes; rows of other writers stay.
        notes: Properties that the snapshot gets.
        by_day: Whether rows arrive grouped by day, as raw files have them. Such rows, and rows of a single day, are
            written without a shuffle. Others are shuffled by partition first, so that tasks do not scatter small files.
    """

    table: Table
    rows: DataFrame
    inputs: Mapping[dt.date, str]
    counts: Mapping[dt.date, Mapping[str, Any]] = field(default_factory=dict)
    expected: Mapping[dt.date, int] | None = None
    own: str = "true"
    notes: Mapping[str, str] = field(default_factory=dict)
    by_day: bool = False


def stale_days(settings: JobSettings, tables: Sequence[Table], inputs: Mapping[dt.date, str]) -> list[dt.date]:
    """Return the days that one of `tables` does not have, or has from other inputs."""
    catalog = open_catalog(settings)
    runs = [published(catalog, table, min(inputs), max(inputs)) for table in tables]
    return [day for day in sorted(inputs) if any(day not in r or r[day].inputs != inputs[day] for r in runs)]


def batches(rows: Mapping[dt.date, int], most: int) -> Iterator[list[dt.date]]:
    """Yield the days in order, in groups of at most `most` rows; a day with more is a group of its own.

    With groups a long range needs no more memory and no more scratch space than a short one.

    >>> first, second, third = (dt.date(2026, 1, day) for day in (1, 2, 3))
    >>> [len(batch) for batch in batches({first: 4, second: 6, third: 1}, most=10)]
    [2, 1]
    """
    batch: list[dt.date] = []
    held = 0
    for day in sorted(rows):
        if batch and held + rows[day] > most:
            yield batch
            batch, held = [], 0
        batch.append(day)
        held += rows[day]
    if batch:
        yield batch


def publish(spark: SparkSession, settings: JobSettings, batch: Batch) -> list[Run]:
    """Replace the batch's days in its table, all in one step; return the runs to `record`.

    Runs of other days may publish at the same time. Two runs of one day are each published whole, and the later holds.

    Raises:
        AntifraudError: An audit failed; nothing was published and the staged rows stay invisible.
        PublishError: Other runs got in first too often.
    """
    about = f"{batch.table.name} {min(batch.inputs)}..{max(batch.inputs)}"
    # With the application, so that two runs of the same inputs pause for different times.
    seed = hash_of(about, sorted(batch.inputs.values()), spark.sparkContext.applicationId)
    return with_retries(lambda: _publish_once(spark, settings, batch), about, seed)


def _publish_once(spark: SparkSession, settings: JobSettings, batch: Batch) -> list[Run]:
    """Stage, audit and publish the rows, delete partitions that they leave empty, and return the runs to record."""
    catalog, table = open_catalog(settings), batch.table
    before = place_of(catalog, table)
    wap_id = _wap_id(spark, batch, before.snapshot_id)
    staged = _stage(spark, catalog, batch, wap_id)
    partitions = _audit_staged(spark, catalog, batch, staged) if staged else {}
    rows = _rows_by_day(table, partitions)
    require_rows(table, rows, rows if batch.expected is None else batch.expected)
    written = place_of(catalog, table, staging.publish_staged(spark, table, wap_id)) if staged else before
    emptied = _delete_emptied(spark, batch, partitions) - set(rows)
    # A day that lost all its rows is as the deletion left it, which is a snapshot of its own.
    deleted = staging.newest_of(catalog, table, spark.sparkContext.applicationId) if emptied else written
    return [_run(batch, day, rows.get(day, 0), deleted if day in emptied else written) for day in sorted(batch.inputs)]


def _wap_id(spark: SparkSession, batch: Batch, base: int) -> str:
    """Return the id that the rows are staged under; `base` is the snapshot that they build on.

    Iceberg refuses to publish an id twice, so a re-run needs another one: the snapshot is part of it. Another
    application may stage the same inputs now, so the application is part of it, too (tests/storage/test_same_day.py).
    """
    made_from = hash_of(batch.table.name, [[str(day), batch.inputs[day]] for day in sorted(batch.inputs)], base)
    return f"{made_from}-{spark.sparkContext.applicationId}"


def _stage(spark: SparkSession, catalog: "Catalog", batch: Batch, wap_id: str) -> int | None:
    """Write the rows where no reader sees them; return the snapshot, or None if there are no rows.

    Raises:
        Conflict: Another run of the days has dropped what was staged.
    """
    days = sorted(batch.inputs)
    staging.drop_leftovers(spark, catalog, batch.table, days)
    staging.stage(spark, batch.table, batch.rows, wap_id, days, batch.notes, by_day=batch.by_day)
    staged = staging.find_staged(catalog, batch.table, wap_id)
    # A write without rows stages nothing, too; only the rows themselves tell the two cases apart.
    if staged is None and not batch.rows.isEmpty():
        raise Conflict(f"{batch.table.name}: what was staged is gone")
    return staged


def _audit_staged(spark: SparkSession, catalog: "Catalog", batch: Batch, staged: int) -> dict[Partition, int]:
    """Audit a staged snapshot; return the rows of each partition that it writes.

    A snapshot shows the whole table: the partitions that were not written still have the rows from before.
    """
    rows = read_table(spark, batch.table, snapshot_id=staged).where(F.col("day").isin(sorted(batch.inputs)))
    written = staging.written_partitions(catalog, batch.table, staged)
    return {partition: count for partition, count in audit(batch.table, rows).items() if partition in written}


def _run(batch: Batch, day: dt.date, rows: int, place: Place) -> Run:
    counts = json.dumps({VERSION: batch.table.version} | dict(batch.counts.get(day, {})), sort_keys=True)
    return Run(batch.table.name, day, batch.inputs[day], place.snapshot_id, rows, counts, place.sequence)


def place_of(catalog: "Catalog", table: Table, snapshot_id: int | None = None) -> Place:
    """Return where a snapshot, or else the current one, stands in the table's history; zeros for an empty table."""
    source = catalog.load_table((NAMESPACE, table.name))
    snapshot = source.snapshot_by_id(snapshot_id) if snapshot_id else source.current_snapshot()
    return Place(snapshot.snapshot_id, snapshot.sequence_number or 0) if snapshot else Place(0, 0)


def record(spark: SparkSession, runs: Iterable[Run]) -> None:
    """Record the days as up to date: the last step of every job."""
    append_rows(spark, RUNS, [dataclasses.astuple(run) for run in runs])


def append_rows(spark: SparkSession, table: Table, rows: Sequence[tuple[Any, ...]]) -> None:
    """Append rows to a table that remembers what was done; nothing if there are none."""
    if not rows:
        return
    schema = ", ".join(f"`{column.name}` {column.type}" for column in table.columns)
    writer = spark.createDataFrame(rows, schema).coalesce(1).writeTo(full_name(table))
    # Appending again is safe: a row that is there twice says the same twice.
    with_retries(writer.append, table.name, hash_of(table.name, [str(row) for row in rows]))


def _rows_by_day(table: Table, partitions: Mapping[Partition, int]) -> dict[dt.date, int]:
    rows: dict[dt.date, int] = {}
    position = table.partition_by.index("day")
    for partition, count in partitions.items():
        day = cast("dt.date", partition[position])
        rows[day] = rows.get(day, 0) + count
    return rows


def _delete_emptied(spark: SparkSession, batch: Batch, kept: Mapping[Partition, int]) -> set[dt.date]:
    """Delete partitions of the batch's days that had rows and have none any more; return the days of these partitions.

    A write replaces only partitions that it has rows for.
    """
    names = batch.table.partition_by
    days = F.col("day").isin(sorted(batch.inputs))
    present = read_table(spark, batch.table, batch.own).where(days).select(*names).distinct().collect()
    emptied = [row for row in present if tuple(row) not in kept]
    for row in emptied:
        condition = " AND ".join(f"`{name}` = {_literal(row[name])}" for name in names)
        spark.sql(f"DELETE FROM {full_name(batch.table)} WHERE {condition}")  # noqa: S608 - names of our own
    return {row["day"] for row in emptied}


def _literal(value: object) -> str:
    return f"DATE '{value}'" if isinstance(value, dt.date) else f"'{value}'"
