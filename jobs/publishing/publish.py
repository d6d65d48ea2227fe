"""The one way into the lake: stage, audit, publish, then write down in `runs` which days are up to date."""

import dataclasses
import datetime as dt
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, cast

from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from antifraud.files import hash_of
from antifraud.lake.catalog import Run, full_name, open_catalog, published
from antifraud.lake.schemas import NAMESPACE, RUNS, Table
from antifraud.settings.core import JobSettings
from jobs.publishing import staging
from jobs.publishing.audits import audit, require_rows
from jobs.publishing.conflicts import Conflict, with_retries
from jobs.publishing.staging import Partition
from jobs.publishing.tables import read_table

if TYPE_CHECKING:
    from pyiceberg.catalog import Catalog


@dataclass(frozen=True, slots=True)
class Batch:
    """Rows that replace whole days of a table.

    `inputs` names the days and, for each, the hash of what it was made from. `counts` go into `runs`; `expected` are
    rows by day where they were counted before. `own` is the condition on the table's rows that this job writes. Rows
    of a single day, and those that come `by_day`, as raw files have them, are written where they are; others are moved
    first, by partition, lest every task writes a file of every day.
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
    """Days that one of `tables` does not have, or has from other inputs."""
    catalog = open_catalog(settings)
    runs = [published(catalog, table, min(inputs), max(inputs)) for table in tables]
    return [day for day in sorted(inputs) if any(day not in r or r[day].inputs != inputs[day] for r in runs)]


def batches(rows: Mapping[dt.date, int], most: int) -> Iterator[list[dt.date]]:
    """The days in order, as many at a time as have `most` rows together, at least one.

    So a long range needs no more memory and no more scratch space than a short one.

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
    """Replace the batch's days in its table, all in one step; the returned runs are for `record`.

    Runs of other days may publish at the same time. Of two runs of one day each is published whole, the later holds.

    Raises:
        AntifraudError: An audit failed; nothing was published and the staged rows stay invisible.
        PublishError: Other runs got in first too often.
    """
    about = f"{batch.table.name} {min(batch.inputs)}..{max(batch.inputs)}"
    # Of two runs with the same inputs too, each waits a time of its own.
    seed = hash_of(about, sorted(batch.inputs.values()), spark.sparkContext.applicationId)
    return with_retries(lambda: _publish_once(spark, settings, batch), about, seed)


def _publish_once(spark: SparkSession, settings: JobSettings, batch: Batch) -> list[Run]:
    catalog, table, days = open_catalog(settings), batch.table, sorted(batch.inputs)
    before = place_of(catalog, table)
    # With the snapshot that it builds on, for Iceberg refuses to publish one id twice, be it by a run after a kill; and
    # with the application, for another one may stage the same inputs now (tests/storage/test_same_day.py).
    made_from = hash_of(table.name, [[str(day), batch.inputs[day]] for day in days], before[0])
    wap_id = f"{made_from}-{spark.sparkContext.applicationId}"
    staging.drop_leftovers(spark, catalog, table, days)
    staging.stage(spark, table, batch.rows, wap_id, days, batch.notes, by_day=batch.by_day)
    staged = staging.find_staged(catalog, table, wap_id)
    if staged is None and not batch.rows.isEmpty():
        raise Conflict(f"{table.name}: what was staged is gone")
    written = staging.written_partitions(catalog, table, staged) if staged else set()
    partitions = _audited(spark, batch, staged, written) if staged else {}
    rows = _rows_by_day(table, partitions)
    require_rows(table, rows, rows if batch.expected is None else batch.expected)
    snapshot = staging.publish_staged(spark, table, wap_id) if staged else None
    at = dict.fromkeys(days, place_of(catalog, table, snapshot) if staged else before)
    if emptied := _delete_emptied(spark, batch, partitions):
        at |= dict.fromkeys(emptied - set(rows), staging.newest_of(catalog, table, spark.sparkContext.applicationId))
    return [
        Run(table.name, day, batch.inputs[day], at[day][0], rows.get(day, 0),
            json.dumps(batch.counts.get(day, {}), sort_keys=True), at[day][1])
        for day in days
    ]  # fmt: skip


def place_of(catalog: "Catalog", table: Table, snapshot_id: int | None = None) -> tuple[int, int]:
    """Id and sequence number of a snapshot, the current one unless it is named; zeros while the table has none."""
    source = catalog.load_table((NAMESPACE, table.name))
    snapshot = source.snapshot_by_id(snapshot_id) if snapshot_id else source.current_snapshot()
    return (snapshot.snapshot_id, snapshot.sequence_number or 0) if snapshot else (0, 0)


def record(spark: SparkSession, runs: Iterable[Run]) -> None:
    """Write the days down as up to date; the last step of every job."""
    rows = [dataclasses.astuple(run) for run in runs]
    schema = ", ".join(f"`{column.name}` {column.type}" for column in RUNS.columns)
    writer = spark.createDataFrame(rows, schema).coalesce(1).writeTo(full_name(RUNS))
    # A row that is written twice says the same twice.
    with_retries(writer.append, RUNS.name, hash_of(rows))


def _audited(spark: SparkSession, batch: Batch, staged: int, written: AbstractSet[Partition]) -> dict[Partition, int]:
    """Rows of each partition that was written; the others of the batch's days still show what they held before."""
    rows = read_table(spark, batch.table, snapshot_id=staged)
    partitions = audit(batch.table, rows.where(F.col("day").isin(sorted(batch.inputs))))
    return {partition: count for partition, count in partitions.items() if partition in written}


def _rows_by_day(table: Table, partitions: Mapping[Partition, int]) -> dict[dt.date, int]:
    rows: dict[dt.date, int] = {}
    position = table.partition_by.index("day")
    for partition, count in partitions.items():
        day = cast("dt.date", partition[position])
        rows[day] = rows.get(day, 0) + count
    return rows


def _delete_emptied(spark: SparkSession, batch: Batch, kept: Mapping[Partition, int]) -> set[dt.date]:
    """Remove partitions of the batch's days that had rows and have none any more; a write cannot replace by nothing.

    Returns the days of these partitions.
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
