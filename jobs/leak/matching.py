"""Whether a piece of bytes holds an identifier, as decimal text or as a binary integer."""

import os
import re
from typing import Final

import numpy as np
from numpy.typing import NDArray

from jobs.leak.identifiers import MIN_DIGITS, Identifiers

DIGITS: Final = re.compile(rb"[0-9]{%d,}" % MIN_DIGITS)
FRACTION: Final = re.compile(rb"(?<![\w.])[0-9]{1,20}\.\Z")
"""What stands before the decimals of a number; a key's id before a token is none, for a letter begins it."""
BEFORE_DECIMALS: Final = 22
"""Bytes that tell: twenty digits, the dot, and what stands before them."""
INTEGER_TYPES: Final = ("<i8", ">i8")
INTEGER_BYTES: Final = 8


def matches(content: bytes | NDArray[np.int64], wanted: Identifiers) -> int:
    """Number of places in `content`, bytes or a column of integers, that hold a wanted identifier.

    >>> matches(b"customer=123456789012;", Identifiers.of({123456789012}))
    1
    >>> matches((123456789012).to_bytes(8, "big"), Identifiers.of({123456789012}))
    1
    """
    if isinstance(content, np.ndarray):
        return _equal_values(content, wanted)
    return _text_matches(content, wanted) + _integer_matches(content, wanted)


def _text_matches(content: bytes, wanted: Identifiers) -> int:
    """Identifiers inside any run of digits, also where digits stand before or after them.

    The decimals of a number are not searched: a model's file holds tens of thousands of them, of which some would equal
    an identifier by chance every few hundred nights, or every night where there are millions.
    """
    hits = 0
    for run in DIGITS.finditer(content):
        digits, start = run.group(), run.start()
        if FRACTION.search(content[max(0, start - BEFORE_DECIMALS) : start]):
            continue
        for length in wanted.lengths:
            hits += sum(digits[i : i + length] in wanted.texts for i in range(len(digits) - length + 1))
    return hits


def mask(path: str, wanted: Identifiers) -> tuple[str, int]:
    """A path without the identifiers in it, and how many there were; each is a run of digits of its own.

    >>> mask("customer=123456789012/part-0.csv", Identifiers.of({123456789012}))
    ('customer=<identifier>/part-0.csv', 1)
    """
    parts = re.split(b"(%s)" % DIGITS.pattern, os.fsencode(path))
    hits = sum(part in wanted.texts for part in parts)
    return os.fsdecode(b"".join(b"<identifier>" if part in wanted.texts else part for part in parts)), hits


def _integer_matches(content: bytes, wanted: Identifiers) -> int:
    """64-bit integers of either byte order at any offset."""
    hits = 0
    for offset in range(min(INTEGER_BYTES, max(0, len(content) - INTEGER_BYTES + 1))):
        count = (len(content) - offset) // INTEGER_BYTES
        for kind in INTEGER_TYPES:
            values = np.frombuffer(content, dtype=kind, count=count, offset=offset)
            hits += _equal_values(values, wanted)
    return hits


def _equal_values(values: NDArray[np.int64], wanted: Identifiers) -> int:
    if not len(wanted.values):
        return 0
    # Few numbers are in the identifiers' range at all, so the exact comparison sees few.
    near = values[(values >= wanted.values[0]) & (values <= wanted.values[-1])].astype(np.int64)
    return int((wanted.values[np.searchsorted(wanted.values, near)] == near).sum())
