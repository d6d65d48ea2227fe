"""The catalog of the lake, and read-only access to tables through pyiceberg and Arrow.

Tables lie in the Iceberg namespace `NAMESPACE` of the catalog that the settings name. Functions that call pyiceberg
import it themselves, so that DAG files and the scorer can import this module without it.
"""

import datetime as dt
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from antifraud.clock import date_of
from antifraud.errors import CatalogError, ForeignLake, MissingDay
from antifraud.lake.identity import identity_in
from antifraud.lake.ownership import require_apart, require_own_lake, require_own_tables
from antifraud.lake.schema_check import columns_of, require_schema
from antifraud.lake.schemas import CATALOG, CLEAN, NAMESPACE, QUARANTINE, RUNS
from antifraud.lake.storage import catalog_url, file_properties
from antifraud.lake.table_format import Table
from antifraud.lake.warehouse import files_below
from antifraud.settings.core import JobSettings
from antifraud.settings.locations import catalog_address

if TYPE_CHECKING:
    import pyarrow as pa
    from pyiceberg.catalog import Catalog
    from pyiceberg.catalog.sql import SqlCatalog
    from pyiceberg.table import Table as IcebergTable

EXPIRED: Final = "expired"
"""Name in the counts of a run whose rows were deleted."""
VERSION: Final = "version"
"""Name in the counts of a run: the version of the table that its rows were made for."""


@dataclass(frozen=True, slots=True)
class Run:
    """A row of the `runs` table: a published day."""

    table: str
    day: dt.date
    inputs: str
    snapshot_id: int
    rows: int
    counts: str
    sequence: int

    @property
    def expired(self) -> bool:
        """Whether the rows were deleted because of their age; `inputs` stays."""
        return bool(json.loads(self.counts).get(EXPIRED))

    @property
    def version(self) -> int:
        """Version of the table that the rows were made for; 1 if an early version of the project did not store it."""
        return int(json.loads(self.counts).get(VERSION, 1))


def outdated(run: Run, table: Table) -> str | None:
    """Return why a day has to be made anew for this version of the table; None if it was made for it."""
    if run.version == table.version:
        return None
    return f"made for version {run.version} of the table, this is version {table.version}"


def full_name(table: Table) -> str:
    """Return the name of a table as Spark SQL spells it.

    >>> full_name(RUNS)
    'lake.antifraud.runs'
    """
    return f"{CATALOG}.{NAMESPACE}.{table.name}"


def open_catalog(settings: JobSettings) -> "SqlCatalog":
    """Return the Iceberg catalog of the settings.

    Raises:
        ForeignLake: Catalog, warehouse, home and settings do not belong to one lake.
        CatalogError: The database did not answer, or refused.
    """
    _require_catalog(settings)
    catalog = open_any_catalog(settings)
    require_own_lake(settings, catalog)
    return catalog


def check_lake(settings: JobSettings) -> None:
    """Refuse a lake that does not belong to the settings; a lake that does not exist yet passes.

    Every job begins with this check, which creates nothing.

    Raises:
        ForeignLake: As `antifraud.lake.ownership.require_own_tables`.
        CatalogError: The database did not answer, or refused.
    """
    _require_catalog(settings)
    if settings.catalog_file is None or settings.catalog_file.exists():
        require_own_tables(settings, open_any_catalog(settings, make=False))
    else:
        require_apart(settings)


def _require_catalog(settings: JobSettings) -> None:
    """Refuse a catalog file that is missing although its warehouse is there; the check creates nothing."""
    if settings.catalog_file is None or settings.catalog_file.exists():
        return
    # SQLite would create a missing file, and the job would begin an empty lake over the old warehouse.
    if (identity := identity_in(settings, settings.lake_warehouse)) and any(files_below(settings, NAMESPACE)):
        raise ForeignLake(
            f"the catalog {settings.catalog_file} is not there, and {settings.lake_warehouse} is the warehouse of lake "
            f"{identity.lake}: restore it, mount its disk, or correct ANTIFRAUD_CATALOG_URI"
        )


