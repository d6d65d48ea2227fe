"""Files as pieces that can be searched: by value where a format packs its values, decompressed, or as they are."""

import gzip
import sqlite3
import zipfile
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Final

import fastavro
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from numpy.typing import NDArray

CHUNK_BYTES: Final = 1 << 24
OVERLAP_BYTES: Final = 64
"""Longer than any identifier, so that one across the border of two chunks is found in the second."""

INTEGER_DIGITS: Final = 18
"""Decimals of so few digits fit into 64 bits, whatever their value."""
LARGEST_INTEGER: Final = Decimal((1 << 63) - 1)

Content = bytes | NDArray[np.int64]
Piece = tuple[str, Content]


def pieces(path: Path) -> Iterator[Piece]:
    """The contents of a file as (place, bytes), decided by its first bytes, not by its name."""
    with path.open("rb") as file:
        magic = file.read(16)
    if magic.startswith(b"PAR1"):
        yield from _parquet(path)
    elif magic.startswith(b"Obj\x01"):
        yield from _avro(path)
    elif magic.startswith(b"SQLite format 3\x00"):
        yield from _sqlite(path)
        yield from _plain(path)  # deleted rows and free pages, too
    elif magic.startswith(b"PK\x03\x04"):
        yield from _zip(path)
    elif magic.startswith(b"\x1f\x8b"):
        with gzip.open(path) as file:
            yield "decompressed", file.read()
    else:
        yield from _plain(path)


def _plain(path: Path) -> Iterator[Piece]:
    tail = b""
    with path.open("rb") as file:
        while chunk := file.read(CHUNK_BYTES):
            yield "", tail + chunk
            tail = chunk[-OVERLAP_BYTES:]


def _parquet(path: Path) -> Iterator[Piece]:
    """Every column of every row group, nested ones flattened, and the file's metadata."""
    source = pq.ParquetFile(path)
    yield "metadata", str(source.metadata.metadata).encode()
    for batch in source.iter_batches():
        for name, column in zip(batch.schema.names, batch.columns, strict=True):
            for leaf in _leaves(column):
                yield name, _values(leaf)


def _leaves(column: pa.Array) -> Iterator[pa.Array]:
    if pa.types.is_struct(column.type):
        for child in column.flatten():
            yield from _leaves(child)
    elif pa.types.is_list(column.type) or pa.types.is_large_list(column.type):
        yield from _leaves(column.flatten())
    else:
        yield column


def _values(column: pa.Array) -> Content:
    """Numbers as integers (an identifier stored as a double is one too), anything else as text, one value a line."""
    kind = column.type
    if pa.types.is_integer(kind) or pa.types.is_floating(kind):
        numbers: NDArray[np.int64] = np.nan_to_num(column.drop_null().to_numpy(zero_copy_only=False)).astype(np.int64)
        return numbers
    if pa.types.is_decimal(kind) and kind.scale == 0:
        return _integers(column.drop_null())
    if pa.types.is_binary(kind):
        return b"\n".join(column.drop_null().to_pylist())
    return _lines(column.drop_null().cast(pa.string()))


def _integers(decimals: pa.Array) -> NDArray[np.int64]:
    """Decimals without fraction; those beyond 64 bits, such as sums of squares, can be no identifier."""
    if decimals.type.precision > INTEGER_DIGITS:
        decimals = decimals.filter(pc.less_equal(pc.abs(decimals), pa.scalar(LARGEST_INTEGER, decimals.type)))
    whole: NDArray[np.int64] = decimals.cast(pa.int64()).to_numpy(zero_copy_only=False)
    return whole


def _lines(texts: pa.StringArray) -> bytes:
    """One value a line, put together by Arrow."""
    whole = pa.ListArray.from_arrays([0, len(texts)], texts)
    return bytes(pc.binary_join(whole, "\n")[0].as_buffer() or b"")


def _avro(path: Path) -> Iterator[Piece]:
    with path.open("rb") as file:
        for record in fastavro.reader(file):
            yield "record", repr(record).encode()
            yield from (("bounds", bound) for bound in _binary_values(record))


def _binary_values(value: object) -> Iterator[bytes]:
    if isinstance(value, bytes):
        yield value
    elif isinstance(value, dict):
        for item in value.values():
            yield from _binary_values(item)
    elif isinstance(value, list):
        for item in value:
            yield from _binary_values(item)


def _sqlite(path: Path) -> Iterator[Piece]:
    database = sqlite3.connect(f"file:{path}?mode=ro", uri=True)
    try:
        tables = [name for (name,) in database.execute("select name from sqlite_master where type = 'table'")]
        for table in tables:
            quoted = table.replace('"', '""')
            rows = database.execute(f'select * from "{quoted}"')  # noqa: S608 (the name comes from the file itself)
            yield table, "\n".join(map(repr, rows)).encode()
    finally:
        database.close()


def _zip(path: Path) -> Iterator[Piece]:
    with zipfile.ZipFile(path) as archive:
        for name in archive.namelist():
            yield name, archive.read(name)
