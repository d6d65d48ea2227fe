"""Raw files as streams of text, and the reasons why an entry of their folder cannot be read.

Spark reads archives with Hadoop's library. Python's gzip module is more tolerant: it skips zeros after an archive and
ignores flags that it does not know. `GzipText` has Hadoop's rules, so Spark can read whatever Python has accepted
(tests/spark/test_raw_entries.py).
"""

import errno
import os
import stat
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from gzip import BadGzipFile
from io import BufferedReader, RawIOBase
from pathlib import Path, PosixPath
from typing import TYPE_CHECKING, Any, BinaryIO, Final, cast

from antifraud.errors import RawFileError

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer

ARCHIVE: Final = ".gz"
GZIP: Final = 16 + zlib.MAX_WBITS
"""Tells zlib to accept gzip members only, and to check their headers and trailers."""
PIECE: Final = 1 << 15
"""Bytes that are read at once. An archive of many small members would be copied again and again in larger pieces."""
MEMBER: Final = b"\x1f\x8b"
"""The beginning of each member of an archive."""
KINDS: Final = (
    (stat.S_ISDIR, "a folder"),
    (stat.S_ISFIFO, "a pipe"),
    (stat.S_ISSOCK, "a socket"),
    (stat.S_ISCHR, "a device"),
    (stat.S_ISBLK, "a device"),
)
MAGIC: Final = (
    (b"PK", "a zip archive"),
    (b"BZh", "a bzip2 archive"),
    (b"\xfd7zXZ", "an xz archive"),
    (b"\x28\xb5\x2f\xfd", "a zstd archive"),
    (b"# ", "text that is not compressed"),
)


def status_of(path: Path) -> os.stat_result:
    """Return the status of a file, on a disk or in S3, without opening it: that would wait for a pipe's writer.

    Raises:
        RawFileError: The entry is no file, is gone, or is not to be seen by this user.
    """
    with refuse_unreadable(path):
        status = path.stat()
    if kind := next((kind for is_kind, kind in KINDS if is_kind(status.st_mode)), None):
        raise RawFileError(f"{path.name} is {kind}, a file was expected: remove it, or deliver the file")
    return status


@contextmanager
def refuse_unreadable(path: Path) -> Iterator[None]:
    """Refuse a file that cannot be read, by its name; trouble of S3 itself passes as it is.

    Raises:
        RawFileError: The file is damaged, gone, or not to be read by this user.
    """
    try:
        yield
    except (BadGzipFile, EOFError) as error:
        raise RawFileError(f"{path.name}, {error}: deliver it again") from None
    except FileNotFoundError:
        what = "is a link to nothing" if path.is_symlink() else "is gone"
        raise RawFileError(f"{path.name} {what}: deliver it again, and move no file while a job reads it") from None
    except OSError as error:
        if not isinstance(path, PosixPath):
            raise
        reason = os.strerror(error.errno or errno.EIO).lower()
        raise RawFileError(f"{path.name} cannot be read, {reason}: correct that, or deliver it again") from None


@contextmanager
def open_text(path: Path) -> Iterator["BufferedReader[RawIOBase]"]:
    """Open a raw file's text as bytes, decompressing an archive.

    Raises:
        RawFileError: The entry is no file.
        OSError: The file cannot be opened. While it is read: the archive is damaged.
        EOFError: While it is read: the archive is cut.
    """
    status_of(path)
    with path.open("rb") as stream:
        source = GzipText(stream) if path.suffix == ARCHIVE else cast("RawIOBase", stream)
        # Buffered, because the stream of a file in S3 cannot limit the length of a line.
        with BufferedReader(source, PIECE) as text:
            yield text


class GzipText(RawIOBase):
    """The text of a gzip archive of one or more members, with nothing between and after them."""

    def __init__(self, archive: BinaryIO) -> None:
        self._archive = archive
        self._member: Any = None
        self._members = 0
        self._compressed = b""
        self._position = 0

    def readable(self) -> bool:
        """Return that the stream can be read, as `BufferedReader` demands."""
        return True

    def readinto(self, buffer: "WriteableBuffer") -> int:
        """Fill the buffer with text, and return the number of bytes; 0 at the end.

        Raises:
            BadGzipFile: The archive is damaged, or it is followed by other bytes.
            EOFError: The archive is cut.
        """
        view = memoryview(buffer)
        text = self._next(len(view))
        view[: len(text)] = text
        self._position += len(text)
        return len(text)

    def _next(self, size: int) -> bytes:
        while self._member or self._begin():
            text = self._decompress(size)
            if self._member.eof:
                self._compressed, self._member = self._member.unused_data, None
                self._members += 1
            if text:
                return text
        return b""

    def _begin(self) -> bool:
        """Begin the next member, and return whether there is one."""
        self._compressed = self._compressed or self._archive.read(PIECE)
        if not self._compressed:
            return False
        if not MEMBER.startswith(self._compressed[: len(MEMBER)]):
            raise BadGzipFile(self._stranger())
        self._member = zlib.decompressobj(GZIP)
        return True

    def _stranger(self) -> str:
        if not self._members:
            kind = next((f", but {kind}" for magic, kind in MAGIC if self._compressed.startswith(magic)), "")
            return f"byte 0: not a gzip file{kind}"
        what = "zeros" if self._compressed.startswith(b"\0") else "other bytes"
        return f"byte {self._position} of the text: {what} follow the end of the archive, which Spark cannot read"

    def _decompress(self, size: int) -> bytes:
        try:
            text: bytes = self._member.decompress(self._compressed, size)
        except zlib.error as error:
            # Without zlib's number of the error, and its words never repeat content.
            raise BadGzipFile(self._damage(str(error).rpartition(": ")[2])) from None
        self._compressed = self._member.unconsumed_tail
        if not text and not self._compressed and not self._member.eof:
            self._compressed = self._archive.read(PIECE)
            if not self._compressed:
                raise EOFError(self._damage("the archive ends early"))
        return text

    def _damage(self, reason: str) -> str:
        return f"byte {self._position} of the text: cut or damaged ({reason})"
