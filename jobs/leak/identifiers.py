"""The identifiers to search for: those of the raw feed that are long enough to be told from counts."""

import gzip
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Self

import numpy as np
from numpy.typing import NDArray

MIN_DIGITS: Final = 9
ID_COLUMNS: Final = (2, 3)


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


def sparse_identifiers(raw_zone: Path) -> set[int]:
    """Customer and terminal ids of `MIN_DIGITS` digits or more in the transaction files below the raw zone."""
    found: set[bytes] = set()
    for path in sorted([*raw_zone.rglob("*.txt"), *raw_zone.rglob("*.txt.gz")]):
        for line in _lines(path):
            fields = line.split(b",")
            found.update(field for field in (fields[column] for column in ID_COLUMNS if column < len(fields)))
    return {int(text) for text in found if text.isdigit() and len(text) >= MIN_DIGITS}


def _lines(path: Path) -> Iterator[bytes]:
    with gzip.open(path) if path.suffix == ".gz" else path.open("rb") as file:
        yield from file
