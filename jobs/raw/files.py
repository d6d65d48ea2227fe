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
from antifraud.lake.raw_text import refuse_unreadable, status_of

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
        recorded: When the disk recorded the last write in ns, which no program can set back; 0 in S3.
    """

    size: int
    changed: int
    version: str
    recorded: int


class Refusal(NamedTuple):
    """A raw file that cannot be read, and why; the reason names the file."""

    file: RawFile
    reason: str


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
    """Return the stamp of each file by name.

    Raises:
        RawFileError: A file is gone, or it is a folder, a pipe or a device.
    """
    return {file.path.name: _stamp(status_of(file.path)) for file in files}


def inspect(files: Sequence[RawFile]) -> tuple[dict[str, Stamp], list[Refusal]]:
    """Return `stamps` as far as there are any, and a refusal for each other file."""
    found: dict[str, Stamp] = {}
    refused = []
    for file in files:
        try:
            found |= stamps([file])
        except RawFileError as error:
            refused.append(Refusal(file, str(error)))
    return found, refused


def _stamp(status: Any) -> Stamp:
    if hasattr(status, "as_info"):
        return Stamp(status.st_size, status.st_mtime_ns, str(status.as_info().get("ETag")), 0)
    # rsync, cp -p and touch set the time of change, so a correction in place may have the same one.
    return Stamp(status.st_size, status.st_mtime_ns, str(status.st_ino), status.st_ctime_ns)


def checksums(files: Sequence[RawFile], known: Mapping[str, str]) -> tuple[dict[str, str], list[Refusal]]:
    """Return the SHA-256 of each file by name, and the files that cannot be read to their ends; skip `known` ones.

    A file is refused if it is empty, has another header, or is a damaged or cut archive.
    """
    unread = [file for file in files if file.path.name not in known]
    # Threads suffice: reading and hashing release the interpreter's lock.
    with ThreadPoolExecutor(DIGEST_THREADS) as pool:
        results = list(pool.map(_checksum, unread))
    sums = {file.path.name: result for file, result in zip(unread, results, strict=True) if isinstance(result, str)}
    return {**known, **sums}, [result for result in results if isinstance(result, Refusal)]


def _checksum(file: RawFile) -> str | Refusal:
    try:
        require_readable(file.path)
        with refuse_unreadable(file.path):
            return sha256_of(file.path)
    except RawFileError as error:
        return Refusal(file, str(error))
