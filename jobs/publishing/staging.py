"""Staged snapshots: written but not yet visible, and dropped if their run was killed before it published them.

This is Iceberg's write-audit-publish. While ``spark.wap.id`` is set, a write makes a snapshot that no reader sees.
``publish_changes`` then applies the snapshot to the table as it is by then.
"""

import datetime as dt
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from pyspark.sql import DataFrame, SparkSession

from antifraud.clock import date_of
from antifraud.errors import PublishError
from antifraud.lake.catalog import full_name
from antifraud.lake.schemas import CATALOG, NAMESPACE
from antifraud.lake.table_format import Table

if TYPE_CHECKING:
    from pyiceberg.catalog import Catalog

Partition = tuple[object, ...]
"""Values of the partition columns."""


class Place(NamedTuple):
    """Where a snapshot stands in its table's history: of two snapshots the later has the larger sequence number."""

    snapshot_id: int
    sequence: int


WAP_ID: Final = "wap.id"
SESSION_WAP_ID: Final = "spark.wap.id"
FIRST_DAY: Final = "first-day"
LAST_DAY: Final = "last-day"
APPLICATION: Final = "spark.app.id"
"""Property of each snapshot that Spark writes, deletions included: the application that wrote it."""
NEVER: Final = 86_400_000
"""A time (ms) so early that Iceberg expires only the snapshots that it is given."""


def stage(
    spark: SparkSession,
    table: Table,
    rows: DataFrame,
    wap_id: str,
    days: Sequence[dt.date],
    notes: Mapping[str, str],
    *,
    by_day: bool = False,
) -> None:
    """Write `rows` as a staged snapshot that replaces the partitions of these rows; `Batch` explains `by_day`."""
    notes = {**notes, FIRST_DAY: str(min(days)), LAST_DAY: str(max(days))}
    rows = rows.select(*table.column_names)
    if len(days) == 1:
        writer = _sorted_without_day(table, rows).writeTo(full_name(table))
        writer = writer.option("use-table-distribution-and-ordering", "false")
    else:
        writer = rows.writeTo(full_name(table))
        writer = writer.option("distribution-mode", "none") if by_day else writer
    for key, value in notes.items():
        writer = writer.option(f"snapshot-property.{key}", value)
    # Set for this write only: any other write of the session would be staged, too, and never published.
    spark.conf.set(SESSION_WAP_ID, wap_id)
    try:
        writer.overwritePartitions()
    finally:
        spark.conf.unset(SESSION_WAP_ID)


def _sorted_without_day(table: Table, rows: DataFrame) -> DataFrame:
    """Sort the rows of a single day in the table's order, without moving them between tasks.

    Iceberg's own order begins with the day. Spark sorts by a prefix of the first column, and all days are equal here.
    """
    order = [name for name in table.partition_by if name != "day"] + list(table.sort_by)
    return rows.sortWithinPartitions(*order) if order else rows


def staged_snapshots(catalog: "Catalog", table: Table) -> list[Any]:
    """Return the snapshots of a table that were staged and never became its state."""
    source = catalog.load_table((NAMESPACE, table.name))
    # Expiry cuts the history off before the oldest remaining snapshot, but a tagged one may be older than that.
    visible = {entry.snapshot_id for entry in source.history()} | {r.snapshot_id for r in source.metadata.refs.values()}
    return [s for s in source.snapshots() if s.snapshot_id not in visible and _note(s, WAP_ID)]


def find_staged(catalog: "Catalog", table: Table, wap_id: str) -> int | None:
    """Return the id of the snapshot staged under `wap_id`; None after a write without rows, which stages nothing."""
    staged = [s.snapshot_id for s in staged_snapshots(catalog, table) if _note(s, WAP_ID) == wap_id]
    return staged[0] if staged else None


def newest_of(catalog: "Catalog", table: Table, application: str) -> Place:
    """Return the newest published snapshot that a Spark application wrote.

    Raises:
        PublishError: It wrote none.
    """
    source = catalog.load_table((NAMESPACE, table.name))
    for entry in reversed(source.history()):
        snapshot = source.snapshot_by_id(entry.snapshot_id)
        if snapshot and _note(snapshot, APPLICATION) == application:
            return Place(snapshot.snapshot_id, snapshot.sequence_number or 0)
    raise PublishError(f"{table.name} has no snapshot of {application}, which has just written one: run it again")


def written_partitions(catalog: "Catalog", table: Table, snapshot_id: int) -> set[Partition]:
    """Return the partitions for which a snapshot added files."""
    from pyiceberg.manifest import ManifestEntryStatus

    source = catalog.load_table((NAMESPACE, table.name))
    snapshot = source.snapshot_by_id(snapshot_id)
    entries = [
        entry
        for manifest in (snapshot.manifests(source.io) if snapshot else [])
        for entry in manifest.fetch_manifest_entry(source.io)
        if entry.status == ManifestEntryStatus.ADDED and entry.snapshot_id == snapshot_id
    ]
    positions = range(len(table.partition_by))
    return {tuple(_value(table, i, entry.data_file.partition[i]) for i in positions) for entry in entries}


def _value(table: Table, position: int, stored: Any) -> object:
    """Return a partition value as Spark gives it; Iceberg stores a date as its day number."""
    return date_of(stored) if table.partition_by[position] == "day" else stored


def drop_leftovers(spark: SparkSession, catalog: "Catalog", table: Table, days: Sequence[dt.date]) -> None:
    """Drop what killed runs staged for any of `days`; snapshots of other days may belong to a run at work now."""
    first, last = str(min(days)), str(max(days))
    for snapshot in staged_snapshots(catalog, table):
        if str(_note(snapshot, FIRST_DAY)) <= last and str(_note(snapshot, LAST_DAY)) >= first:
            _expire(spark, table, snapshot.snapshot_id)


def publish_staged(spark: SparkSession, table: Table, wap_id: str) -> int:
    """Make the staged snapshot the table's state and return the id that it has there."""
    name = f"{NAMESPACE}.{table.name}"
    sql = f"CALL {CATALOG}.system.publish_changes(table => '{name}', wap_id => '{wap_id}')"
    published = spark.sql(sql).collect()[0]
    # If the table has moved on, Iceberg applies the changes in a new snapshot, and the staged one is left over.
    if published["source_snapshot_id"] != published["current_snapshot_id"]:
        _expire(spark, table, published["source_snapshot_id"])
    return int(published["current_snapshot_id"])


def _expire(spark: SparkSession, table: Table, snapshot_id: int) -> None:
    """Take a staged snapshot out of the metadata; its files become orphans, which maintenance removes.

    Iceberg's procedure would remove its files at once. For that a Spark job reads what every other snapshot refers to,
    and it fails if another process has just removed one of these files.
    """
    jvm: Any = spark._jvm  # noqa: SLF001 - the procedure cannot leave the files alone
    source = jvm.org.apache.iceberg.spark.Spark3Util.loadIcebergTable(spark._jsparkSession, full_name(table))  # noqa: SLF001
    source.expireSnapshots().expireOlderThan(NEVER).expireSnapshotId(snapshot_id).cleanExpiredFiles(False).commit()


def _note(snapshot: Any, key: str) -> str | None:
    return snapshot.summary.additional_properties.get(key) if snapshot.summary else None
