"""Identifiers to search for: ids of the raw feed that are too long to be taken for a count."""

from dataclasses import dataclass
from pathlib import Path
from typing import Final, Self

import numpy as np
from numpy.typing import NDArray

from antifraud.errors import RawFileError
from antifraud.lake.feed import discover
from antifraud.lake.raw_lines import text_lines
from antifraud.lake.raw_rows import fields_of
from antifraud.lake.schemas import RAW
from jobs.leak.damage import damage_of
from jobs.leak.report import Unsearchable

MIN_DIGITS: Final = 9
MAX_DIGITS: Final = 40
"""More digits than any identifier has; ingest quarantines such a row, and even 20 digits."""
LARGEST_VALUE: Final = (1 << 63) - 1
ID_COLUMNS: Final = tuple(RAW.place(column.name) for column in RAW.identifiers)


@dataclass(frozen=True, slots=True)
class Identifiers:
    """Identifiers in the forms that matching needs: decimal texts, their lengths, and sorted 64-bit integers.

    An identifier of more than 64 bits, such as an account number of 20 digits, is searched as text only.
    """

    texts: frozenset[bytes]
    lengths: frozenset[int]
    values: NDArray[np.int64]

    @classmethod
    def of(cls, identifiers: set[int]) -> Self:
        """Prepare a set of identifiers for matching."""
        texts = frozenset(str(identifier).encode() for identifier in identifiers)
        values = [identifier for identifier in identifiers if identifier <= LARGEST_VALUE]
        return cls(texts, frozenset(map(len, texts)), np.sort(np.array(values, dtype=np.int64)))


def sparse_identifiers(raw: Path, unsearchable: list[Unsearchable]) -> set[int]:
    """Return ids of customers, terminals and groups of at least `MIN_DIGITS` digits in the raw files.

    Raw files that cannot be read to their ends are added to `unsearchable`: their other identifiers are unknown.

    Raises:
        RawFileError: There is no raw file, so there is nothing to search for.
    """
    files = discover(raw)
    if not files:
        raise RawFileError(
            f"{raw} has no raw files, so no identifier to search for: nothing was scanned; set ANTIFRAUD_RAW_DIR"
        )
    texts: set[bytes] = set()
    for file in files:
        try:
            for line in text_lines(file.path):
                fields = fields_of(line, len(RAW.all_columns))
                texts.update(_digits(fields[column]) for column in ID_COLUMNS if column < len(fields))
        except (OSError, EOFError, RawFileError) as error:
            unsearchable.append(_unknown(file.path, error))
    return {int(text) for text in texts if text.isdigit() and MIN_DIGITS <= len(text) <= MAX_DIGITS}


def _digits(field: bytes) -> bytes:
    """Return a field without quotes, spaces and leading zeros, which the searched files need not repeat."""
    return field.strip(b' "\t\r').lstrip(b"0")


def _unknown(path: Path, error: Exception) -> Unsearchable:
    """Return a raw file as unsearchable; the text of a library's exception is left out, because it quotes the file."""
    reason = error if isinstance(error, RawFileError) else damage_of(error, "raw file")
    return Unsearchable(str(path), "", f"{reason}; its identifiers are not known")