def open_any_catalog(settings: JobSettings, *, make: bool = True, again: bool = True) -> "SqlCatalog":
    """Return the catalog of the settings, whatever lake it belongs to.

    Args:
        settings: Settings that name the catalog.
        make: Whether to create the catalog's tables in an empty database.
        again: Whether to try once more after a failure.

    Raises:
        CatalogError: The database did not answer, or refused.
    """
    from pyiceberg.catalog.sql import SqlCatalog
    from sqlalchemy.exc import SQLAlchemyError

    uri = catalog_url(settings).render_as_string(hide_password=False)
    options = {"warehouse": settings.lake_warehouse, "init_catalog_tables": str(make).lower()}
    try:
        return SqlCatalog(CATALOG, uri=uri, **options, **file_properties(settings))
    except SQLAlchemyError as error:
        if not again:
            raise catalog_error(settings, error) from None
    # If two jobs create the tables at once, one fails and finds the tables in its second attempt.
    return open_any_catalog(settings, make=make, again=False)


def catalog_error(settings: JobSettings, error: Exception) -> CatalogError:
    """Return a library's exception as an expected failure, without its text, which may hold a password."""
    return CatalogError(
        f"the catalog {catalog_address(settings.lake_catalog_uri)} did not do what it was asked "
        f"({type(error).__name__}): see that it runs, that its account is right, and that it is a catalog"
    )


def open_table(
    catalog: "Catalog", table: Table, columns: Sequence[str] | None = None, snapshot_id: int | None = None
) -> "IcebergTable":
    """Return a table after checking `columns` (by default all), as of the current snapshot or of `snapshot_id`.

    Raises:
        SchemaError: The table has other columns than its contract.
        LeakError: The table has a column of identifiers.
    """
    source = catalog.load_table((NAMESPACE, table.name))
    snapshot = source.snapshot_by_id(snapshot_id) if snapshot_id else None
    # pyiceberg reads a snapshot with the columns that the table had when the snapshot was made.
    then = snapshot.schema_id if snapshot else None
    schema = source.schema() if then is None else source.schemas()[then]
    require_schema(table, columns_of(schema), columns or table.column_names)
    return source


def read_days(
    catalog: "Catalog",
    table: Table,
    first: dt.date,
    last: dt.date,
    columns: Sequence[str] | None = None,
    snapshot_id: int | None = None,
) -> "pa.Table":
    """Return rows of the days `first` to `last`, both included, from the current snapshot or from `snapshot_id`.

    Raises:
        SchemaError: The table has other columns than its contract.
    """
    condition = f"day >= '{first}' and day <= '{last}'"
    return _scan(catalog, table, condition, columns, snapshot_id)


def read_batches(catalog: "Catalog", table: Table, first: dt.date, last: dt.date) -> "Iterator[pa.RecordBatch]":
    """Yield the rows of the days in pieces, for tables with days too large for memory."""
    source = open_table(catalog, table)
    condition = f"day >= '{first}' and day <= '{last}'"
    yield from source.scan(row_filter=condition, selected_fields=table.column_names).to_arrow_batch_reader()


def read_release(catalog: "Catalog", table: Table, release: str) -> "pa.Table":
    """Return the rows of one release from a table that is partitioned by release."""
    return _scan(catalog, table, f"release = '{release}'", None, None)


def _scan(
    catalog: "Catalog", table: Table, condition: str, columns: Sequence[str] | None, snapshot_id: int | None
) -> "pa.Table":
    source = open_table(catalog, table, columns, snapshot_id)
    fields = tuple(columns or table.column_names)
    return source.scan(row_filter=condition, selected_fields=fields, snapshot_id=snapshot_id).to_arrow()


def published(catalog: "Catalog", table: Table, first: dt.date, last: dt.date) -> dict[dt.date, Run]:
    """Return the newest run of each published day of a table.

    Days that have expired, or were made for another version of the table, are left out.
    """
    newest = newest_runs(catalog, table, first, last)
    return {day: run for day, run in newest.items() if not run.expired and run.version == table.version}


