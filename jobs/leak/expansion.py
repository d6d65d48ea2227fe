"""Compressed content and members of archives as streams that end, instead of failing, where they cannot be read on."""

import io
import os
from collections.abc import Callable
from typing import IO, Any, Final, Protocol, cast

from jobs.leak.damage import Damage, damage_of

STEP: Final = 1 << 16
LEAST_LIMIT: Final = 4 << 30
LARGEST_RATIO: Final = 100


class Budget:
    """Bytes that the content of one file may expand to: 4 GiB, or 100 times a larger file's size."""

    def __init__(self, size: int) -> None:
        self._left = max(LEAST_LIMIT, size * LARGEST_RATIO)

    def spend(self, count: int) -> None:
        """Count expanded bytes.

        Raises:
            Damage: The file expands too far.
        """
        self._left -= count
        if self._left < 0:
            raise Damage("its content expands to more than 4 GiB and 100 times its size")


class Reader(Protocol):
    """A reader with `read1`, which returns the readable part before it fails; `read` would lose that part."""

    def read1(self, size: int = -1, /) -> bytes:
        """Return at most `size` bytes, and nothing at the end."""
        ...


class Expanded(io.RawIOBase):
    """The readable part of a compressed stream. `damage` says why it ends before its time, if it does.

    Parsers of the formats inside need to seek. A seek backwards opens the stream again.
    """

    def __init__(self, kind: str, start: Callable[[], Reader], budget: Budget) -> None:
        super().__init__()
        self.damage: Damage | None = None
        self._kind, self._start, self._budget = kind, start, budget
        self._reader: Reader | None = None
        self._position = self._farthest = 0
        self._end: int | None = None

    def readable(self) -> bool:
        """Return that it can be read."""
        return True

    def seekable(self) -> bool:
        """Return that it can seek."""
        return True

    def tell(self) -> int:
        """Return the position."""
        return self._position

    def readinto(self, buffer: Any) -> int:
        """Read into a buffer; return the number of bytes, 0 at the end of what is readable."""
        piece = self._next(len(buffer))
        buffer[: len(piece)] = piece
        return len(piece)

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        """Go to a position, or to the end of what is readable if that comes first."""
        if whence == os.SEEK_END:
            while self._next(STEP):
                pass
        if whence != os.SEEK_SET:
            offset += self._position
        if offset < self._position:
            self._reader, self._position = None, 0
        while self._position < offset and self._next(offset - self._position):
            pass
        return self._position

    def _next(self, size: int) -> bytes:
        if self._end is not None:
            size = min(size, self._end - self._position)
        if size <= 0:
            return b""
        try:
            self._reader = self._reader or self._start()
            piece = self._reader.read1(min(size, STEP))
        except Exception as error:  # noqa: BLE001  # readers of damaged input raise anything
            return self._fail(damage_of(error, self._kind), size)
        try:
            self._budget.spend(max(0, self._position + len(piece) - self._farthest))
        except Damage as damage:
            self.damage, self._end = damage, self._position
            return b""
        self._position += len(piece)
        self._farthest = max(self._farthest, self._position)
        return piece

    def _fail(self, damage: Damage, size: int) -> bytes:
        if self._end is not None:
            self._end = self._position
            return b""
        self.damage, self._end, self._reader = damage, self._readable_end(), None
        # The stream is opened again, and the part that was read already is skipped.
        reached, self._position = self._position, 0
        self.seek(reached)
        return self._next(size)

    def _readable_end(self) -> int:
        """Return where the stream really ends: some readers lose a whole step if its last byte is missing."""
        end = 0
        try:
            reader = self._start()
            while end < self._position and (piece := reader.read1(min(STEP, self._position - end))):
                end += len(piece)
            while reader.read1(1):
                end += 1
        except Exception as error:  # noqa: BLE001  # the same failure again, now byte by byte
            damage_of(error, self._kind)
        return end


class Borrowed(io.RawIOBase):
    """A file for a reader that closes what it reads; the file itself stays open."""

    def __init__(self, file: IO[bytes]) -> None:
        super().__init__()
        self._file = file

    def readable(self) -> bool:
        """Return that it can be read."""
        return True

    def readinto(self, buffer: Any) -> int:
        """Read into a buffer; return the number of bytes."""
        piece = self._file.read(len(buffer))
        buffer[: len(piece)] = piece
        return len(piece)


def buffered(stream: Expanded) -> IO[bytes]:
    """Return a stream with a buffer, so that a read returns as many bytes as were asked for."""
    return cast("IO[bytes]", io.BufferedReader(stream, STEP))
