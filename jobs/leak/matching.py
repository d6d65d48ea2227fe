"""Matches of identifiers in a piece of bytes, as decimal text or as binary integers."""

import os
import re
from typing import Final

import numpy as np
from numpy.typing import NDArray

from jobs.leak.identifiers import MIN_DIGITS, Identifiers

DIGITS: Final = re.compile(rb"[0-9]{%d,}" % MIN_DIGITS)
FRACTION: Final = re.compile(rb"(?<![\w.])[0-9]{1,20}\.\Z")
"""Digits and dot before the decimals of a number. The id of a key before a token does not match: it has a letter."""
BEFORE_DECIMALS: Final = 22
"""Bytes to look back: one before the number, twenty digits and the dot."""
INTEGER_TYPES: Final = ("<i8", ">i8")
INTEGER_BYTES: Final = 8


def matches(content: bytes | NDArray[np.int64], wanted: Identifiers) -> int:
    """Count the places in `content`, bytes or a column of integers, that hold a wanted identifier.

    >>> matches(b"customer=123456789012;", Identifiers.of({123456789012}))
    1
    >>> matches((123456789012).to_bytes(8, "big"), Identifiers.of({123456789012}))
    1
    """
    if isinstance(content, np.ndarray):
        return _equal_values(content, wanted)
    return _text_matches(content, wanted) + _integer_matches(content, wanted)


def _text_matches(content: bytes, wanted: Identifiers) -> int:
    """Count identifiers inside any run of digits, also between other digits.

    The decimals of a number are not searched. A model's file holds tens of thousands of them, and some would equal an
    identifier by chance: every few hundred nights, or every night in a file with millions.
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
    """Return a path with its identifiers masked, and their number; an identifier is a whole run of digits here.

    >>> mask("customer=123456789012/part-0.csv", Identifiers.of({123456789012}))
    ('customer=<identifier>/part-0.csv', 1)
    """
    parts = re.split(b"(%s)" % DIGITS.pattern, os.fsencode(path))
    hits = sum(part in wanted.texts for part in parts)
    return os.fsdecode(b"".join(b"<identifier>" if part in wanted.texts else part for part in parts)), hits


def _integer_matches(content: bytes, wanted: Identifiers) -> int:
    """Count identifiers among the 64-bit integers of either byte order at any offset."""
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
    # Few numbers lie between the smallest and the largest identifier, so the exact search has few to look up.
    near = values[(values >= wanted.values[0]) & (values <= wanted.values[-1])].astype(np.int64)
    return int((wanted.values[np.searchsorted(wanted.values, near)] == near).sum())
