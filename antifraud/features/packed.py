"""Packed rows: rows of integers as the records of a state hold them, unpacked column by column for each use.

A decision looks at some hundred rows. An object for each of them would take most of its time. Columns are not kept: a
worker would hold millions of integers, and to find one again in memory takes longer than to unpack it.
"""

import struct
from functools import cache
from typing import ClassVar

Columns = tuple[tuple[int, ...], ...]


@cache
def _struct_of(layout: str, count: int) -> struct.Struct:
    return struct.Struct("<" + layout * count)


class PackedRows:
    """Rows of one layout, in the order of their first column.

    Attributes:
        layout: Codes of module `struct`, one for each column.
        row_bytes: Size of a row.
        packed: The rows, one behind the other.
    """

    __slots__ = ("packed",)
    layout: ClassVar[str]
    row_bytes: ClassVar[int]

    def __init_subclass__(cls, *, layout: str) -> None:
        """Set the layout of a kind of rows."""
        cls.layout, cls.row_bytes = layout, struct.calcsize("<" + layout)

    def __init__(self, packed: bytes = b"") -> None:
        self.packed = packed

    def unpack(self) -> Columns:
        """Return the columns."""
        width = len(self.layout)
        values = _struct_of(self.layout, len(self)).unpack(self.packed)
        return tuple(values[place::width] for place in range(width))

    def first_at(self, offset: int) -> int:
        """Return the first column of the row that begins at a byte."""
        return int(_struct_of(self.layout[0], 1).unpack_from(self.packed, offset)[0])

    @classmethod
    def pack_row(cls, *values: int) -> bytes:
        """Pack one row."""
        return _struct_of(cls.layout, 1).pack(*values)

    def __len__(self) -> int:
        return len(self.packed) // self.row_bytes
