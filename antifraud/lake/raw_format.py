"""Classes that describe the format of raw files; `antifraud/lake/schemas.py` is the description."""

from dataclasses import dataclass
from typing import Literal

Sensitivity = Literal["identifier", "token", "amount", "public"]


@dataclass(frozen=True, slots=True)
class RawColumn:
    """One column of the raw files.

    Attributes:
        name: Name in the header, spelt as the feed spells it.
        type: Spark SQL type that holds every text of this shape.
        meaning: Description for docs/tables.md.
        shape: Regular expression that the whole text matches.
        sensitivity: Sensitivity class of the values.
        unit: Unit of a number.
        least: Smallest number; of money, in minor units.
        largest: Largest number; of money, in minor units.
    """

    name: str
    type: str
    meaning: str
    shape: str
    sensitivity: Sensitivity = "public"
    unit: str = ""
    least: int = 0
    largest: int = 0


@dataclass(frozen=True, slots=True)
class RawFormat:
    """The format of raw files: a header, then one transaction a line, with columns separated by commas."""

    columns: tuple[RawColumn, ...]

    @property
    def column_names(self) -> tuple[str, ...]:
        """Names of the columns, in order."""
        return tuple(column.name for column in self.columns)

    @property
    def header(self) -> str:
        """The first line of every file, without its end."""
        return f"# {' | '.join(self.column_names)}"

    @property
    def identifiers(self) -> tuple[RawColumn, ...]:
        """The columns that may not leave the raw zone."""
        return tuple(column for column in self.columns if column.sensitivity == "identifier")

    def place(self, name: str) -> int:
        """Return the place of a column in a row, counted from 0."""
        return self.column_names.index(name)

    def column(self, name: str) -> RawColumn:
        """Return the column of this name."""
        return self.columns[self.place(name)]
