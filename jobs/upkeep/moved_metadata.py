"""A table's metadata for another place: metadata file, manifest lists and manifests, with paths of the new warehouse.

All of them are new files next to the old ones. Data files stay as they are, and snapshots keep ids, tags and order.
"""

import gzip
import hashlib
import io
import json
import uuid
from collections.abc import Callable, Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from functools import partial
from typing import Any, Final

import fastavro

from antifraud.errors import ForeignLake, LakeNotAdopted
from antifraud.lake.warehouse import is_path_property, paths_of_metadata, read_metadata
from antifraud.settings.core import JobSettings
from antifraud.settings.locations import is_below, normalise_scheme
from jobs.upkeep.lake_files import Record, content_of, decode_records

DATA: Final = 0
"""Content of a manifest of data files. Delete files, which no job writes, hold paths in their rows."""
DELETED: Final = 2
"""Status of a file that a snapshot no longer has."""
GZIP: Final = b"\x1f\x8b"


@dataclass(frozen=True, slots=True)
class Move:
    """A move from one warehouse to another, which belongs to `lake` (a UUID).

    >>> Move("/srv/lake", "s3a://lake/copy", "").here("file:/srv/lake/antifraud/runs")
    's3a://lake/copy/antifraud/runs'
    """

    old: str
    new: str
    lake: str

    def here(self, path: str) -> str:
        """Return where a file of the old warehouse is now.

        Raises:
            ForeignLake: The file lay outside the old warehouse.
        """
        if not is_below(path, self.old):
            raise ForeignLake(f"{path} does not lie in {self.old} as the other tables do: nothing was changed")
        return self.new + normalise_scheme(path)[len(self.old) :]


@dataclass(frozen=True, slots=True)
class Written:
    """A table's metadata for the new place.

    Attributes:
        location: Location of the old metadata file.
        metadata: Location of the new metadata file.
        files: Content of each new file by its path.
    """

    location: str
    metadata: str
    files: Mapping[str, bytes]


def write_anew(settings: JobSettings, move: Move, location: str, present: AbstractSet[str]) -> Written:
    """Return a table's metadata with the paths of the new place; `location` is where the catalog has it.

    Raises:
        LakeNotAdopted: A file that the metadata names is not `present`.
        ForeignLake: A path lies outside the old warehouse, or the table has delete files.
    """
    read_metadata(settings, move.here(location))  # refuses a damaged file with its name
    document = _document(content_of(settings, move.here(location)))
    files: dict[str, bytes] = {}
    known: dict[str, tuple[str, int]] = {}
    with_file = partial(_with_file, move, present)

    def with_manifest(entry: Record) -> Record:
        path = entry["manifest_path"]
        if entry.get("content", DATA) != DATA:
            raise ForeignLake(f"{path} lists files of deletes, which hold paths in their rows: compact the table first")
        if path not in known:
            content = _changed(settings, move.here(path), with_file)
            known[path] = _beside(move, path), len(content)
            files[known[path][0]] = content
        return {**entry, "manifest_path": known[path][0], "manifest_length": known[path][1]}

    for snapshot in document["snapshots"]:
        path = snapshot["manifest-list"]
        snapshot["manifest-list"] = _beside(move, path)
        files[snapshot["manifest-list"]] = _changed(settings, move.here(path), with_manifest)
    metadata = next_metadata(move, location)
    files[metadata] = json.dumps(_at_new_place(document, move)).encode()
    _require_moved(files[metadata], move)
    return Written(location, metadata, files)


def _with_file(move: Move, present: AbstractSet[str], entry: Record) -> Record:
    """Return the record of a data file at its new place."""
    path = move.here(entry["data_file"]["file_path"])
    if entry["status"] != DELETED and path not in present:
        copying = "copy the catalog first and then the whole warehouse, while no job runs"
        advice = "restore it from the backup" if move.old == move.new else copying
        raise LakeNotAdopted(f"{path} is not there and the lake needs it: {advice}, and adopt again")
    return {**entry, "data_file": {**entry["data_file"], "file_path": path}}


def _document(content: bytes) -> dict[str, Any]:
    document: dict[str, Any] = json.loads(gzip.decompress(content) if content.startswith(GZIP) else content)
    return document


def _at_new_place(document: dict[str, Any], move: Move) -> dict[str, Any]:
    """Return a metadata file for the new place. Its log of older metadata goes, because these have the old paths."""
    statistics = {
        name: [{**each, "statistics-path": move.here(each["statistics-path"])} for each in document.get(name, ())]
        for name in ("statistics", "partition-statistics")
    }
    properties = {
        name: move.here(value) if is_path_property(name) and is_below(value, move.old) else value
        for name, value in document.get("properties", {}).items()
    }
    return {
        **document, **statistics, "location": move.here(document["location"]), "properties": properties,
        "metadata-log": [],
    }  # fmt: skip


def _require_moved(content: bytes, move: Move) -> None:
    """Refuse a new metadata file that still names another place, before anything is written."""
    from pyiceberg.table.metadata import TableMetadataUtil

    for path in paths_of_metadata(TableMetadataUtil.parse_raw(content.decode())):
        if not is_below(path, move.new):
            raise ForeignLake(f"{path} would still lie outside {move.new}: set that property of the table anew first")


def _beside(move: Move, path: str) -> str:
    """Return the path of a file's new version, which replaces no other file."""
    folder, _, name = move.here(path).rpartition("/")
    return f"{folder}/{move.lake[:8]}-{name}"


def next_metadata(move: Move, location: str) -> str:
    """Return the path of the new metadata; Iceberg tells versions by the number at the beginning of the name."""
    folder, _, name = move.here(location).rpartition("/")
    number = name.partition("-")[0]
    version = int(number) + 1 if number.isdecimal() else 0
    return f"{folder}/{version:05}-{uuid.uuid5(uuid.UUID(move.lake), name)}.metadata.json"


def _changed(settings: JobSettings, path: str, change: Callable[[Record], Record]) -> bytes:
    """Return an Avro file with every record changed; schema, codec and the writer's notes stay.

    The same content gives the same bytes, so that a repeat after a kill writes the same files.
    """
    content = content_of(settings, path)
    changed = [change(record) for record in decode_records(path, content)]
    source, target = fastavro.reader(io.BytesIO(content)), io.BytesIO()
    schema = json.loads(source.metadata["avro.schema"])
    notes = {name: text for name, text in source.metadata.items() if not name.startswith("avro.")}
    marker = hashlib.sha256(content).digest()[:16]
    fastavro.writer(target, schema, changed, codec=source.codec, metadata=notes, sync_marker=marker)
    return target.getvalue()
