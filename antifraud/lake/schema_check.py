"""The check that a table of the lake has the columns of its contract, by metadata alone."""

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from antifraud.errors import LeakError, SchemaError
from antifraud.lake.schemas import identifiers_among
from antifraud.lake.table_format import Column, Table

if TYPE_CHECKING:
    from pyiceberg.schema import Schema

SPARK_NAMES: Final = {"long": "bigint", "timestamptz": "timestamp", "timestamp": "timestamp_ntz"}
"""Spark's names of primitive Iceberg types, if they differ."""


class PresentColumn(NamedTuple):
    """A column that a table has; `type` is a Spark SQL type, and a `required` column can hold no null."""

    type: str
    required: bool


def require_schema(table: Table, columns: Mapping[str, PresentColumn], wanted: Iterable[str]) -> None:
    """Refuse columns that differ from the contract of `table`, whatever rows they hold.

    Columns in `wanted` must be there. Further columns pass: a later version of the contract may have added them.

    Raises:
        LeakError: A column is called like an identifier of the raw files.
        SchemaError: A column is missing, has another type, or can hold no null although null has a meaning.
    """
    if leaks := identifiers_among(columns):
        raise LeakError(
            f"{table.name} has columns of identifiers ({', '.join(leaks)}), which may be in the raw zone only: drop "
            "them, then find what wrote them"
        )
    if missing := [name for name in wanted if name not in columns]:
        raise SchemaError(
            f"{table.name} in the lake lacks {', '.join(missing)}: run the lake DAG for a day, which adds the columns "
            "of this version"
        )
    if odd := [f"{column.name} is {text}" for column in table.columns if (text := _difference(column, columns))]:
        raise SchemaError(
            f"{table.name} in the lake is not as in its schema: {'; '.join(odd)}. Read it with the version that made "
            "it, or migrate the table"
        )


def _difference(column: Column, columns: Mapping[str, PresentColumn]) -> str:
    present = columns.get(column.name)
    if present is None:
        return ""
    if normalise_type(present.type) != normalise_type(column.type):
        return f"{present.type}, {column.type} was expected"
    return "never null, but null was expected to be allowed" if present.required and column.null else ""


def normalise_type(kind: str) -> str:
    """Return a Spark SQL type without optional characters, so that equal types compare equal.

    >>> normalise_type("array<struct<hour: int>>") == normalise_type("array<struct<hour int>>")
    True
    """
    return kind.replace(" ", "").replace(":", "")


def columns_of(schema: "Schema") -> dict[str, PresentColumn]:
    """Return the columns of an Iceberg schema by name."""
    return {field.name: PresentColumn(_spark_type(field.field_type), field.required) for field in schema.fields}


def _spark_type(kind: Any) -> str:
    from pyiceberg.types import ListType, StructType

    if isinstance(kind, StructType):
        return f"struct<{','.join(f'{field.name}:{_spark_type(field.field_type)}' for field in kind.fields)}>"
    if isinstance(kind, ListType):
        return f"array<{_spark_type(kind.element_type)}>"
    return SPARK_NAMES.get(str(kind), str(kind))
