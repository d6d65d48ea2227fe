"""Findings of the leak scan: where and how often, never which identifier; and what could not be searched."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Final, NamedTuple, Self

SHOWN: Final = 5


class Finding(NamedTuple):
    """A place with raw identifiers; `place` is the part of the file, such as a column, and empty for plain bytes."""

    path: str
    place: str
    hits: int

    def __str__(self) -> str:
        """Spell place and hits in one line."""
        return f"{_spot(self.path, self.place)} ({self.hits} hits)"


class Unsearchable(NamedTuple):
    """A file that could not be searched, wholly or in part.

    Attributes:
        path: Path below the scanned folder.
        place: First part of the file that could not be searched; empty for the file itself.
        reason: Why, never with content of the file.
        parts: Number of its parts with this reason.
    """

    path: str
    place: str
    reason: str
    parts: int = 1

    def __str__(self) -> str:
        """Spell path and reason in one line."""
        more = f" (and {self.parts - 1} more parts)" if self.parts > 1 else ""
        return f"{_spot(self.path, self.place)}: {self.reason}{more}"


@dataclass(slots=True)
class Search:
    """Result of a search: leaks, and what could not be searched."""

    findings: list[Finding] = field(default_factory=list)
    unsearchable: list[Unsearchable] = field(default_factory=list)

    def add(self, other: Self, below: str = "") -> None:
        """Add another result, with `below` in front of its paths."""
        self.findings += [found._replace(path=f"{below}{found.path}") for found in other.findings]
        self.unsearchable += [each._replace(path=f"{below}{each.path}") for each in other.unsearchable]

    def to_dict(self) -> dict[str, Any]:
        """Return both lists for JSON."""
        return {
            "findings": [finding._asdict() for finding in self.findings],
            "unsearchable": [each._asdict() for each in self.unsearchable],
        }


def describe(found: Sequence[Finding] | Sequence[Unsearchable]) -> str:
    """Return the first few findings in one line.

    >>> describe([Finding("logs/a.log", "", 2), Finding("lake/x.parquet", "customer", 1)])
    'logs/a.log (2 hits), lake/x.parquet: customer (1 hits)'
    >>> describe([Unsearchable("logs/b.zip", "c.txt", "zip: encrypted", 3)])
    'logs/b.zip: c.txt: zip: encrypted (and 2 more parts)'
    """
    shown = [str(each) for each in found[:SHOWN]]
    more = [f"and {len(found) - SHOWN} more"] if len(found) > SHOWN else []
    return ", ".join(shown + more)


def _spot(path: str, place: str) -> str:
    """Return a place in one line of printable characters: a name may hold any byte."""
    text = f"{path}: {place}" if place else path
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)
