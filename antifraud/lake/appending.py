"""Append rows to a table exactly once, from a source that numbers them.

How far a source has come is a property of the table, which the append's own commit sets. A process that was killed, or
that lost an answer of the catalog, reads the property and knows what the table has.

Only a process that writes through pyiceberg imports this module.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import pyarrow as pa
from pyiceberg.exceptions import CommitFailedException, NoSuchTableError, RESTError
from pyiceberg.table import Table as IcebergTable
from pyiceberg.table import Transaction

from antifraud.errors import AntifraudError, CatalogError, StorageError
from antifraud.lake.catalog import catalog_error, check_lake, open_any_catalog, open_table
from antifraud.lake.errors import Overtaken
from antifraud.lake.table_format import Table
from antifraud.settings.core import JobSettings
from antifraud.settings.locations import is_remote

if TYPE_CHECKING:
    from pyiceberg.catalog.sql import SqlCatalog

NUMBER: Final = "shipped."
MARK: Final = "shipped-mark."
ARROW_TYPES: Final = {
    "bigint": pa.int64(), "int": pa.int32(), "string": pa.string(), "date": pa.date32(), "boolean": pa.bool_(),
    "double": pa.float64(), "array<double>": pa.list_(pa.float64()),
}  # fmt: skip
CATALOG_PACKAGES: Final = frozenset({"sqlalchemy", "psycopg2", "sqlite3"})
STORAGE_PACKAGES: Final = frozenset({"botocore", "aiobotocore", "aiohttp", "s3fs", "fsspec"})


class Progress(NamedTuple):
    """The number of the last row of a source that a table has, and a mark by which the source knows that row."""

    number: int
    mark: str


class Appender:
    """Appends the rows of one source to tables of a lake."""

    def __init__(self, settings: JobSettings, source: str) -> None:
        """Prepare for rows of `source`; nothing is opened yet."""
        self._settings, self._source = settings, source
        self._catalog: SqlCatalog | None = None

    def progress(self, table: Table) -> Progress | None:
        """Return how far the source has come in a table; None if the table has nothing of it.

        Raises:
            ForeignLake: The lake does not belong to the settings.
            SchemaError: The table has other columns than its contract.
            PublishError: There is no such table yet, or catalog or storage cannot be used now.
        """
        with self._translate_failures():
            return _progress_in(self._open(table), self._source)

    def append(self, table: Table, rows: Sequence[tuple[Any, ...]], before: Progress | None, after: Progress) -> None:
        """Append rows, given as values of the table's columns, and note how far the source has come with them.

        Nothing is appended if the source has come to another place than `before` meanwhile.

        Raises:
            Overtaken: It has; another process appends the rows of the same source.
            PublishError: Catalog or storage cannot be used now. The rows may have been appended: ask for the progress.
        """
        with self._translate_failures():
            transaction = _OnlyAfter(self._open(table), self._source, before)
            with transaction:
                transaction.append(rows_as_arrow(table, rows))
                transaction.set_properties({NUMBER + self._source: str(after.number), MARK + self._source: after.mark})

    def _open(self, table: Table) -> IcebergTable:
        # The lake is checked once: afterwards its tables are opened by the same catalog.
        if self._catalog is None:
            check_lake(self._settings)
            _require_lake(self._settings)
            self._catalog = open_any_catalog(self._settings, make=False)
        return open_table(self._catalog, table)

    @contextmanager
    def _translate_failures(self) -> Iterator[None]:
        try:
            yield
        except AntifraudError:
            self._catalog = None
            raise
        except Exception as error:
            # A connection that failed is not used again.
            self._catalog = None
            if failure := _failure_of(error, self._settings):
                raise failure from None
            raise


class _OnlyAfter(Transaction):
    """A transaction that is given up if its source has come further since it began.

    A commit asserts the snapshot that it has read. After a conflict pyiceberg reads the table again and repeats the
    append, which is right after a compaction, and wrong if the other commit has appended the same rows.
    """

    def __init__(self, table: IcebergTable, source: str, before: Progress | None) -> None:
        super().__init__(table)
        self._source, self._before = source, before
        self._require_before()

    def _require_before(self) -> None:
        present = _progress_in(self._table, self._source)
        if present != self._before:
            found, expected = (f"rows up to {each.number}" if each else "nothing" for each in (present, self._before))
            raise Overtaken(
                f"the table has {found} of this source, {expected} was expected: another process appends its rows; let "
                "only one run"
            )

    def _rebuild_snapshot_updates(self) -> None:
        self._require_before()
        super()._rebuild_snapshot_updates()


def _progress_in(table: IcebergTable, source: str) -> Progress | None:
    number = table.properties.get(NUMBER + source)
    return None if number is None else Progress(int(number), table.properties.get(MARK + source, ""))


def rows_as_arrow(table: Table, rows: Sequence[tuple[Any, ...]]) -> pa.Table:
    """Return rows, given as values of the table's columns, in the order of the table's files."""
    columns = zip(*rows, strict=True)
    arrays = {
        column.name: pa.array(values, ARROW_TYPES[column.type])
        for column, values in zip(table.columns, columns, strict=True)
    }
    order = [(name, "ascending") for name in (*table.partition_by, *table.sort_by)]
    return pa.table(arrays).sort_by(order)


def _require_lake(settings: JobSettings) -> None:
    # SQLite would make a missing file.
    if settings.catalog_file is not None and not settings.catalog_file.exists():
        raise CatalogError("there is no lake yet: run the lake DAG for a day, which makes it")


def _failure_of(error: Exception, settings: JobSettings) -> AntifraudError | None:
    """Return the expected failure that a library's exception stands for; None for any other exception."""
    packages = {type(each).__module__.partition(".")[0] for each in (error, error.__cause__, error.__context__)}
    if isinstance(error, NoSuchTableError):
        return CatalogError("the lake lacks a table of this version: run the lake DAG for a day, which makes it")
    if isinstance(error, CommitFailedException | RESTError):
        return CatalogError("others have changed the table again and again, and nothing was appended: try again")
    if packages & CATALOG_PACKAGES:
        return catalog_error(settings, error)
    if isinstance(error, OSError) or packages & STORAGE_PACKAGES:
        place = settings.lake_warehouse if is_remote(settings.lake_warehouse) else "the warehouse's disk"
        return StorageError(
            f"{place} did not do what it was asked ({type(error).__name__}): see that it can be reached, has room, and "
            "accepts the account"
        )
    return None
