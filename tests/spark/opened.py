"""Find out through inotify which files are opened, by any process."""

import ctypes
import os
import struct
from contextlib import contextmanager
from pathlib import Path

OPENED = 0x20
OF_FOLDER = 0x40000000
OVERFLOW = 0x4000
EVENT = struct.Struct("iIII")
LIBC = ctypes.CDLL(None, use_errno=True)


@contextmanager
def opened_files(root):
    """Yield a set that holds, after the block, the files opened meanwhile in the folders below `root`.

    Files in folders that are created meanwhile are not reported.
    """
    queue = LIBC.inotify_init1(os.O_NONBLOCK | os.O_CLOEXEC)
    assert queue >= 0, os.strerror(ctypes.get_errno())
    found, folders = set(), {}
    try:
        for folder in [root, *(path for path in root.rglob("*") if path.is_dir())]:
            number = LIBC.inotify_add_watch(queue, os.fsencode(folder), OPENED)
            assert number >= 0, os.strerror(ctypes.get_errno())
            folders[number] = Path(folder)
        yield found
        found |= set(_told(queue, folders))
    finally:
        os.close(queue)


def _told(queue, folders):
    while events := _next(queue):
        at = 0
        while at < len(events):
            number, what, _, length = EVENT.unpack_from(events, at)
            at += EVENT.size + length
            assert not what & OVERFLOW, "more files were opened than the kernel remembers"
            if what & OPENED and not what & OF_FOLDER:
                yield folders[number] / os.fsdecode(events[at - length : at].rstrip(b"\0"))


def _next(queue):
    try:
        return os.read(queue, 1 << 20)
    except BlockingIOError:
        return b""
