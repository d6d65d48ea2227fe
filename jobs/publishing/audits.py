"""Audits of a staged snapshot, before any reader sees it."""

import datetime as dt
from collections.abc import Iterable, Mapping
from functools import reduce

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from antifraud.errors import LeakError, PublishError, SchemaError
from antifraud.keys.pseudonym import TOKEN_PATTERN
from antifraud.lake import table_format
from antifraud.lake.schema_check import normalise_type
from antifraud.lake.schemas import identifiers_among
from antifraud.lake.table_format import Table
from jobs.publishing.staging import Partition


def audit(table: Table, staged: DataFrame) -> dict[Partition, int]:
    """Check every staged row; return the number of rows in each partition.

    Raises:
        SchemaError: A column has another type than in the contract, or a null that the contract does not allow.
        LeakError: The table has a column of identifiers, or a column of tokens holds anything else.
    """
    _require_types(table, staged)
    # All checks in one pass over the staged rows.
    sums = [
        F.sum(_any(_no_token(c) for c in table.columns if c.sensitivity == "token").cast("long")).alias("no_token"),
        F.sum(_any(F.col(c.name).isNull() for c in table.columns if not c.null).cast("long")).alias("null"),
        F.count(F.lit(1)).alias("rows"),
    ]
    rows = staged.groupBy(*table.partition_by).agg(*sums).collect()
    if odd := sum(row["no_token"] for row in rows):
        raise LeakError(f"{odd} rows of {table.name} hold something that is not a token: nothing was published")
    if odd := sum(row["null"] for row in rows):
        raise SchemaError(f"{odd} rows of {table.name} lack a value that is never null: nothing was published")
    return {tuple(row[name] for name in table.partition_by): row["rows"] for row in rows}


def require_rows(table: Table, staged: Mapping[dt.date, int], expected: Mapping[dt.date, int]) -> None:
    """Refuse staged rows that differ from the rows counted before they were written, day by day.

    Raises:
        PublishError: A day differs, or a day was staged that the run is not about.
    """
    for day in sorted(set(staged) | set(expected)):
        if staged.get(day, 0) != expected.get(day, 0):
            raise PublishError(
                f"{table.name} has {staged.get(day, 0)} staged rows on {day}, {expected.get(day, 0)} were counted: "
                "nothing was published, run it again"
            )


def _require_types(table: Table, staged: DataFrame) -> None:
    named = {column.name for column in table.columns if column.sensitivity == "identifier"}
    if identifiers := sorted({*named, *identifiers_among(staged.columns)}):
        raise LeakError(f"{table.name} has columns of identifiers ({', '.join(identifiers)}): tokens belong there")
    expected = {column.name: normalise_type(column.type) for column in table.columns}
    present = {f.name: normalise_type(f.dataType.simpleString()) for f in staged.schema.fields}
    if present != expected:
        names = sorted(set(present) | set(expected))
        odd = ", ".join(name for name in names if present.get(name) != expected.get(name))
        raise SchemaError(f"{table.name} has columns that are not as in its schema: {odd}; migrate the table")


def _no_token(column: table_format.Column) -> Column:
    """Return whether a row has no token in the column; null is no fault where it has a meaning."""
    return ~F.coalesce(F.col(column.name).rlike(rf"^{TOKEN_PATTERN}\z"), F.lit(bool(column.null)))


def _any(conditions: Iterable[Column]) -> Column:
    return reduce(Column.__or__, conditions, F.lit(False))
