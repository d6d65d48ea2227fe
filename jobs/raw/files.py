"""Raw files: the days that each covers by its name, and whether it can be read at all."""

import datetime as dt
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, NamedTuple

from antifraud.clock import ONE_DAY, days_between
from antifraud.errors import MissingDay, RawFileError
from antifraud.files import sha256_of
from antifraud.lake.feed import files_in
from antifraud.lake.raw_lines import require_readable

DIGEST_THREADS: Final = 2


@dataclass(frozen=True, slots=True)
class RawFile:
    """A raw file that covers the days from `first` up to, but without, `end`.

    A delivery that was cut a little late overlaps into the day `end`.
    """

    path: Path
    first: dt.date
    end: dt.date

    def covers(self, day: dt.date) -> bool:
        """Return whether rows of `day` belong into this file."""
        return self.first <= day < self.end

    @property
    def days(self) -> list[dt.date]:
        """The days that it covers."""
        return days_between(self.first, self.end - ONE_DAY)


class Stamp(NamedTuple):
    """A file's status: if it differs from an earlier one, somebody has written to the file.

    Attributes:
        size: Bytes.
        changed: Time of the last change in ns; S3 tells it in whole seconds only.
        version: Inode of a file on a disk; in S3 the entity tag, which depends on the content.
    """

    size: int
    changed: int
    version: str


def discover(folder: Path) -> list[RawFile]:
    """Return the raw files of a folder in the order of their days; files of other names are ignored.

    Raises:
        RawFileError: A name is no calendar day, or two files begin on one day.
    """
    return [RawFile(folder / file.name, file.first, file.end) for file in files_in(folder)]


def files_of(files: Sequence[RawFile], days: Sequence[dt.date]) -> list[RawFile]:
    """Return the files that cover `days`.

    Raises:
        MissingDay: No file covers one of the days.
    """
    _require_covered(files, days)
    return [file for file in files if any(file.covers(day) for day in days)]


def files_to_read(files: Sequence[RawFile], days: Sequence[dt.date]) -> list[RawFile]:
    """Return the files that may hold rows of `days`: files that cover one, and files that end just before one.

    Raises:
        MissingDay: No file covers one of the days.
    """
    _require_covered(files, days)
    return [file for file in files if any(file.covers(day) or file.end == day for day in days)]


def _require_covered(files: Sequence[RawFile], days: Sequence[dt.date]) -> None:
    if missing := [str(day) for day in days if not any(file.covers(day) for file in files)]:
        raise MissingDay(f"no raw file covers {', '.join(missing[:5])}: deliver it, or leave the day out of the range")


def require_unchanged(files: Sequence[RawFile], before: Mapping[str, Stamp]) -> None:
    """Refuse files that somebody wrote to since their `stamps` were taken.

    Raises:
        RawFileError: A file has grown, shrunk, or was replaced.
    """
    for name, stamp in stamps(files).items():
        if stamp != before[name]:
            raise RawFileError(
                f"{name} had {before[name].size} bytes and has {stamp.size} now: it changed while it was read, nothing "
                "was published; deliver under another name, rename when complete, and run again"
            )


def stamps(files: Sequence[RawFile]) -> dict[str, Stamp]:
    """Return the stamp of each file by name."""
    return {file.path.name: _stamp(file.path.stat()) for file in files}


def _stamp(status: Any) -> Stamp:
    of_object = status.as_info() if hasattr(status, "as_info") else {}
    return Stamp(status.st_size, status.st_mtime_ns, str(of_object.get("ETag") or status.st_ino))


def checksums(files: Sequence[RawFile], known: Mapping[str, str] | None = None) -> dict[str, str]:
    """Return the SHA-256 of each file by name, after checking that it can be read to its end; skip `known` ones.

    Raises:
        RawFileError: A file is empty, has another header, or is a damaged or cut gzip file.
    """
    sums = dict(known or {})
    unread = [file for file in files if file.path.name not in sums]
    # Threads suffice: reading and hashing release the interpreter's lock.
    with ThreadPoolExecutor(DIGEST_THREADS) as pool:
        return sums | dict(zip((file.path.name for file in unread), pool.map(_checksum, unread), strict=True))


def _checksum(file: RawFile) -> str:
    require_readable(file.path)
    return sha256_of(file.path)
