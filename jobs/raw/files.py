"""Raw files as bytes and lines of text: whether a file can be read at all, and whether it changes meanwhile."""

from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Final, NamedTuple

from antifraud.errors import RawFileError
from antifraud.files import sha256_of
from antifraud.lake.feed import RawFile
from antifraud.lake.known_files import Stamp, stamp_of
from antifraud.lake.raw_lines import require_readable, width_of
from antifraud.lake.raw_text import refuse_unreadable

DIGEST_THREADS: Final = 2


class Refusal(NamedTuple):
    """A raw file that cannot be read, and why; the reason names the file."""

    file: RawFile
    reason: str


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
    return {file.path.name: stamp_of(file.path) for file in files}


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


def widths_of(paths: Iterable[Path]) -> dict[str, int]:
    """Return the number of columns of each file by its name, as its header tells.

    Raises:
        RawFileError: A file cannot be read.
    """
    widths = {}
    for path in paths:
        with refuse_unreadable(path):
            widths[path.name] = width_of(path)
    return widths


def _checksum(file: RawFile) -> str | Refusal:
    try:
        require_readable(file.path)
        with refuse_unreadable(file.path):
            return sha256_of(file.path)
    except RawFileError as error:
        return Refusal(file, str(error))
