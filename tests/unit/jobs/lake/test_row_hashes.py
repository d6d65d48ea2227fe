"""Hashes of rows tell any two different values apart, and depend on nothing else."""

import datetime as dt
import math
from decimal import Decimal

import pyarrow as pa
import pytest

from jobs.lake.row_hashes import row_hashes

BUCKETS = pa.list_(
    pa.struct([("hour", pa.int32()), ("squares", pa.decimal128(38, 0)), ("inner", pa.list_(pa.int64()))])
)
SCHEMA = pa.schema(
    [("day", pa.date32()), ("id", pa.int64()), ("value", pa.float64()), ("token", pa.string()), ("yes", pa.bool_()),
     ("squares", pa.decimal128(38, 0)), ("hours", BUCKETS)]
)  # fmt: skip
HOUR = {"hour": 1, "squares": Decimal(2**100), "inner": [1, 2]}
ROW = {"day": dt.date(2026, 1, 1), "id": 7, "value": 0.5, "token": "k1.a", "yes": True, "squares": Decimal(5),
       "hours": [HOUR, {"hour": 2, "squares": Decimal(3), "inner": []}]}  # fmt: skip
CHANGES = {
    "day": [dt.date(2026, 1, 2), None],
    "id": [8, -7, 0, None],
    "value": [0.25, -0.5, 0.0, -0.0, math.nan, None],
    "token": ["k1.b", "", None],
    "yes": [False, None],
    "squares": [Decimal(6), Decimal(5 + 2**64), Decimal(-5), None],
    "hours": [
        [], None, [HOUR], ROW["hours"][::-1], [HOUR, None], [HOUR, HOUR], [HOUR | {"hour": None}, ROW["hours"][1]],
        [HOUR | {"squares": Decimal(2**100 + 1)}, ROW["hours"][1]], [HOUR | {"inner": [2, 1]}, ROW["hours"][1]],
        [HOUR | {"inner": [1]}, ROW["hours"][1]], [HOUR | {"inner": None}, ROW["hours"][1]],
    ],
}  # fmt: skip
ROWS = [ROW, *(ROW | {name: value} for name, values in CHANGES.items() for value in values)]


def hashes(rows):
    """Return the hashes of rows as one batch."""
    return row_hashes(pa.RecordBatch.from_pylist(rows, SCHEMA)).tolist()


def test_every_change_of_one_value_shows():
    """Any change of one value changes the hash, even a sign of zero, a null for NaN or the order of a list."""
    assert len(set(hashes(ROWS))) == len(ROWS)


@pytest.mark.parametrize("size", [1, 2, 5])
def test_batches_and_slices_do_not_matter(size):
    """A row has the same hash alone, in small batches, in slices of a large batch and in reverse order."""
    whole = pa.RecordBatch.from_pylist(ROWS, SCHEMA)
    expected = hashes(ROWS)

    assert [h for at in range(0, len(ROWS), size) for h in hashes(ROWS[at : at + size])] == expected
    assert [h for at in range(0, len(ROWS), size) for h in row_hashes(whole.slice(at, size)).tolist()] == expected
    assert hashes(ROWS[::-1]) == expected[::-1]


def test_what_lies_under_a_null_does_not_matter():
    """A null has the same hash whatever the memory below it holds."""
    nulls = pa.array([Decimal(1), None], pa.decimal128(38, 0))
    other = pa.array([Decimal(1), Decimal(9)], nulls.type)
    covered = pa.Array.from_buffers(nulls.type, 2, [nulls.buffers()[0], other.buffers()[1]])
    assert covered.to_pylist() == [Decimal(1), None]

    one, another = (row_hashes(pa.RecordBatch.from_arrays([array], ["squares"])) for array in (nulls, covered))
    assert one.tolist() == another.tolist()


def test_no_rows_have_no_hashes():
    """An empty batch has no hashes, whatever its types."""
    assert hashes([]) == []


def test_a_null_in_an_optional_column_changes_no_hash():
    """Rows without a value hash as if there were no such column, in whatever batch; rows with one do not."""
    old = pa.RecordBatch.from_pylist([{"a": 1}, {"a": 2}])
    new = pa.RecordBatch.from_pylist(
        [{"a": 1, "b": None}, {"a": 2, "b": "k1.g"}], pa.schema([("a", pa.int64()), ("b", pa.string())])
    )

    before, after = row_hashes(old).tolist(), row_hashes(new, optional=["b"]).tolist()
    assert before[0] == after[0]
    assert before[1] != after[1]
    assert row_hashes(new).tolist()[0] != before[0]
