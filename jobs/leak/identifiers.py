"""Identifiers to search for: ids of the raw feed that are too long to be taken for a count."""

from dataclasses import dataclass
from pathlib import Path
from typing import Final, Self

import numpy as np
from numpy.typing import NDArray

from antifraud.errors import RawFileError
from antifraud.lake.schemas import RAW
from jobs.raw.files import discover, text_lines

MIN_DIGITS: Final = 9
ID_COLUMNS: Final = tuple(RAW.place(column.name) for column in RAW.identifiers)


@dataclass(frozen=True, slots=True)
class Identifiers:
    """Identifiers in the forms that matching needs: decimal texts, their lengths, and sorted 64-bit integers."""

    texts: frozenset[bytes]
    lengths: frozenset[int]
    values: NDArray[np.int64]

    @classmethod
    def of(cls, identifiers: set[int]) -> Self:
        """Prepare a set of identifiers for matching."""
        texts = frozenset(str(identifier).encode() for identifier in identifiers)
        return cls(texts, frozenset(map(len, texts)), np.sort(np.fromiter(identifiers, dtype=np.int64)))


def sparse_identifiers(raw: Path) -> set[int]:
    """Return customer and terminal ids of at least `MIN_DIGITS` digits in the raw files, on a disk or in S3.

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
        for line in text_lines(file.path):
            fields = line.split(b",")
            texts.update(field for field in (fields[column] for column in ID_COLUMNS if column < len(fields)))
    return {int(text) for text in texts if text.isdigit() and len(text) >= MIN_DIGITS}
