"""Columns of identifiers in the lake, recognised by name, because short identifiers cannot be searched for in bytes."""

from typing import TYPE_CHECKING

from antifraud.lake.catalog import open_catalog
from antifraud.lake.schemas import identifiers_among
from antifraud.settings.core import JobSettings
from jobs.leak.damage import damage_of
from jobs.leak.report import Finding, Search, Unsearchable
from jobs.spark.troubles import trouble_of

if TYPE_CHECKING:
    from pyiceberg.catalog import Catalog


def identifier_columns(settings: JobSettings) -> Search:
    """Return the columns, also nested ones, with the name of a raw identifier in any table of the lake's catalog."""
    result = Search()
    if settings.catalog_file and not settings.catalog_file.exists():
        return result  # Opening the catalog would create it.
    catalog = open_catalog(settings)
    for space in catalog.list_namespaces():
        for name in catalog.list_tables(space):
            result.add(_columns_of(settings, catalog, name))
    return result


def _columns_of(settings: JobSettings, catalog: "Catalog", name: tuple[str, ...]) -> Search:
    table = f"table {'.'.join(name)}"
    try:
        columns = catalog.load_table(name).schema().column_names
    except Exception as error:
        if trouble_of(error, settings):
            raise
        missing = isinstance(error, FileNotFoundError)
        reason = "its metadata file is missing" if missing else str(damage_of(error, "metadata"))
        return Search([], [Unsearchable(table, "", reason)])
    leaking = [column for column in columns if identifiers_among([column.rpartition(".")[2]])]
    return Search([Finding(table, column, 1) for column in leaking])
