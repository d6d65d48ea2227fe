"""Room for the store: how full it is, and a reserve for what must always be possible.

Decisions stop first, then labels, then the guard. A change of the switch may use all that is left. The reserve is also
kept on the disk, as space that the file already has.

A transaction writes copies of the pages that it changes; LMDB reuses the old ones two transactions later. Copies have
space of their own, otherwise even removing records would fail in a store that is full.
"""

import ctypes
import errno
import os
from pathlib import Path
from typing import Final

from antifraud.errors import StoreFull

PAGE_BYTES: Final = os.sysconf("SC_PAGE_SIZE")
MOST_RESERVED: Final = 64 << 20
LEAST_RESERVED: Final = 1 << 18
RESERVED_SHARE: Final = 1 / 8
COPIES_BYTES: Final = 64 << 20
"""More than the copies of three transactions: a thousand labels in a thousand places copy some 16 MB."""
URGENT_BYTES: Final = 1 << 20
"""Added to the store if a suspension would otherwise fail."""
BYTES_A_RECORD: Final = 256
"""A label in all its places; a decision is larger, but never alone in using the reserve."""
MEASUREMENTS: Final = 64
"""Measurements while one process writes as many records as fill the reserve."""
_LIBC: Final = ctypes.CDLL(None, use_errno=True)
DECISIONS, LABELS, GUARD = 1.0, 0.5, 0.125
"""By kind of change, the share of the reserve that it leaves free."""


class Space:
    """The room of a store as one process has measured it; `remedy` says how an operator makes the store larger."""

    def __init__(self, limit: int, remedy: str) -> None:
        self.limit, self.used, self.disk_error = limit, 0, ""
        self._remedy, self._written = remedy, 0

    @property
    def reserve(self) -> int:
        """Bytes that decisions leave free."""
        return min(MOST_RESERVED, max(LEAST_RESERVED, int(self.limit * RESERVED_SHARE)))

    def is_due(self, size: int) -> bool:
        """Count the records of a change; return whether the room has to be measured anew."""
        self._written += size * BYTES_A_RECORD
        return self._written * MEASUREMENTS > self.reserve

    def measure(self, used: int) -> None:
        """Note the size of the pages in use."""
        self.used, self._written = used, 0

    def refusal(self, spare: float, size: int = 1) -> str:
        """Return why a change of `size` records that leaves the share `spare` of the reserve is refused, or nothing."""
        if not spare:
            return ""
        if self.disk_error:
            return f"the disk of the decision store is full ({self.disk_error}): make room"
        if self.used + size * BYTES_A_RECORD + spare * self.reserve > self.limit:
            return (
                f"the decision store is full ({self.used:,} of {self.limit:,} bytes): release shipped decisions, or "
                f"{self._remedy}"
            )
        return ""

    def require(self, spare: float, size: int) -> None:
        """Refuse a change of `size` records that would leave less than the share `spare` of the reserve.

        Raises:
            StoreFull: It would.
        """
        if refusal := self.refusal(spare, size):
            raise StoreFull(refusal)


class Room(Space):
    """The room of a store in a file."""

    def __init__(self, file: Path, limit: int) -> None:
        super().__init__(limit, "raise ANTIFRAUD_STORE_MAP_BYTES and restart the scorer")
        self._file = file

    def keep_on_disk(self, last_page: int) -> None:
        """Give the file the space of the reserve, behind its last page; note whether the disk has it."""
        end = min((last_page + 1) * PAGE_BYTES + self.reserve, self.limit + COPIES_BYTES)
        try:
            with self._file.open("r+b") as file:
                _allocate(file.fileno(), end, self.reserve)
        except OSError as error:
            self.disk_error = errno.errorcode.get(error.errno or 0, type(error).__name__)
        else:
            self.disk_error = ""


def _allocate(descriptor: int, end: int, reserve: int) -> None:
    """Give a file all blocks up to `end`; where the file system cannot, require that it has the reserve to spare.

    `os.posix_fallocate` would then write zeros into the file instead, between the writes of LMDB.

    Raises:
        OSError: The disk has no room.
    """
    if _LIBC.fallocate(descriptor, 0, ctypes.c_int64(0), ctypes.c_int64(end)) == 0:
        return
    if (code := ctypes.get_errno()) != errno.EOPNOTSUPP:
        raise OSError(code, os.strerror(code))
    disk = os.fstatvfs(descriptor)
    if disk.f_bavail * disk.f_frsize < reserve:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
