"""Raw files as bytes and lines of text: whether a file can be read at all, and whether it changes meanwhile."""

import gzip
import zlib
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from io import BufferedReader, RawIOBase
from itertools import islice
from pathlib import Path
from typing import BinaryIO, Final, cast

from antifraud.errors import RawFileError
from antifraud.files import sha256_of
from antifraud.lake.feed import RawFile
from antifraud.lake.known_files import Stamp, stamp_of
from antifraud.lake.schemas import RAW

HEADER: Final = RAW.header
PIECE: Final = 1 << 20
DIGEST_THREADS: Final = 2
DAMAGED: Final = (EOFError, gzip.BadGzipFile, zlib.error)


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
    return {file.path.name: stamp_of(file.path) for file in files}


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


def text_lines(path: Path) -> Iterator[bytes]:
    """Yield the lines of a file's text without their ends, header first; a line longer than `PIECE` in pieces."""
    with _opened(path) as source:
        while line := source.readline(PIECE):
            yield line.rstrip(b"\n")


def has_rows(path: Path) -> bool:
    """Return whether a line follows the header."""
    return next(islice(text_lines(path), 1, None), None) is not None


def _checksum(file: RawFile) -> str:
    _check_header(file.path)
    # A cut gzip file fails only at its end. Spark would fail there too, but in the middle of a job and without a name.
    if file.path.suffix == ".gz":
        _read_through(file.path)
    return sha256_of(file.path)


def _check_header(path: Path) -> None:
    try:
        with _opened(path) as source:
            line = source.readline(PIECE)
    except DAMAGED as error:
        raise RawFileError(f"{path.name}, byte 0: not a gzip file ({error}): deliver it again") from None
    if not line:
        raise RawFileError(f"{path.name}, line 1: the file is empty, a header was expected: deliver it again")
    if line.rstrip(b"\n") != HEADER.encode():
        columns, wanted = len(line.split(b"|")), len(RAW.columns)
        raise RawFileError(
            f"{path.name}, line 1: not the header of the contract ({columns} columns found, {wanted} expected): "
            "deliver the file as text with its header"
        )


def _read_through(path: Path) -> None:
    position = 0
    try:
        with _opened(path) as source:
            while piece := source.read(PIECE):
                position += len(piece)
    except DAMAGED as error:
        raise RawFileError(
            f"{path.name}, byte {position} of the text: cut or damaged ({type(error).__name__}): deliver it again"
        ) from None


@contextmanager
def _opened(path: Path) -> Iterator[BinaryIO]:
    # Buffered, because the stream of a file in S3 cannot limit the length of a line.
    with path.open("rb") as stream, BufferedReader(cast("RawIOBase", stream)) as source:
        if path.suffix != ".gz":
            yield source
        else:
            with gzip.open(source) as text:
                yield cast("BinaryIO", text)
