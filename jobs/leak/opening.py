"""Files as pieces that can be searched: values of packed formats, decompressed content, or the bytes as they are.

The content of an archive or a compressed file is opened in turn, such as a Parquet file in a zip, or a tar in a gzip.
A part that cannot be read is a piece, too: its damage. Then the bytes of that part are searched as they are.
"""

import bz2
import gzip
import lzma
import pickletools
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, Final, cast

import numpy as np
import pyarrow as pa

from jobs.leak.archives import Member, tar_members, zip_members
from jobs.leak.damage import Damage, damage_of
from jobs.leak.expansion import Borrowed, Budget, Expanded, Reader, buffered
from jobs.leak.tables import Piece, arrow, avro, orc, pages, parquet, plain, sqlite, whole

MAGIC_BYTES: Final = 265
TAR_MAGIC_AT: Final = 257
DEEPEST: Final = 16
"""Archives inside archives; some are made to contain themselves."""


@dataclass(frozen=True, slots=True)
class _Opening:
    """An open file, or a part of one, with what its parts may expand to and how deep it lies."""

    file: IO[bytes]
    budget: Budget
    depth: int = 0


@dataclass(frozen=True, slots=True)
class _Format:
    """A format of files.

    Attributes:
        kind: Its name.
        parts: Reader of a file's parts.
        begins: Bytes that a file of this format begins with.
        at: Position of these bytes.
        may_be_text: Whether a text may begin with them as well.
    """

    kind: str
    parts: Callable[[_Opening], Iterator[Piece]]
    begins: tuple[bytes, ...]
    at: int = 0
    may_be_text: bool = False

    def fits(self, magic: bytes) -> bool:
        """Return whether a file with these first bytes has this format."""
        is_text = all(ord("\t") <= byte <= ord("~") for byte in magic)
        return magic.startswith(self.begins, self.at) and not (self.may_be_text and is_text)


def pieces(path: Path) -> Iterator[Piece]:
    """Yield the contents of a file as (place, content); its first bytes tell the format, and not its name.

    Raises:
        FileNotFoundError: The file is gone.
    """
    yield from _guarded("file", _of_path(path))


def _of_path(path: Path) -> Iterator[Piece]:
    with path.open("rb") as file:
        yield from _opened(_Opening(file, Budget(path.stat().st_size)))


def _guarded(kind: str, parts: Iterator[Piece]) -> Iterator[Piece]:
    """Yield parts until one cannot be read, and then the damage."""
    try:
        yield from parts
    except Exception as error:  # noqa: BLE001  # readers of damaged input raise anything
        yield "", damage_of(error, kind)


def _opened(opening: _Opening) -> Iterator[Piece]:
    magic = opening.file.read(MAGIC_BYTES)
    opening.file.seek(0)
    form = next((form for form in FORMATS if form.fits(magic)), PLAIN)
    if opening.depth > DEEPEST and form is not PLAIN:
        form = _closed("archive inside more than 16 others")
    damaged = False
    for place, content in _guarded(form.kind, form.parts(opening)):
        damaged |= isinstance(content, Damage)
        yield place, content
    if damaged:
        opening.file.seek(0)
        yield from plain(opening.file)


def _closed(kind: str, *begins: bytes) -> _Format:
    """Return a format that cannot be opened here."""

    def parts(_: _Opening) -> Iterator[Piece]:
        yield "", Damage(f"{kind}: cannot be opened")

    return _Format(kind, parts, begins)


def _table(
    kind: str, read: Callable[[IO[bytes]], Iterator[Piece]], *begins: bytes, may_be_text: bool = False
) -> _Format:
    """Return a format of rows; its values are counted, because a column may repeat one value without end."""

    def parts(opening: _Opening) -> Iterator[Piece]:
        for place, content in read(opening.file):
            if not isinstance(content, Damage):
                opening.budget.spend(len(content) if isinstance(content, bytes) else content.nbytes)
            yield place, content

    return _Format(kind, parts, begins, may_be_text=may_be_text)


