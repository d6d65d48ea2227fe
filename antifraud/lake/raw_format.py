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
    """The format of raw files: a header, then one transaction a line, with columns separated by commas.

    Attributes:
        columns: The columns that every file has.
        optional: Columns that may follow them. The header of a file tells how many of these the file has.
    """

    columns: tuple[RawColumn, ...]
    optional: tuple[RawColumn, ...] = ()

    @property
    def all_columns(self) -> tuple[RawColumn, ...]:
        """The columns that a file may have, in order."""
        return self.columns + self.optional

    @property
    def column_names(self) -> tuple[str, ...]:
        """Names of the columns that a file may have, in order."""
        return tuple(column.name for column in self.all_columns)

    @property
    def header(self) -> str:
        """The first line of a file without optional columns, without its end."""
        return self.header_of(len(self.columns))

    @property
    def widths(self) -> range:
        """The numbers of columns that a file may have."""
        return range(len(self.columns), len(self.all_columns) + 1)

    @property
    def identifiers(self) -> tuple[RawColumn, ...]:
        """The columns that may not leave the raw zone."""
        return tuple(column for column in self.all_columns if column.sensitivity == "identifier")

    def header_of(self, width: int) -> str:
        """Return the first line of a file with so many columns, without its end."""
        return f"# {' | '.join(self.column_names[:width])}"

    def place(self, name: str) -> int:
        """Return the place of a column in a row, counted from 0."""
        return self.column_names.index(name)

    def column(self, name: str) -> RawColumn:
        """Return the column of this name."""
        return self.all_columns[self.place(name)]
