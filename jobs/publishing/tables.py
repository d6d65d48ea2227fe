"""The lake's tables in Spark: creating, extending and reading them as `antifraud/lake/schemas.py` describes them."""

from functools import partial
from typing import Final

from pyspark.sql import DataFrame, SparkSession

from antifraud.files import hash_of
from antifraud.lake.catalog import full_name, open_any_catalog
from antifraud.lake.ownership import claim_lake
from antifraud.lake.schema_check import PresentColumn, require_schema
from antifraud.lake.schemas import CATALOG, NAMESPACE, TABLES
from antifraud.lake.table_format import Table
from antifraud.settings.core import JobSettings
from jobs.publishing.conflicts import with_retries

PROPERTIES: Final = {
    "format-version": "2",
    "write.wap.enabled": "true",
    # A dictionary of more than about a thousand values takes time and saves little: the pages are compressed anyway.
    "write.parquet.dict-size-bytes": "8192",
    "write.metadata.delete-after-commit.enabled": "true",
    # Twenty days published at once make about sixty commits, and a slow reader must still find its version.
    "write.metadata.previous-versions-max": "100",
    "commit.retry.num-retries": "20",
    "commit.retry.min-wait-ms": "100",
    "commit.retry.max-wait-ms": "5000",
    "commit.retry.total-timeout-ms": "300000",
}


def create_tables(spark: SparkSession, settings: JobSettings) -> None:
    """Create missing tables; add missing columns to tables of an earlier version, and drop those it no longer has.

    Raises:
        ForeignLake: The lake does not belong to the settings.
        LakeNotAdopted: The lake has tables or files but no identity.
    """
    claim_lake(settings, open_any_catalog(settings))
    seed = hash_of(spark.sparkContext.applicationId)
    present = with_retries(lambda: _present(spark), NAMESPACE, seed)
    for table in TABLES:
        make = _change_columns if table.name in present else _create
        # Jobs that find an empty lake at the same moment all create its tables; the slower ones retry and find them.
        with_retries(partial(make, spark, table), table.name, seed)


def _present(spark: SparkSession) -> set[str]:
    spark.sql(f"CREATE NAMESPACE IF NOT EXISTS {CATALOG}.{NAMESPACE}")
    return {row["tableName"] for row in spark.sql(f"SHOW TABLES IN {CATALOG}.{NAMESPACE}").collect()}


def _create(spark: SparkSession, table: Table) -> None:
    columns = ", ".join(f"`{column.name}` {column.type}" for column in table.columns)
    partitioned = f"PARTITIONED BY ({', '.join(table.partition_by)})" if table.partition_by else ""
    properties = ", ".join(f"'{key}' = '{value}'" for key, value in PROPERTIES.items())
    spark.sql(
        f"CREATE TABLE IF NOT EXISTS {full_name(table)} ({columns}) USING iceberg {partitioned} "
        f"TBLPROPERTIES ({properties})"
    )
    if table.sort_by:
        order = ", ".join(f"`{name}`" for name in table.sort_by)
        by_partition = "DISTRIBUTED BY PARTITION" if table.partition_by else ""
        spark.sql(f"ALTER TABLE {full_name(table)} WRITE {by_partition} LOCALLY ORDERED BY {order}")


def _change_columns(spark: SparkSession, table: Table) -> None:
    """Add the columns that a table lacks, and drop retired ones; earlier days count as not published."""
    present = set(spark.table(full_name(table)).columns)
    new = [f"`{column.name}` {column.type}" for column in table.columns if column.name not in present]
    if new:
        spark.sql(f"ALTER TABLE {full_name(table)} ADD COLUMNS ({', '.join(new)})")
    if old := [f"`{name}`" for name in table.retired if name in present]:
        spark.sql(f"ALTER TABLE {full_name(table)} DROP COLUMNS ({', '.join(old)})")


def read_table(spark: SparkSession, table: Table, condition: str = "true", snapshot_id: int | None = None) -> DataFrame:
    """Return published rows that meet an SQL condition, from the current snapshot or from `snapshot_id`.

    Raises:
        SchemaError: The table has other columns than the contract. A named snapshot may lack columns added since.
        LeakError: The table has a column of identifiers.
    """
    # In SQL: Spark 3.5 ignores a reader's option `versionAsOf` and reads the current snapshot.
    version = f" VERSION AS OF {snapshot_id}" if snapshot_id else ""
    rows = spark.sql(f"SELECT * FROM {full_name(table)}{version}")  # noqa: S608 - names of our own
    present = {
        field.name: PresentColumn(field.dataType.simpleString(), not field.nullable) for field in rows.schema.fields
    }
    require_schema(table, present, () if snapshot_id else table.column_names)
    return rows.where(condition)
