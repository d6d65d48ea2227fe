"""The text of raw files, plain or gzipped: its lines, its header, and whether it can be read to the end.

Carriage returns before a line feed, a byte-order mark before the header and NULs at the end of the file are artefacts
of editors and disks. They are no part of any line. `jobs/raw/lines.py` does the same for Spark.
"""

import codecs
import gzip
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from io import BufferedReader, RawIOBase
from itertools import islice
from pathlib import Path
from typing import Any, Final, cast

from antifraud.errors import RawFileError
from antifraud.lake.raw_faults import header_fault
from antifraud.lake.schemas import RAW

HEADER: Final = RAW.header
PIECE: Final = 1 << 20
LONGEST_LINE: Final = 64 << 20
"""Bytes. A longer line would have to be held in memory, and no raw file has one."""
DAMAGED: Final = (EOFError, gzip.BadGzipFile, zlib.error)
LINE_END: Final = b"\r\n"
PADDING: Final = b"\0"


def text_lines(path: Path) -> Iterator[bytes]:
    """Yield the lines of a file without their ends, header first.

    Raises:
        RawFileError: A line is longer than `LONGEST_LINE`.
    """
    with _opened(path) as source:
        line, number = source.readline(LONGEST_LINE + 1).removeprefix(codecs.BOM_UTF8), 1
        while line:
            if len(line) > LONGEST_LINE:
                raise RawFileError(
                    f"{path.name}, line {number}: more than {LONGEST_LINE >> 20} MiB without a line feed found, one "
                    "transaction a line expected: deliver the file as text"
                )
            text = line.rstrip(LINE_END)
            if text.endswith(PADDING) and not source.peek(1):
                text = text.rstrip(LINE_END + PADDING)
                # A last line of nothing but NULs is the rest of a block of the disk.
                if not text:
                    return
            yield text
            line, number = source.readline(LONGEST_LINE + 1), number + 1


def line_of(path: Path, number: int) -> bytes:
    """Return one line of a file without its end; the header is line 1."""
    return next(islice(text_lines(path), number - 1, None))


def has_rows(path: Path) -> bool:
    """Return whether any line follows the header."""
    return next(islice(text_lines(path), 1, None), None) is not None


def require_readable(path: Path) -> None:
    """Refuse a file that cannot be read to its end, or that begins with another header.

    Raises:
        RawFileError: The file is empty, has another header, or is a damaged or cut gzip file.
    """
    _check_header(path)
    # A cut gzip file fails only at its end. Spark would fail there too, but in the middle of a job and without a name.
    if path.suffix == ".gz":
        _read_through(path)


def _check_header(path: Path) -> None:
    try:
        with _opened(path) as source:
            line = source.readline(PIECE)
    except DAMAGED as error:
        raise RawFileError(f"{path.name}, byte 0: not a gzip file ({error}): deliver it again") from None
    if not line:
        raise RawFileError(f"{path.name}, line 1: the file is empty, a header was expected: deliver it again")
    header = line.removeprefix(codecs.BOM_UTF8).rstrip(LINE_END + PADDING)
    if header != HEADER.encode():
        raise RawFileError(
            f"{path.name}, line 1: not the header of the contract ({header_fault(header)}): deliver the file as text "
            "with its header"
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
def _opened(path: Path) -> Iterator["BufferedReader[Any]"]:
    # Buffered, because the stream of a file in S3 cannot limit the length of a line.
    with path.open("rb") as stream, BufferedReader(cast("RawIOBase", stream)) as source:
        if path.suffix != ".gz":
            yield source
        else:
            with gzip.open(source) as text:
                yield cast("BufferedReader[Any]", text)
