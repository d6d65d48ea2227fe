"""The lines of raw files, plain or compressed: their header, and whether a file can be read to the end.

Carriage returns before a line feed, a byte-order mark before the header and NULs at the end of the file are artefacts
of editors and disks. They are no part of any line. `jobs/raw/lines.py` does the same for Spark.
"""

import codecs
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Final

from antifraud.errors import RawFileError
from antifraud.lake.raw_faults import header_fault
from antifraud.lake.raw_text import ARCHIVE, open_text, refuse_unreadable
from antifraud.lake.schemas import RAW

HEADER: Final = RAW.header
WIDTHS: Final = {RAW.header_of(width).encode(): width for width in RAW.widths}
"""Number of columns by header."""
PIECE: Final = 1 << 20
LONGEST_LINE: Final = 64 << 20
"""Bytes. A longer line would have to be held in memory, and no raw file has one."""
LINE_END: Final = b"\r\n"
PADDING: Final = b"\0"


def text_lines(path: Path) -> Iterator[bytes]:
    """Yield the lines of a file without their ends, header first.

    Raises:
        RawFileError: A line is longer than `LONGEST_LINE`.
    """
    with open_text(path) as source:
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


def width_of(path: Path) -> int:
    """Return the number of columns that the header of a file names; that of `HEADER` for any other first line."""
    return WIDTHS.get(_bare(next(text_lines(path), b"")), len(RAW.columns))


def has_rows(path: Path) -> bool:
    """Return whether any line follows the header."""
    return next(islice(text_lines(path), 1, None), None) is not None


def require_readable(path: Path) -> None:
    """Refuse a file that cannot be read to its end, or that begins with another header.

    Raises:
        RawFileError: The file is empty, has another header, or is a damaged or cut archive.
    """
    with refuse_unreadable(path), open_text(path) as source:
        _check_header(path, source.readline(PIECE))
        # A cut archive fails only at its end. Spark would fail there too, but in the middle of a job.
        while path.suffix == ARCHIVE and source.read(PIECE):
            pass


def _bare(header: bytes) -> bytes:
    return header.removeprefix(codecs.BOM_UTF8).rstrip(LINE_END + PADDING)


def _check_header(path: Path, line: bytes) -> None:
    if not line:
        raise RawFileError(f"{path.name}, line 1: the file is empty, a header was expected: deliver it again")
    header = _bare(line)
    if header not in WIDTHS:
        raise RawFileError(
            f"{path.name}, line 1: not the header of the contract ({header_fault(header)}): deliver the file as text "
            "with its header"
        )