def newest_runs(catalog: "Catalog", table: Table, first: dt.date, last: dt.date) -> dict[dt.date, Run]:
    """Return the newest run of each day that was ever published, expired days included."""
    newest: dict[dt.date, Run] = {}
    for run in runs_of(catalog, table.name, first, last):
        known = newest.get(run.day)
        # An expired day is marked before its rows go. Its mark may have the very sequence number of the publishing run.
        if known is None or (run.sequence, run.expired) >= (known.sequence, known.expired):
            newest[run.day] = run
    return newest


def runs_of(catalog: "Catalog", name: str, first: dt.date, last: dt.date) -> list[Run]:
    """Return every row of `runs` under a name, which is a table's or that of another entry (`jobs.raw.contents`)."""
    if not catalog.table_exists((NAMESPACE, RUNS.name)):
        return []
    condition = f"table = '{name}' and day >= '{first}' and day <= '{last}'"
    rows = open_table(catalog, RUNS).scan(row_filter=condition, selected_fields=RUNS.column_names).to_arrow()
    return [Run(**row) for row in rows.to_pylist()]


def rows_by_day(
    catalog: "Catalog", table: Table, first: dt.date, last: dt.date, snapshot_id: int | None = None
) -> dict[dt.date, int]:
    """Return the rows of each day by a table's manifests, in the current snapshot or in `snapshot_id`."""
    source = open_table(catalog, table, ["day"], snapshot_id)
    position, rows = table.partition_by.index("day"), dict[dt.date, int]()
    condition = f"day >= '{first}' and day <= '{last}'"
    for task in source.scan(row_filter=condition, snapshot_id=snapshot_id).plan_files():
        day = date_of(task.file.partition[position])
        rows[day] = rows.get(day, 0) + task.file.record_count
    return rows


def snapshot_with(catalog: "Catalog", table: Table, runs: Sequence[Run]) -> int | None:
    """Return the current snapshot of a table if it holds all rows of `runs`, else None.

    Jobs use it to read rows that maintenance may delete meanwhile: the snapshot outlives the job. A table without rows
    has no snapshot and gives 0, if days without transactions are all that was published.
    """
    snapshot = catalog.load_table((NAMESPACE, table.name)).current_snapshot()
    if snapshot is None:
        return None if any(run.rows for run in runs) else 0
    days = [run.day for run in runs]
    rows = rows_by_day(catalog, table, min(days), max(days), snapshot.snapshot_id)
    return snapshot.snapshot_id if all(rows.get(run.day, 0) == run.rows for run in runs) else None


def ingested(catalog: "Catalog", first: dt.date, last: dt.date) -> dict[dt.date, dict[str, Any]]:
    """Return for each published day `rows_in`, `clean`, `quarantined` by reason, and `repaired_midnight`, in rows."""
    clean, quarantine = (published(catalog, table, first, last) for table in (CLEAN, QUARANTINE))
    return {
        day: {
            "rows_in": run.rows + quarantine[day].rows,
            "clean": run.rows,
            "quarantined": json.loads(quarantine[day].counts)["quarantined"],
            "repaired_midnight": json.loads(run.counts)["repaired_midnight"],
        }
        for day, run in sorted(clean.items())
    }


def require_days(catalog: "Catalog", table: Table, days: Sequence[dt.date]) -> dict[dt.date, Run]:
    """Return the runs of all `days` of a table.

    Raises:
        MissingDay: A day was never published, or by an earlier version; the message lists the missing ones.
    """
    runs = published(catalog, table, min(days), max(days))
    if missing := [str(day) for day in days if day not in runs]:
        shown = ", ".join(missing[:5]) + (f" and {len(missing) - 5} more" if len(missing) > 5 else "")  # noqa: PLR2004
        raise MissingDay(
            f"{table.name} of this version has no {shown}: run the lake DAG (or reprocess) for these days first"
        )
    return runs
