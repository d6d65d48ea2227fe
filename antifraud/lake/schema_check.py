"""Whether a table of the lake has the columns that `antifraud/lake/schemas.py` says, by metadata alone."""

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from antifraud.errors import LeakError, SchemaError
from antifraud.lake.schemas import Column, Table, identifiers_among

if TYPE_CHECKING:
    from pyiceberg.schema import Schema

SPARK_NAMES: Final = {"long": "bigint", "timestamptz": "timestamp", "timestamp": "timestamp_ntz"}
"""What Spark calls primitive types of Iceberg that it has another name for."""


class PresentColumn(NamedTuple):
    """A column as a table has it; `type` is a Spark SQL type, `required` says that it can hold no null."""

    type: str
    required: bool


def require_schema(table: Table, columns: Mapping[str, PresentColumn], wanted: Iterable[str]) -> None:
    """Refuse columns that are not what `table` says, whatever rows they hold.

    Those of `wanted` must be there. More columns than the contract has are let be: a later version of it may have added
    them, and so does `jobs.publishing.tables.create_tables` before a version writes.

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
    """A Spark SQL type without what may be written or left out.

    >>> normalise_type("array<struct<hour: int>>") == normalise_type("array<struct<hour int>>")
    True
    """
    return kind.replace(" ", "").replace(":", "")


def columns_of(schema: "Schema") -> dict[str, PresentColumn]:
    """Columns of an Iceberg schema by name."""
    return {field.name: PresentColumn(_spark_type(field.field_type), field.required) for field in schema.fields}


def _spark_type(kind: Any) -> str:
    from pyiceberg.types import ListType, StructType

    if isinstance(kind, StructType):
        return f"struct<{','.join(f'{field.name}:{_spark_type(field.field_type)}' for field in kind.fields)}>"
    if isinstance(kind, ListType):
        return f"array<{_spark_type(kind.element_type)}>"
    return SPARK_NAMES.get(str(kind), str(kind))
