"""The lake's tables as Spark makes, reads and describes them; `antifraud/schemas.py` says what is in them."""

from typing import Final

from pyspark.sql import DataFrame, SparkSession

from antifraud.lake import CATALOG, NAMESPACE, full_name
from antifraud.schemas import TABLES, Table

PROPERTIES: Final = {
    "format-version": "2",
    "write.wap.enabled": "true",
    "write.metadata.delete-after-commit.enabled": "true",
    # Twenty days published at once are some sixty commits: a reader that was held up still finds its version.
    "write.metadata.previous-versions-max": "100",
    "commit.retry.num-retries": "20",
    "commit.retry.min-wait-ms": "100",
    "commit.retry.max-wait-ms": "5000",
    "commit.retry.total-timeout-ms": "300000",
}


def create_tables(spark: SparkSession) -> None:
    """Create the tables that do not exist yet, and the columns that a table of an earlier version lacks."""
    spark.sql(f"CREATE NAMESPACE IF NOT EXISTS {CATALOG}.{NAMESPACE}")
    present = {row["tableName"] for row in spark.sql(f"SHOW TABLES IN {CATALOG}.{NAMESPACE}").collect()}
    for table in TABLES:
        if table.name not in present:
            _create(spark, table)
        else:
            _add_columns(spark, table)


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


def _add_columns(spark: SparkSession, table: Table) -> None:
    """Days published before a column existed have nulls there until they are published again."""
    present = set(spark.table(full_name(table)).columns)
    new = [f"`{column.name}` {column.type}" for column in table.columns if column.name not in present]
    if new:
        spark.sql(f"ALTER TABLE {full_name(table)} ADD COLUMNS ({', '.join(new)})")


def read_table(spark: SparkSession, table: Table, condition: str = "true") -> DataFrame:
    """Published rows of a table that meet an SQL condition."""
    return spark.table(full_name(table)).where(condition)
