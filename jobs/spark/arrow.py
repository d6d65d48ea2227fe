"""Fetch a DataFrame as an Arrow table, on Spark 3.5 as well, which has no `DataFrame.toArrow`."""

import pyarrow as pa
from pyspark.sql import DataFrame
from pyspark.sql.pandas.types import to_arrow_schema


def fetch(rows: DataFrame) -> pa.Table:
    """Return all rows of a DataFrame without a detour over Python objects."""
    schema = to_arrow_schema(rows.schema)
    batches = rows._collect_as_arrow()  # type: ignore[operator]  # noqa: SLF001 - what toArrow calls, in both versions
    return pa.Table.from_batches(batches).cast(schema) if batches else schema.empty_table()