def _compressed(kind: str, start: Callable[[IO[bytes]], Any], *begins: bytes, may_be_text: bool = False) -> _Format:
    """Return a format of compressed content."""

    def parts(opening: _Opening) -> Iterator[Piece]:
        def from_the_start() -> Reader:
            opening.file.seek(0)
            return cast("Reader", start(opening.file))

        yield from _inside("", Expanded(kind, from_the_start, opening.budget), opening)

    return _Format(kind, parts, begins, may_be_text=may_be_text)


def _archive(kind: str, read: Callable[[IO[bytes], Budget], Iterator[Member]], begins: bytes, at: int = 0) -> _Format:
    """Return a format of members."""
    return _Format(kind, lambda opening: _members(read(opening.file, opening.budget), opening), (begins,), at)


def _members(members: Iterator[Member], opening: _Opening) -> Iterator[Piece]:
    for name, member in members:
        # The name is searched, even if the member is empty.
        yield name, b""
        if isinstance(member, Damage):
            yield name, member
        else:
            yield from _inside(name, member, opening)


def _inside(name: str, stream: Expanded, opening: _Opening) -> Iterator[Piece]:
    """Yield the content of a stream, and the reason if it ends early: that of the stream, not of formats in it."""
    with buffered(stream) as file:
        for place, content in _opened(_Opening(file, opening.budget, opening.depth + 1)):
            if stream.damage is None or not isinstance(content, Damage):
                yield "/".join(filter(None, (name, place))), content
    if stream.damage:
        yield name, stream.damage


def _pickle(file: IO[bytes]) -> Iterator[Piece]:
    """Yield the values in a pickle without running it, and its bytes, because it may be no pickle after all."""
    yield from plain(file)
    file.seek(0)
    numbers, texts = [], []
    try:
        for _, value, _ in pickletools.genops(whole(file)):
            if isinstance(value, int) and 0 <= value < 1 << 63:
                numbers.append(value)
            elif isinstance(value, str | bytes | bytearray):
                texts.append(value.encode("utf-8", "surrogatepass") if isinstance(value, str) else bytes(value))
    except (ValueError, UnicodeError):
        pass  # It only begins like a pickle, and its bytes have been searched.
    yield "values", np.array(numbers, np.int64)
    yield "values", b"\n".join(texts)


PLAIN: Final = _Format("file", lambda opening: plain(opening.file), ())
FORMATS: Final = (
    _table("Parquet", parquet, b"PAR1"),
    _table("ORC", orc, b"ORC", may_be_text=True),
    _table("Arrow", arrow, b"ARROW1"),
    _table("Avro", avro, b"Obj\x01"),
    _table("SQLite", sqlite, b"SQLite format 3\x00"),
    # The write-ahead log of a SQLite file, in which pages lie before they reach that file.
    _table("SQLite", pages, b"\x37\x7f\x06\x82", b"\x37\x7f\x06\x83"),
    _table("pickle", _pickle, b"\x80\x02", b"\x80\x03", b"\x80\x04", b"\x80\x05"),
    _compressed("gzip", lambda file: gzip.GzipFile(fileobj=file), b"\x1f\x8b"),
    _compressed("bzip2", bz2.BZ2File, b"BZh", may_be_text=True),
    _compressed("xz", lzma.LZMAFile, b"\xfd7zXZ\x00"),
    _compressed("zstd", lambda file: pa.CompressedInputStream(Borrowed(file), "zstd"), b"\x28\xb5\x2f\xfd"),
    _compressed("lz4", lambda file: pa.CompressedInputStream(Borrowed(file), "lz4"), b"\x04\x22\x4d\x18"),
    _archive("zip", zip_members, b"PK\x03\x04"),
    _archive("tar", tar_members, b"ustar", TAR_MAGIC_AT),
    _closed("encrypted Parquet", b"PARE"),
    _closed("7z", b"7z\xbc\xaf\x27\x1c"),
    _closed("RAR", b"Rar!\x1a\x07"),
    _closed("lzip", b"LZIP\x01"),
    _closed("encrypted by OpenSSL", b"Salted__"),
    _closed("encrypted by PGP", b"-----BEGIN PGP MESSAGE"),
    _closed("encrypted by age", b"age-encryption.org/"),
)
"""The first format that fits counts."""
