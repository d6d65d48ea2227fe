"""Files that a table's metadata leads to, read from Iceberg's manifests without Spark.

Maintenance checks all of them before it removes one, and `jobs/adopt.py` before it writes new manifests.
"""

import io
import os
import struct
import time
import zlib
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import fastavro

from antifraud.errors import ForeignLake, ForeignPath
from antifraud.files import require_below
from antifraud.lake.ownership import ADOPT, require_no_lake_inside
from antifraud.lake.warehouse import (
    TableName,
    files_below,
    newer_metadata,
    paths_of_metadata,
    read_bytes,
    read_metadata,
    table_locations,
)
from antifraud.settings.core import JobSettings
from antifraud.settings.locations import is_below, is_remote

if TYPE_CHECKING:
    from pyiceberg.catalog.sql import SqlCatalog
    from pyiceberg.table.metadata import TableMetadata

Record = dict[str, Any]
COMMIT_PAUSES: Final = (1.0, 5.0, 0.0)
DAMAGED: Final = (ValueError, EOFError, KeyError, IndexError, TypeError, AttributeError, struct.error, zlib.error)
"""Exceptions of decoding an Avro file that is cut off or overwritten."""


def require_removable(settings: JobSettings, catalog: "SqlCatalog") -> None:
    """Refuse a lake in which maintenance could remove something that does not belong to the settings.

    Raises:
        ForeignPath: A snapshot refers to a file outside the warehouse, the warehouse has a symbolic link, or exported
            states lie outside the home.
        ForeignLake: Another lake lies in the warehouse, or the catalog is older than the warehouse.
    """
    if settings.state_dir.exists():
        require_below(settings.home, [settings.state_dir])
    if not is_remote(settings.lake_warehouse):
        _require_no_links(Path(settings.lake_warehouse))
    present = list(files_below(settings))
    require_no_lake_inside(settings, present)
    _require_newest_catalog(settings, catalog, present)
    for table in table_locations(catalog):
        _require_files_inside(settings, catalog, table)


def _require_newest_catalog(settings: JobSettings, catalog: "SqlCatalog", present: Sequence[str]) -> None:
    """Refuse a catalog that is older than the warehouse: files that it does not know yet would count as orphans.

    A job that commits now writes its metadata a moment before its row. So the rows are read after the files, and again
    after a pause.
    """
    for pause in COMMIT_PAUSES:
        newer = newer_metadata(settings.lake_warehouse, table_locations(catalog), present)
        if newer is None:
            return
        time.sleep(pause)
    raise ForeignLake(
        f"{newer} is newer than what the catalog knows: nothing was removed; restore the newest catalog, or, if a job "
        "was killed while it committed, remove that file"
    )


def _require_files_inside(settings: JobSettings, catalog: "SqlCatalog", table: TableName) -> None:
    """Refuse a table with files outside the warehouse; read again if another job removes a file meanwhile."""
    location = table_locations(catalog)[table]
    try:
        outside = [path for path in files_of(settings, read_metadata(settings, location))
                   if not is_below(path, settings.lake_warehouse)]  # fmt: skip
    except ForeignLake:
        if table_locations(catalog)[table] == location:
            raise
        return _require_files_inside(settings, catalog, table)
    if outside:
        raise ForeignPath(
            f"table {'.'.join(table)} refers to {outside[0]}, outside the warehouse {settings.lake_warehouse}: nothing "
            f"was removed; if the lake was copied or moved, make it one of its own with {ADOPT}"
        )
    return None


def _require_no_links(warehouse: Path) -> None:
    """Refuse symbolic links: by its second name a file would count as an orphan, and be removed where it is."""
    for folder, folders, files in os.walk(warehouse):
        for name in (*folders, *files):
            if (path := Path(folder, name)).is_symlink():
                raise ForeignPath(
                    f"{path} is a symbolic link in the warehouse: nothing was removed; put what it leads to there"
                )


def files_of(settings: JobSettings, metadata: "TableMetadata") -> Iterator[str]:
    """Yield each path that a table's metadata leads to, each manifest once, data files last."""
    yield from paths_of_metadata(metadata)
    seen: set[str] = set()
    for snapshot in metadata.snapshots:
        for manifest in records_of(settings, snapshot.manifest_list):
            if manifest["manifest_path"] not in seen:
                seen.add(manifest["manifest_path"])
                yield manifest["manifest_path"]
    for path in sorted(seen):
        yield from (entry["data_file"]["file_path"] for entry in records_of(settings, path))


def records_of(settings: JobSettings, path: str) -> list[Record]:
    """Return the records of a manifest or a manifest list.

    Raises:
        ForeignLake: The file is missing or damaged.
    """
    return decode_records(path, content_of(settings, path))


def decode_records(path: str, content: bytes) -> list[Record]:
    """Return the records of an Avro file; `path` names it in the error.

    Raises:
        ForeignLake: The file is damaged.
    """
    try:
        return [record for record in fastavro.reader(io.BytesIO(content)) if isinstance(record, dict)]
    except DAMAGED:
        raise ForeignLake(f"the lake's metadata names {path}, which is damaged: restore the warehouse") from None


def content_of(settings: JobSettings, path: str) -> bytes:
    """Return the content of a file that the lake's metadata names.

    Raises:
        ForeignLake: The file is missing.
    """
    content = read_bytes(settings, path)
    if content is None:
        raise ForeignLake(
            f"the lake's metadata names {path}, which is not there: restore the warehouse from its backup"
        )
    return content
