"""Raw files that ingest has read before, from the table `files`: their checksums, and how many rows each day has.

Planning needs no Spark and reads no raw file. A file is known by its status, or, once it was hashed, by its checksum.
"""

import datetime as dt
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, Self

from antifraud.errors import RawFileError
from antifraud.lake.catalog import open_catalog, open_table
from antifraud.lake.coverage import DayRows, DaysRead
from antifraud.lake.feed import RawFile, discover, files_to_read
from antifraud.lake.raw_text import status_of
from antifraud.lake.schemas import FILES, NAMESPACE
from antifraud.lake.storage import raw_folder
from antifraud.settings.core import JobSettings

if TYPE_CHECKING:
    from pyiceberg.catalog import Catalog


class Stamp(NamedTuple):
    """A file's status: if it differs from an earlier one, somebody may have written to the file.

    Attributes:
        size: Bytes.
        modified: Time of the last write in ns; S3 tells it in whole seconds only.
        changed: Time of the last change of content or status in ns, which nobody can set back; None in S3.
        version: Inode of a file on a disk; in S3 the entity tag, which depends on the content.
    """

    size: int
    modified: int
    changed: int | None
    version: str


@dataclass(frozen=True, slots=True)
class KnownFile:
    """A row of the table `files`; `days` is None if only the overlap of the file was read."""

    path: str
    stamp: Stamp
    sha256: str
    days: DaysRead | None = None

    @classmethod
    def of(cls, row: Mapping[str, Any]) -> Self:
        """Return the row of the table."""
        read = {one["day"]: DayRows(*(one[name] for name in DayRows._fields)) for one in row["days"]}
        stamp = Stamp(*(row[name] for name in Stamp._fields))
        return cls(row["path"], stamp, row["sha256"], read if row["whole"] else None)

    @property
    def values(self) -> tuple[Any, ...]:
        """The values of the row, in the order of the table's columns."""
        days = [(day, *rows) for day, rows in sorted((self.days or {}).items())]
        return self.path, *self.stamp, self.sha256, self.days is not None, days


@dataclass(frozen=True, slots=True)
class KnownFiles:
    """The table `files`, by status and by checksum."""

    sums: Mapping[tuple[str, Stamp], str] = field(default_factory=dict)
    days: Mapping[tuple[str, str], DaysRead] = field(default_factory=dict)

    @classmethod
    def of(cls, files: Sequence[KnownFile]) -> Self:
        """Return rows of the table in this form."""
        sums = {(file.path, file.stamp): file.sha256 for file in files}
        return cls(sums, {(file.path, file.sha256): file.days for file in files if file.days is not None})

    def settle(self, file: RawFile, stamp: Stamp) -> RawFile:
        """Return a file with the days that its rows tell, if the version of this status was read before."""
        sha256 = self.sums.get((file.path.name, stamp))
        return file if sha256 is None else self.settle_by_sum(file, sha256)

    def settle_by_sum(self, file: RawFile, sha256: str) -> RawFile:
        """Return a file with the days that its rows tell, if the version of this checksum was read before."""
        days = self.days.get((file.path.name, sha256))
        return file if days is None else file.as_read(days)


def known_files(catalog: "Catalog") -> KnownFiles:
    """Return the table `files`, or nothing if the lake has no such table yet."""
    if not catalog.table_exists((NAMESPACE, FILES.name)):
        return KnownFiles()
    rows = open_table(catalog, FILES).scan(selected_fields=FILES.column_names).to_arrow().to_pylist()
    return KnownFiles.of([KnownFile.of(row) for row in rows])


def stamp_of(path: Path) -> Stamp:
    """Return the status of a file on a disk or in S3.

    Raises:
        RawFileError: The entry is no file, or is gone.
    """
    status: Any = status_of(path)
    if hasattr(status, "as_info"):
        return Stamp(status.st_size, status.st_mtime_ns, None, str(status.as_info()["ETag"]))
    return Stamp(status.st_size, status.st_mtime_ns, status.st_ctime_ns, str(status.st_ino))


def files_by_rows(settings: JobSettings, days: Iterable[dt.date]) -> list[RawFile]:
    """Return the raw files that may hold rows of `days`, with the days that the rows of known files tell.

    Files that cannot hold such rows by their names are not looked at: each costs a request in S3.
    """
    near = files_to_read(discover(raw_folder(settings)), days)
    # The sensor may ask before the first job has made a lake, and must not create its catalog.
    if settings.catalog_file is not None and not settings.catalog_file.exists():
        return near
    known = known_files(open_catalog(settings)) if near else KnownFiles()
    return [_settled(known, file) for file in near]


def _settled(known: KnownFiles, file: RawFile) -> RawFile:
    try:
        return known.settle(file, stamp_of(file.path))
    except RawFileError:
        return file  # The entry covers days by its name, and ingest refuses it when it reads them.
