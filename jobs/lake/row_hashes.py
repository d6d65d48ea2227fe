"""Hashes of rows, column by column: equal rows have equal hashes in whatever files and batches.

pandas hashes scalars bit for bit. A list hashes its elements with their places, a struct its fields in order. The
hashes are not cryptographic: they compare lakes and do not resist an attacker.
"""

from collections.abc import Collection
from typing import TYPE_CHECKING, Final

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    import pyarrow as pa

Hashes = NDArray[np.uint64]
NULL: Final = np.uint64(0x9E3779B97F4A7C15)
FACTOR: Final = np.uint64(0xD6E8FEB86659FD93)
"""Tells columns and places apart. It is odd, so that multiplying by it modulo 2^64 loses nothing."""


def row_hashes(batch: "pa.RecordBatch", optional: Collection[str] = ()) -> Hashes:
    """Return one hash for each row of a batch, made of its columns in their order.

    A null in one of the `optional` columns counts as if there were no such column. So rows without a value keep the
    hash that they had before the column was added.

    >>> import pyarrow as pa
    >>> def hashes(*rows):
    ...     return row_hashes(pa.RecordBatch.from_pylist([{"a": a, "b": b} for a, b in rows])).tolist()
    >>> first, second = (1, [{"c": 7}]), (2, [])
    >>> hashes(first, second) == hashes(second, first)[::-1]
    True
    >>> len(set(hashes(first, second, (1, None), (1, [{"c": None}]), (1, [{"c": 0}]))))
    5
    """
    ever = [name for name in batch.schema.names if name not in optional]
    combined = _in_order([_hash(batch.column(name)) for name in ever], batch.num_rows)
    for name in batch.schema.names:
        if name in optional:
            missing = batch.column(name).is_null().to_numpy(zero_copy_only=False)
            combined = np.where(missing, combined, _mixed(combined * FACTOR + _hash(batch.column(name))))
    return combined


def _in_order(parts: list[Hashes], rows: int) -> Hashes:
    combined = np.zeros(rows, np.uint64)
    for part in parts:
        combined = _mixed(combined * FACTOR + part)
    return combined


def _mixed(values: NDArray[np.generic]) -> Hashes:
    from pandas.util import hash_array

    hashes: Hashes = hash_array(values)
    return hashes


def _hash(array: "pa.Array") -> Hashes:
    import pyarrow as pa

    if pa.types.is_list(array.type) or pa.types.is_large_list(array.type):
        hashes = _hash_lists(array)
    elif pa.types.is_struct(array.type):
        hashes = _in_order([_hash(field) for field in array.flatten()], len(array))
    elif pa.types.is_decimal128(array.type):
        hashes = _hash_decimals(array)
    elif pa.types.is_string(array.type) or pa.types.is_large_string(array.type):
        # Texts repeat, so each distinct text is hashed once. Nulls get their own hash at the end.
        encoded = array.fill_null("").dictionary_encode()
        hashes = _mixed(encoded.dictionary.to_numpy(zero_copy_only=False))[encoded.indices.to_numpy()]
    else:
        kind = {pa.date32(): pa.int32(), pa.bool_(): pa.int8()}.get(array.type, array.type)
        numbers = array.cast(kind)
        hashes = _mixed(numbers.fill_null(0).to_numpy(zero_copy_only=False))
    return np.where(array.is_null().to_numpy(zero_copy_only=False), NULL, hashes)


def _hash_lists(array: "pa.Array") -> Hashes:
    """Return the hash of each list: the sum of its elements' hashes, each mixed with its place, plus the length."""
    lengths = array.value_lengths().fill_null(0).to_numpy()
    ends = np.cumsum(lengths, dtype=np.int64)
    starts = ends - lengths
    places = np.arange(ends[-1] if len(ends) else 0) - np.repeat(starts, lengths)
    elements = _mixed(_hash(array.flatten()) + places.astype(np.uint64) * FACTOR)
    sums = np.concatenate([np.zeros(1, np.uint64), np.cumsum(elements, dtype=np.uint64)])
    return _mixed(sums[ends] - sums[starts] + lengths.astype(np.uint64) * FACTOR)


def _hash_decimals(array: "pa.Array") -> Hashes:
    """Hash both 64-bit halves of the unscaled integers; a null has any halves, and `_hash` replaces their hash."""
    halves = np.frombuffer(array.buffers()[1], np.uint64)[2 * array.offset : 2 * (array.offset + len(array))]
    return _in_order([_mixed(halves[0::2]), _mixed(halves[1::2])], len(array))
