"""Columns of Arrow as content that can be searched: integers, or text with one value a line."""

from collections.abc import Iterator
from decimal import Decimal
from typing import Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

INTEGER_DIGITS: Final = 18
"""Decimals of at most this many digits fit into 64 bits."""
LARGEST_INTEGER: Final = Decimal((1 << 63) - 1)

Content = bytes | NDArray[np.int64]


def contents(batch: pa.RecordBatch) -> Iterator[tuple[str, Content]]:
    """Yield every column with its name, nested ones flattened."""
    for name, column in zip(batch.schema.names, batch.columns, strict=True):
        for leaf in _leaves(column):
            yield name, _values(leaf)


def _leaves(column: pa.Array) -> Iterator[pa.Array]:
    kind = column.type
    if isinstance(kind, pa.BaseExtensionType):
        yield from _leaves(column.storage)
    elif pa.types.is_dictionary(kind):
        yield from _leaves(column.dictionary_decode())
    elif pa.types.is_struct(kind):
        for child in column.flatten():
            yield from _leaves(child)
    elif pa.types.is_map(kind):
        yield from _leaves(column.keys)
        yield from _leaves(column.items)
    elif pa.types.is_list(kind) or pa.types.is_large_list(kind) or pa.types.is_fixed_size_list(kind):
        yield from _leaves(column.flatten())
    else:
        yield column


def _values(column: pa.Array) -> Content:
    """Return numbers as integers, also doubles, and other values as text, one value a line."""
    kind = column.type
    if pa.types.is_integer(kind) or pa.types.is_floating(kind):
        # Doubles beyond 64 bits have no integer; they are no ids.
        with np.errstate(invalid="ignore"):
            numbers: NDArray[np.int64] = np.nan_to_num(column.drop_null().to_numpy(zero_copy_only=False)).astype(
                np.int64
            )
        return numbers
    if pa.types.is_decimal(kind) and kind.scale == 0:
        return _integers(column.drop_null())
    if pa.types.is_binary(kind) or pa.types.is_large_binary(kind) or pa.types.is_fixed_size_binary(kind):
        return b"\n".join(column.drop_null().to_pylist())
    return _lines(column.drop_null().cast(pa.string()))


def _integers(decimals: pa.Array) -> NDArray[np.int64]:
    """Return decimals without fraction as integers; larger ones than 64 bits, such as sums of squares, are no ids."""
    if decimals.type.precision > INTEGER_DIGITS:
        decimals = decimals.filter(pc.less_equal(pc.abs(decimals), pa.scalar(LARGEST_INTEGER, decimals.type)))
    whole: NDArray[np.int64] = decimals.cast(pa.int64()).to_numpy(zero_copy_only=False)
    return whole


def _lines(texts: pa.StringArray) -> bytes:
    """Return one value a line; Arrow joins them far more quickly than Python."""
    whole = pa.ListArray.from_arrays([0, len(texts)], texts)
    return bytes(pc.binary_join(whole, "\n")[0].as_buffer() or b"")
