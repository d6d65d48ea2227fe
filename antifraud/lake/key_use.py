"""The keys of the lake's tokens, read from the bounds that Iceberg keeps of every file.

A token begins with its key id, so the smallest and the largest token of a file tell whether all are under one key.
Only manifests are read.
"""

import datetime as dt
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING

from antifraud.clock import date_of
from antifraud.errors import PublishError, SchemaError
from antifraud.lake.catalog import open_table
from antifraud.lake.schemas import NAMESPACE
from antifraud.lake.table_format import Table

if TYPE_CHECKING:
    from pyiceberg.catalog import Catalog
    from pyiceberg.manifest import DataFile
    from pyiceberg.table import Table as IcebergTable

KeyIds = dict[dt.date, frozenset[str]]


def key_ids(catalog: "Catalog", table: Table, first: dt.date, last: dt.date) -> KeyIds:
    """Return the key ids of each day with rows in a table; nothing if there is no such table.

    Raises:
        SchemaError: A file has no bounds of a token column, or the table lacks the column.
    """
    if not catalog.table_exists((NAMESPACE, table.name)):
        return {}
    source = open_table(catalog, table, _always_there(table))
    ids: KeyIds = {}
    position = table.partition_by.index("day")
    for task in source.scan(row_filter=f"day >= '{first}' and day <= '{last}'").plan_files():
        day = date_of(task.file.partition[position])
        ids[day] = ids.get(day, frozenset()) | _of_file(table, source, task.file)
    return ids


def _of_file(table: Table, source: "IcebergTable", file: "DataFile") -> frozenset[str]:
    ids: set[str] = set()
    for name in _always_there(table):
        field = source.schema().find_field(name).field_id
        bounds = [(file.lower_bounds or {}).get(field), (file.upper_bounds or {}).get(field)]
        if None in bounds:
            raise SchemaError(f"{table.name}.{name} has a file without bounds: keep Iceberg's metrics of token columns")
        # Iceberg may cut a bound to its first 16 characters, but a key id is shorter than that.
        ids |= {bound.decode().partition(".")[0] for bound in bounds if bound}
    return frozenset(ids)


def _always_there(table: Table) -> list[str]:
    """Return the columns of tokens that are never null; other tokens of a row are under the same key."""
    return [column.name for column in table.columns if column.sensitivity == "token" and not column.null]


def require_one_key(uses: Iterable[tuple[Table, KeyIds, Sequence[dt.date]]]) -> None:
    """Refuse to make rows from tokens of different keys, because one customer would look like two.

    `uses` are tables with their `key_ids`, and the days of each that are used together.

    Raises:
        PublishError: These days are under several keys.
    """
    days: dict[str, list[str]] = {}
    for table, known, used in uses:
        for day in used:
            for key_id in known.get(day, ()):
                days.setdefault(key_id, []).append(f"{table.name} {day}")
    if len(days) > 1:
        mixed = "; ".join(f"{key_id}: {_span(sorted(places))}" for key_id, places in sorted(days.items()))
        raise PublishError(
            f"tokens of several keys would be mixed ({mixed}), nothing was published: ingest the days under the older "
            "key again with --rekey, or run jobs/rotate_keys.py if they are the newest"
        )


def _span(places: Sequence[str]) -> str:
    return f"{places[0]} .. {places[-1]}" if len(places) > 1 else places[0]


def days_under(catalog: "Catalog", tables: Iterable[Table], key_id: str, first: dt.date, last: dt.date) -> list[str]:
    """Return ``table day`` for every day from `first` to `last` with tokens under a key."""
    return [
        f"{table.name} {day}"
        for table in tables
        for day, ids in sorted(key_ids(catalog, table, first, last).items())
        if key_id in ids
    ]


def nearest(known: Mapping[dt.date, frozenset[str]], day: dt.date) -> frozenset[str]:
    """Return the key ids of the day nearest to `day`, and of two the earlier one; none if no day is known.

    >>> import datetime as dt
    >>> nearest({dt.date(2026, 1, 1): frozenset({"k1"}), dt.date(2026, 1, 4): frozenset({"k2"})}, dt.date(2026, 1, 3))
    frozenset({'k2'})
    """
    if not known:
        return frozenset()
    return known[min(known, key=lambda other: (abs(other - day), other))]
