"""Files of rows, searched by value: Parquet, ORC, Arrow, Avro and SQLite.

Each reader yields the parts that it can read, and the damage of the others.
"""

import sqlite3
from collections.abc import Iterator
from typing import IO, Final

import fastavro
import numpy as np
import pyarrow as pa
import pyarrow.orc as po
import pyarrow.parquet as pq
from numpy.typing import NDArray

from jobs.leak.arrow_values import Content, contents
from jobs.leak.damage import Damage, damage_of

CHUNK_BYTES: Final = 1 << 24
OVERLAP_BYTES: Final = 64
"""Longer than any identifier, so that an identifier across two chunks is found in the second one."""
WHOLE_BYTES: Final = 2 << 30
"""Largest file that is read into memory at once."""
SQLITE_SHORT: Final = 6
"""Bytes of a SQLite integer below 2^47; larger integers have eight."""

Piece = tuple[str, Content | Damage]


def plain(file: IO[bytes]) -> Iterator[Piece]:
    """Yield the bytes as they are, in chunks that overlap."""
    tail = b""
    while chunk := file.read(CHUNK_BYTES):
        yield "", tail + chunk
        tail = chunk[-OVERLAP_BYTES:]


def whole(file: IO[bytes]) -> bytes:
    """Return a file's content.

    Raises:
        Damage: It is too large to be held in memory.
    """
    content = file.read(WHOLE_BYTES + 1)
    if len(content) > WHOLE_BYTES:
        raise Damage("it is larger than 2 GiB, and its format has to be read at once")
    return content


def parquet(file: IO[bytes]) -> Iterator[Piece]:
    """Yield the file's metadata and every column of every row group; of a damaged group the columns one by one."""
    source = pq.ParquetFile(file)
    yield "metadata", str(source.metadata.metadata).encode()
    for group in range(source.num_row_groups):
        try:
            yield from _row_group(source, group, None)
        except Exception as error:  # noqa: BLE001  # Arrow raises anything on damaged input
            damage_of(error, "Parquet")
            for column in source.schema_arrow.names:
                yield from _column(source, group, column)


def _row_group(source: pq.ParquetFile, group: int, columns: list[str] | None) -> Iterator[Piece]:
    for batch in source.iter_batches(row_groups=[group], columns=columns):
        yield from contents(batch)


def _column(source: pq.ParquetFile, group: int, column: str) -> Iterator[Piece]:
    try:
        yield from _row_group(source, group, [column])
    except Exception as error:  # noqa: BLE001  # Arrow raises anything on damaged input
        yield column, damage_of(error, "Parquet")


def orc(file: IO[bytes]) -> Iterator[Piece]:
    """Yield every column of every stripe."""
    source = po.ORCFile(file)
    for stripe in range(source.nstripes):
        yield from contents(source.read_stripe(stripe))


def arrow(file: IO[bytes]) -> Iterator[Piece]:
    """Yield every column of every batch of an Arrow file, such as Feather."""
    source = pa.ipc.open_file(file)
    yield "metadata", str(source.schema.metadata).encode()
    for number in range(source.num_record_batches):
        yield from contents(source.get_batch(number))


def avro(file: IO[bytes]) -> Iterator[Piece]:
    """Yield every record as text, and the bytes inside it."""
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


def sqlite(file: IO[bytes]) -> Iterator[Piece]:
    """Yield every row, and the pages as they are: deleted rows stay in pages, with integers of six bytes."""
    content = whole(file)
    file.seek(0)
    yield from pages(file)
    database = sqlite3.connect(":memory:")
    try:
        # A database in memory cannot have a write-ahead log, so its header must not announce one.
        database.deserialize(content[:18] + b"\x01\x01" + content[20:])
        tables = [name for (name,) in database.execute("select name from sqlite_master where type = 'table'")]
        # Text that is no UTF-8 is searched, too.
        database.text_factory = bytes
        for table in tables:
            yield from _rows(database, table)
    finally:
        database.close()


def _rows(database: sqlite3.Connection, table: str) -> Iterator[Piece]:
    quoted = table.replace('"', '""')
    lines: list[str] = []
    try:
        rows = database.execute(f'select * from "{quoted}"')  # noqa: S608 (the name comes from the file itself)
        lines += map(repr, rows)
    except sqlite3.Error as error:
        yield table, damage_of(error, "SQLite")
    yield table, "\n".join(lines).encode()


def pages(file: IO[bytes]) -> Iterator[Piece]:
    """Yield the bytes of pages of SQLite, and the integers of six bytes in them."""
    for place, content in plain(file):
        yield place, content
        if isinstance(content, bytes):
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
