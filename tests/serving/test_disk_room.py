"""The store's reserve on the disk, also on file systems that cannot allocate it."""

import ctypes
import errno
from types import SimpleNamespace

import pytest

from serving.store import room
from serving.store.room import Room

CONTENT = b"page" * 1_024
RESERVE = 1 << 20


@pytest.fixture
def known(tmp_path):
    """The room of a file with one page, with a reserve of a megabyte."""
    file = tmp_path / "data.mdb"
    file.write_bytes(CONTENT)
    return Room(file, 8 * RESERVE), file


def refuse(monkeypatch, code):
    """Let the file system refuse to allocate."""

    def fallocate(*_):
        ctypes.set_errno(code)
        return -1

    monkeypatch.setattr(room, "_LIBC", SimpleNamespace(fallocate=fallocate))


def test_the_file_gets_the_reserve(known):
    """The file grows by the reserve, and keeps its content."""
    measured, file = known
    measured.keep_on_disk(0)
    assert measured.disk_error == ""
    assert file.stat().st_size == 4_096 + RESERVE
    assert file.read_bytes() == CONTENT + bytes(RESERVE)


def test_a_full_disk_is_noted(known, monkeypatch):
    """A disk without room for the reserve ends decisions."""
    measured, _ = known
    refuse(monkeypatch, errno.ENOSPC)
    measured.keep_on_disk(0)
    assert measured.disk_error == "ENOSPC"
    assert measured.refusal(room.DECISIONS) == "the disk of the decision store is full (ENOSPC): make room"


def test_nothing_is_written_where_nothing_can_be_allocated(known, monkeypatch):
    """A file system that cannot allocate leaves the file alone: zeros would race with the writes of LMDB."""
    measured, file = known
    refuse(monkeypatch, errno.EOPNOTSUPP)
    measured.keep_on_disk(0)
    assert measured.disk_error == ""
    assert file.read_bytes() == CONTENT


def test_such_a_file_system_needs_the_reserve_free(known, monkeypatch):
    """Where nothing can be allocated, the free space of the disk counts."""
    measured, _ = known
    refuse(monkeypatch, errno.EOPNOTSUPP)
    monkeypatch.setattr(room.os, "fstatvfs", lambda _: SimpleNamespace(f_bavail=255, f_frsize=4_096))
    measured.keep_on_disk(0)
    assert measured.disk_error == "ENOSPC"
