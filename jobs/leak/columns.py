"""Columns of identifiers in the lake, recognised by name, because short identifiers cannot be searched for in bytes."""

from antifraud.lake.catalog import open_catalog
from antifraud.lake.schemas import identifiers_among
from antifraud.settings.core import JobSettings
from jobs.leak.report import Finding


def identifier_columns(settings: JobSettings) -> list[Finding]:
    """Return the columns, also nested ones, with the name of a raw identifier in any table of the lake's catalog."""
    if settings.catalog_file and not settings.catalog_file.exists():
        return []  # Opening the catalog would create it.
    catalog = open_catalog(settings)
    findings = []
    for space in catalog.list_namespaces():
        for name in catalog.list_tables(space):
            columns = catalog.load_table(name).schema().column_names
            leaking = [column for column in columns if identifiers_among([column.rpartition(".")[2]])]
            findings += [Finding(f"table {'.'.join(name)}", column, 1) for column in leaking]
    return findings
