"""Catalog and warehouse as rows and files: locations of tables, paths in their metadata, files that are there.

They are read without Spark and without opening a table, so that a foreign lake can be checked too. Functions that call
pyiceberg and SQLAlchemy import them themselves.
"""

import os
import re
from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any, Final

from antifraud.errors import ForeignLake
from antifraud.lake.schemas import CATALOG
from antifraud.lake.storage import file_properties, warehouse_folder
from antifraud.settings.core import JobSettings
from antifraud.settings.locations import S3, is_remote

if TYPE_CHECKING:
    from pyiceberg.catalog.sql import SqlCatalog
    from pyiceberg.io import FileIO
    from pyiceberg.table.metadata import TableMetadata

IDENTITY: Final = "lake.json"
"""File of the warehouse with the lake's identity (`antifraud/lake/identity.py`), next to the namespace's folder."""
UNFINISHED: Final = f".{IDENTITY}-"
"""Prefix of that file while it is written."""
VERSION: Final = re.compile(r"/(\d+)-[^/]*\.metadata\.json$")
TableName = tuple[str, str]


def has_tables(catalog: "SqlCatalog") -> bool:
    """Return whether the database has the tables of an Iceberg catalog; before this check it may be any database."""
    from pyiceberg.catalog.sql import IcebergNamespaceProperties, IcebergTables
    from sqlalchemy import inspect

    inspected = inspect(catalog.engine)
    return all(inspected.has_table(each.__tablename__) for each in (IcebergTables, IcebergNamespaceProperties))


def table_locations(catalog: "SqlCatalog") -> dict[TableName, str]:
    """Return the location of every table's metadata, read from the catalog's rows alone."""
    from pyiceberg.catalog.sql import IcebergTables
    from sqlalchemy import select
    from sqlalchemy.orm import Session

    if not has_tables(catalog):
        return {}
    columns = (IcebergTables.table_namespace, IcebergTables.table_name, IcebergTables.metadata_location)
    rows = select(*columns).where(IcebergTables.catalog_name == CATALOG)
    with Session(catalog.engine) as session:
        return {(space, name): str(location) for space, name, location in session.execute(rows)}


def file_io(settings: JobSettings, location: str) -> "FileIO":
    """Return pyiceberg's access to files at a location, with the account of the lake."""
    from pyiceberg.io import load_file_io

    return load_file_io({**file_properties(settings)}, location)


def read_bytes(settings: JobSettings, location: str) -> bytes | None:
    """Return the content of a file of the lake; None if there is no such file."""
    try:
        with file_io(settings, location).new_input(location).open() as source:
            return bytes(source.read())
    except (FileNotFoundError, NotADirectoryError):
        return None


def write_bytes(settings: JobSettings, location: str, content: bytes) -> None:
    """Write a file of the lake, replacing one of the same name."""
    with file_io(settings, location).new_output(location).create(overwrite=True) as target:
        target.write(content)


def read_metadata(settings: JobSettings, location: str) -> "TableMetadata":
    """Return the metadata of a table from a file.

    Raises:
        ForeignLake: The file is missing or damaged, or this user may not read it.
    """
    from pyiceberg.exceptions import ValidationError
    from pyiceberg.serializers import FromInputFile

    try:
        return FromInputFile.table_metadata(file_io(settings, location).new_input(location))
    except (FileNotFoundError, PermissionError, ValidationError, ValueError) as error:
        unreadable = "not there" if isinstance(error, FileNotFoundError) else "not readable for this user"
        what = unreadable if isinstance(error, OSError) else "damaged"
        raise ForeignLake(
            f"the catalog names {location}, which is {what}: restore the warehouse, or correct the settings"
        ) from None


def newer_metadata(warehouse: str, tables: Mapping[TableName, str], present: Iterable[str]) -> str | None:
    """Return a metadata file among `present` that is newer than the catalog's version of its table, if there is one.

    Then the catalog was restored from an older backup, or another catalog has gone on with the warehouse.
    """
    newest = {f"{warehouse}/{space}/{name}/metadata/": _version(at) for (space, name), at in tables.items()}
    for path in present:
        folder = f"{path.rpartition('/')[0]}/"
        if folder in newest and _version(path) > newest[folder]:
            return path
    return None


def _version(path: str) -> int:
    version = VERSION.search(path)
    return int(version[1]) if version else -1


def is_path_property(name: str) -> bool:
    """Return whether a property of a table is a folder for its files.

    >>> is_path_property("write.data.path"), is_path_property("write.format.default")
    (True, False)
    """
    return name.startswith("write.") and name.endswith("path")


def paths_of_metadata(metadata: "TableMetadata") -> list[str]:
    """Return every path in a table's metadata: its folders, manifest lists, statistics and older metadata."""
    paths = [metadata.location]
    paths += [text for name, text in metadata.properties.items() if is_path_property(name)]
    paths += [snapshot.manifest_list for snapshot in metadata.snapshots if snapshot.manifest_list]
    paths += [entry.metadata_file for entry in metadata.metadata_log]
    statistics = [*metadata.statistics, *metadata.partition_statistics]
    return paths + [each.statistics_path for each in statistics]


def files_below(settings: JobSettings, *folders: str) -> Iterator[str]:
    """Yield the location of every file in the warehouse, or in a folder of it, without following symbolic links.

    The lake's identity is left out, and so are the markers that consoles of S3 make for folders.
    """
    folder = warehouse_folder(settings).joinpath(*folders)
    if is_remote(settings.lake_warehouse):
        place: Any = folder  # a UPath
        keys = (key for key in place.fs.find(place.path) if not key.endswith("/") and key != place.path)
        locations = (f"{S3}://{key}" for key in keys)
    else:
        locations = (os.path.join(where, name) for where, _, names in os.walk(folder) for name in names)  # noqa: PTH118
    own = (f"{settings.lake_warehouse}/{IDENTITY}", f"{settings.lake_warehouse}/{UNFINISHED}")
    yield from (location for location in locations if location != own[0] and not location.startswith(own[1]))
