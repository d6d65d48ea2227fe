"""Files as pieces that can be searched: values of packed formats, decompressed content, or the bytes as they are.

The content of an archive or a compressed file is opened in turn, such as a Parquet file in a zip, or a tar in a gzip.
"""

import bz2
import gzip
import io
import lzma
import pickletools
import sqlite3
import tarfile
import zipfile
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import IO, Final, cast

import fastavro
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from numpy.typing import NDArray

CHUNK_BYTES: Final = 1 << 24
OVERLAP_BYTES: Final = 64
"""Longer than any identifier, so that an identifier across two chunks is found in the second one."""
MAGIC_BYTES: Final = 265
TAR_MAGIC: Final = slice(257, 262)
WAL_MAGIC: Final = (b"\x37\x7f\x06\x82", b"\x37\x7f\x06\x83")
"""First bytes of the write-ahead log of a SQLite file, in which pages lie before they reach that file."""
SQLITE_SHORT: Final = 6
"""Bytes of a SQLite integer below 2^47; larger integers have eight."""
PICKLE_PROTOCOLS: Final = (2, 3, 4, 5)

INTEGER_DIGITS: Final = 18
"""Decimals of at most this many digits fit into 64 bits."""
LARGEST_INTEGER: Final = Decimal((1 << 63) - 1)

Content = bytes | NDArray[np.int64]
Piece = tuple[str, Content]


def pieces(path: Path) -> Iterator[Piece]:
    """Yield the contents of a file as (place, bytes); its first bytes tell the format, and not its name."""
    with path.open("rb") as file:
        yield from _opened(file)


def _opened(file: IO[bytes]) -> Iterator[Piece]:
    magic = file.read(MAGIC_BYTES)
    file.seek(0)
    if magic.startswith(b"PAR1"):
        yield from _parquet(file)
    elif magic.startswith(b"Obj\x01"):
        yield from _avro(file)
    elif magic.startswith(b"SQLite format 3\x00"):
        yield from _sqlite(file)
    elif magic.startswith(WAL_MAGIC):
        yield from _pages(file.read())
    elif magic.startswith(b"PK\x03\x04"):
        yield from _zip(file)
    elif magic[TAR_MAGIC] == b"ustar":
        yield from _tar(file)
    elif magic.startswith(b"\x80") and magic[1] in PICKLE_PROTOCOLS:
        yield from _pickle(file)
    elif (inside := _decompressed(magic, file)) is not None:
        yield from _opened(inside)
    else:
        yield from _plain(file)


def _decompressed(magic: bytes, file: IO[bytes]) -> IO[bytes] | None:
    if magic.startswith(b"\x1f\x8b"):
        return cast("IO[bytes]", gzip.GzipFile(fileobj=file))
    if magic.startswith(b"BZh"):
        return bz2.BZ2File(file)
    if magic.startswith(b"\xfd7zXZ\x00"):
        return lzma.LZMAFile(file)
    if magic.startswith(b"\x28\xb5\x2f\xfd"):
        return io.BytesIO(pa.CompressedInputStream(file, "zstd").read())
    return None


def _plain(file: IO[bytes]) -> Iterator[Piece]:
    tail = b""
    while chunk := file.read(CHUNK_BYTES):
        yield "", tail + chunk
        tail = chunk[-OVERLAP_BYTES:]


def _parquet(file: IO[bytes]) -> Iterator[Piece]:
    """Yield every column of every row group, nested ones flattened, and the file's metadata."""
    source = pq.ParquetFile(file)
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
    """Return numbers as integers, also doubles, and other values as text, one value a line."""
    kind = column.type
    if pa.types.is_integer(kind) or pa.types.is_floating(kind):
        numbers: NDArray[np.int64] = np.nan_to_num(column.drop_null().to_numpy(zero_copy_only=False)).astype(np.int64)
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


def _avro(file: IO[bytes]) -> Iterator[Piece]:
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


def _sqlite(file: IO[bytes]) -> Iterator[Piece]:
    """Yield every row, and the pages as they are: deleted rows stay in pages, with integers of six bytes."""
    content = file.read()
    database = sqlite3.connect(":memory:")
    try:
        # A database in memory cannot have a write-ahead log, so its header must not announce one.
        database.deserialize(content[:18] + b"\x01\x01" + content[20:])
        tables = [name for (name,) in database.execute("select name from sqlite_master where type = 'table'")]
        for table in tables:
            quoted = table.replace('"', '""')
            rows = database.execute(f'select * from "{quoted}"')  # noqa: S608 (the name comes from the file itself)
            yield table, "\n".join(map(repr, rows)).encode()
    finally:
        database.close()
    yield from _pages(content)


def _pages(content: bytes) -> Iterator[Piece]:
    yield "", content
    yield "pages", _short_integers(content)


def _short_integers(content: bytes) -> NDArray[np.int64]:
    """Return the big-endian integer of six bytes at every offset."""
    if len(content) < SQLITE_SHORT:
        return np.zeros(0, np.int64)
    windows = np.lib.stride_tricks.sliding_window_view(np.frombuffer(content, np.uint8), SQLITE_SHORT)
    values = np.zeros(len(windows), np.int64)
    for position in range(SQLITE_SHORT):
        values = values << 8 | windows[:, position]
    return values


def _zip(file: IO[bytes]) -> Iterator[Piece]:
    with zipfile.ZipFile(file) as archive:
        for name in archive.namelist():
            with archive.open(name) as member:
                yield from _placed(name, member)


def _tar(file: IO[bytes]) -> Iterator[Piece]:
    with tarfile.open(fileobj=file) as archive:
        for member in archive:
            if (inside := archive.extractfile(member)) is not None:
                yield from _placed(member.name, inside)


def _placed(name: str, member: IO[bytes]) -> Iterator[Piece]:
    for place, content in _opened(member):
        yield f"{name}/{place}" if place else name, content


def _pickle(file: IO[bytes]) -> Iterator[Piece]:
    """Yield the values in a pickle without running it, and its bytes, because it may be no pickle after all."""
    content = file.read()
    yield "", content
    numbers, texts = [], []
    try:
        for _, value, _ in pickletools.genops(content):
            if isinstance(value, int) and 0 <= value < 1 << 63:
                numbers.append(value)
            elif isinstance(value, str | bytes | bytearray):
                texts.append(value.encode() if isinstance(value, str) else bytes(value))
    except (ValueError, UnicodeError):
        pass  # It only begins like a pickle, and its bytes have been searched.
    yield "values", np.array(numbers, np.int64)
    yield "values", b"\n".join(texts)
