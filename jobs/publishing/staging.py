"""Staged snapshots: written, not yet visible, and dropped when the run that wrote them did not live to publish them.

Iceberg's write-audit-publish: with ``spark.wap.id`` set a write makes a snapshot that no reader of the table sees until
``publish_changes`` applies it to whatever the table has become meanwhile.
"""

import datetime as dt
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from pyspark.sql import DataFrame, SparkSession

from antifraud.clock import date_of
from antifraud.errors import PublishError
from antifraud.lake.catalog import full_name
from antifraud.lake.schemas import CATALOG, NAMESPACE, Table

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
"""Iceberg notes in each snapshot that Spark writes, deletions too, which application it was."""
NEVER: Final = 86_400_000
"""A time (ms) so early that Iceberg expires nothing but the snapshots it is given."""


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
    """Write `rows` as a staged snapshot that replaces the partitions it has rows for; of `by_day` see `Batch`."""
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
    spark.conf.set(SESSION_WAP_ID, wap_id)
    try:
        writer.overwritePartitions()
    finally:
        spark.conf.unset(SESSION_WAP_ID)


def _sorted_without_day(table: Table, rows: DataFrame) -> DataFrame:
    """Rows of a single day where they are, in the table's order.

    Iceberg's own order begins with the day, by which alone Spark would sort quickly.
    """
    order = [name for name in table.partition_by if name != "day"] + list(table.sort_by)
    return rows.sortWithinPartitions(*order) if order else rows


def staged_snapshots(catalog: "Catalog", table: Table) -> list[Any]:
    """Snapshots of a table that were staged and never became its state."""
    source = catalog.load_table((NAMESPACE, table.name))
    # Expiry cuts the history off before the oldest snapshot that it leaves; a tagged one may lie further back.
    visible = {entry.snapshot_id for entry in source.history()} | {r.snapshot_id for r in source.metadata.refs.values()}
    return [s for s in source.snapshots() if s.snapshot_id not in visible and _note(s, WAP_ID)]


def find_staged(catalog: "Catalog", table: Table, wap_id: str) -> int | None:
    """Id of the snapshot staged under `wap_id`; None when the write had no rows, for that stages nothing."""
    found = [s.snapshot_id for s in staged_snapshots(catalog, table) if _note(s, WAP_ID) == wap_id]
    return found[0] if found else None


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
    """Values of the partition columns of the files that a snapshot added."""
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
    """A partition value as Spark gives it; Iceberg stores a date as its day number."""
    return date_of(stored) if table.partition_by[position] == "day" else stored


def drop_leftovers(spark: SparkSession, catalog: "Catalog", table: Table, days: Sequence[dt.date]) -> None:
    """Drop what killed runs staged for any of `days`; other days may be another run's, at work now."""
    first, last = str(min(days)), str(max(days))
    for snapshot in staged_snapshots(catalog, table):
        if str(_note(snapshot, FIRST_DAY)) <= last and str(_note(snapshot, LAST_DAY)) >= first:
            _expire(spark, table, snapshot.snapshot_id)


def publish_staged(spark: SparkSession, table: Table, wap_id: str) -> int:
    """Make the staged snapshot the table's state and return the id that it has there."""
    name = f"{NAMESPACE}.{table.name}"
    sql = f"CALL {CATALOG}.system.publish_changes(table => '{name}', wap_id => '{wap_id}')"
    published = spark.sql(sql).collect()[0]
    if published["source_snapshot_id"] != published["current_snapshot_id"]:
        _expire(spark, table, published["source_snapshot_id"])
    return int(published["current_snapshot_id"])


def _expire(spark: SparkSession, table: Table, snapshot_id: int) -> None:
    """Take a staged snapshot out of the metadata; its files become orphans, which maintenance removes.

    Iceberg's procedure would look for its files at once, by reading what every other snapshot refers to: a Spark job
    that fails when another process has just removed one of them.
    """
    jvm: Any = spark._jvm  # noqa: SLF001 - the procedure cannot leave the files alone
    source = jvm.org.apache.iceberg.spark.Spark3Util.loadIcebergTable(spark._jsparkSession, full_name(table))  # noqa: SLF001
    source.expireSnapshots().expireOlderThan(NEVER).expireSnapshotId(snapshot_id).cleanExpiredFiles(False).commit()


def _note(snapshot: Any, key: str) -> str | None:
    return snapshot.summary.additional_properties.get(key) if snapshot.summary else None
