"""Findings of the leak scan: where and how often, never which identifier."""

from typing import Final, NamedTuple

SHOWN: Final = 5


class Finding(NamedTuple):
    """A place with raw identifiers; `place` is the part of the file, such as a column, and empty for plain bytes."""

    path: str
    place: str
    hits: int


def describe(findings: list[Finding]) -> str:
    """Return the first few findings in one line.

    >>> describe([Finding("logs/a.log", "", 2), Finding("lake/x.parquet", "customer", 1)])
    'logs/a.log (2 hits), lake/x.parquet: customer (1 hits)'
    """
    shown = [f"{f.path}{': ' + f.place if f.place else ''} ({f.hits} hits)" for f in findings[:SHOWN]]
    more = [f"and {len(findings) - SHOWN} more"] if len(findings) > SHOWN else []
    return ", ".join(shown + more)
