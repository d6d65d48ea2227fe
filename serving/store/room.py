"""Room for the store: how full it is, and a reserve for what must always be possible.

Decisions stop first, then labels, then the guard's counts. A change of the switch may use all that is left. The reserve
is also kept on the disk, as space that the file already has.
"""

import ctypes
import errno
import os
from pathlib import Path
from typing import Final

from antifraud.errors import StoreFull

PAGE_BYTES: Final = 4096
MOST_RESERVED: Final = 64 << 20
LEAST_RESERVED: Final = 64 * PAGE_BYTES
"""A change of the switch copies some ten pages, and old copies are reused only two transactions later."""
RESERVED_SHARE: Final = 1 / 8
PAGES_A_CHANGE: Final = 32
"""More pages than the change of one request adds."""
_LIBC: Final = ctypes.CDLL(None, use_errno=True)
DECISIONS, LABELS, GUARD, SWITCH = 1.0, 0.5, 0.25, 0.0
"""By kind of change, the share of the reserve that it leaves free."""


class Room:
    """The room of the store as one process has measured it."""

    def __init__(self, file: Path, limit: int) -> None:
        self._file = file
        self.limit, self.used, self.disk_error = limit, 0, ""
        self._changes = 0

    @property
    def reserve(self) -> int:
        """Bytes that decisions leave free."""
        return min(MOST_RESERVED, max(LEAST_RESERVED, int(self.limit * RESERVED_SHARE)))

    def is_due(self) -> bool:
        """Count a change; return whether the room has to be measured anew, before the changes since use the reserve."""
        self._changes += 1
        return self._changes * PAGES_A_CHANGE * PAGE_BYTES * 4 > self.reserve

    def measure(self, pages: int) -> None:
        """Note the number of pages in use."""
        self.used, self._changes = pages * PAGE_BYTES, 0

    def keep_on_disk(self, last_page: int) -> None:
        """Give the file the space of the reserve, behind its last page; note whether the disk has it."""
        end = min((last_page + 1) * PAGE_BYTES + self.reserve, self.limit)
        try:
            with self._file.open("r+b") as file:
                _allocate(file.fileno(), end, self.reserve)
        except OSError as error:
            self.disk_error = errno.errorcode.get(error.errno or 0, type(error).__name__)
        else:
            self.disk_error = ""

    def refusal(self, spare: float) -> str:
        """Return why a change that leaves the share `spare` of the reserve is refused; empty if it is not."""
        if spare and self.disk_error:
            return f"the disk of the decision store is full ({self.disk_error}): make room"
        if self.used + spare * self.reserve > self.limit:
            return (
                f"the decision store is full ({self.used:,} of {self.limit:,} bytes): release shipped decisions, or "
                "raise ANTIFRAUD_STORE_MAP_BYTES and restart the scorer"
            )
        return ""

    def require(self, spare: float) -> None:
        """Refuse a change that would leave less than the share `spare` of the reserve.

        Raises:
            StoreFull: It would.
        """
        if refusal := self.refusal(spare):
            raise StoreFull(refusal)


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
