"""Tables of a lake without Spark, as pyiceberg makes them, for tests of what is read and written without Spark."""

from collections.abc import Sequence
from typing import Any

import pyarrow as pa
from pyiceberg.partitioning import PartitionField, PartitionSpec
from pyiceberg.schema import Schema
from pyiceberg.transforms import IdentityTransform
from pyiceberg.types import (
    BooleanType,
    DateType,
    DoubleType,
    IcebergType,
    IntegerType,
    ListType,
    LongType,
    NestedField,
    StringType,
)

from antifraud.lake.appending import ARROW_TYPES
from antifraud.lake.catalog import open_any_catalog, open_catalog
from antifraud.lake.outcome_table import OUTCOMES
from antifraud.lake.ownership import claim_lake
from antifraud.lake.schemas import NAMESPACE
from antifraud.lake.shipped_tables import SHIPPED_TABLES
from antifraud.lake.table_format import Column, Table
from antifraud.settings.core import JobSettings

TYPES = {
    "bigint": LongType(),
    "int": IntegerType(),
    "string": StringType(),
    "date": DateType(),
    "boolean": BooleanType(),
    "double": DoubleType(),
}
ELEMENT = 1_000
PROPERTIES = {"format-version": "2", "commit.retry.num-retries": "20", "commit.retry.min-wait-ms": "10"}
"""Every table of the lake has such retries."""


def make_tables(settings: JobSettings, tables: Sequence[Table] = (*SHIPPED_TABLES, OUTCOMES)) -> None:
    """Make tables as the data jobs do, in a lake that belongs to the settings."""
    catalog = open_any_catalog(settings)
    claim_lake(settings, catalog)
    for table in tables:
        schema = Schema(*(_field(number, column) for number, column in enumerate(table.columns, 1)))
        partitions = [
            PartitionField(schema.find_field(name).field_id, ELEMENT + number, IdentityTransform(), name)
            for number, name in enumerate(table.partition_by)
        ]
        catalog.create_table((NAMESPACE, table.name), schema, None, PartitionSpec(*partitions), properties=PROPERTIES)


def _field(number: int, column: Column) -> NestedField:
    kind: IcebergType
    if column.type == "array<double>":
        kind = ListType(ELEMENT + number, DoubleType(), element_required=False)
    else:
        kind = TYPES[column.type]
    return NestedField(number, column.name, kind, required=False)


def append(settings: JobSettings, table: Table, rows: Sequence[tuple[Any, ...]]) -> None:
    """Append rows to a table, as somebody else than the shipper does."""
    columns = zip(table.columns, zip(*rows, strict=True), strict=True)
    arrays = {column.name: pa.array(values, ARROW_TYPES[column.type]) for column, values in columns}
    open_catalog(settings).load_table((NAMESPACE, table.name)).append(pa.table(arrays))


def rows_of(settings: JobSettings, table: Table) -> list[dict[str, Any]]:
    """Return every row of a table by the names of its columns, in the order of its sort columns."""
    read = open_catalog(settings).load_table((NAMESPACE, table.name)).scan().to_arrow()
    rows: list[dict[str, Any]] = read.sort_by([(name, "ascending") for name in table.sort_by]).to_pylist()
    return rows
