"""Rows to be appended keep every bit, and lie in the order of the table's files."""

import struct

import numpy as np
import pytest

from antifraud.clock import date_of
from antifraud.lake.appending import ARROW_TYPES, rows_as_arrow
from antifraud.lake.shipped_tables import CLIENT_LABELS, DECISIONS, SHIPPED_TABLES

BITS = (0x7FF8000000000000, 0x7FF8000000000001, 0x8000000000000000, 0x0000000000000001, 0x3FF0000000000001)
"""Two NaNs, minus zero, the smallest double, and one that no text of 15 digits tells from 1."""


def decision(day, arrival, vector):
    """A row of `decisions`."""
    told = False, False, "approve", 0, "", 1.0, True, True, 0
    names = "k1.c", "k1.t", 100, vector, "first", 1, 2, "SERVING", 0, date_of(0), *told
    return (date_of(day), "s", arrival, "d", "", "1", 60, 61, *names)


def test_a_vector_keeps_every_bit():
    """A NaN stays the same NaN and is no null, minus zero stays minus zero."""
    content = struct.pack("<5Q", *BITS)

    table = rows_as_arrow(DECISIONS, [decision(1, 1, np.frombuffer(content, "<f8"))])

    values = table["vector"].combine_chunks().flatten()
    assert (values.null_count, values.to_numpy().tobytes()) == (0, content)


def test_rows_are_sorted_by_day_then_by_the_order_of_the_table():
    """A file of one day has its arrivals in order, whatever order the rows had."""
    rows = [decision(day, arrival, np.zeros(2)) for day, arrival in ((2, 1), (1, 3), (2, 0), (1, 2))]

    table = rows_as_arrow(DECISIONS, rows)

    assert table["arrival"].to_pylist() == [2, 3, 0, 1]


@pytest.mark.parametrize("table", SHIPPED_TABLES, ids=lambda table: table.name)
def test_every_column_has_a_type_that_can_be_appended(table):
    """A column of another type would only fail when a shipper runs."""
    assert {column.type for column in table.columns} <= set(ARROW_TYPES)


def test_a_row_of_another_length_is_no_row():
    """A value too few would move all later values into wrong columns."""
    with pytest.raises(ValueError, match="shorter"):
        rows_as_arrow(CLIENT_LABELS, [(date_of(1), "s", 1)])
