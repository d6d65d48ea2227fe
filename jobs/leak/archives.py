"""Members of zip and tar archives, also if the archive was cut."""

import copy
import io
import struct
import tarfile
import zipfile
from collections.abc import Iterator
from typing import IO, Final, cast

from jobs.leak.damage import Damage, damage_of
from jobs.leak.expansion import Budget, Expanded, Reader

LOCAL_HEADER: Final = struct.Struct("<4s5H3I2H")
LOCAL_MAGIC: Final = b"PK\x03\x04"
ENCRYPTED: Final = 0x1
SIZES_FOLLOW: Final = 0x8
"""Bit of a zip member with its sizes behind its content instead of before it."""
TAR_BLOCK: Final = 512
SEARCH_BYTES: Final = 1 << 20

Member = tuple[str, Expanded | Damage]


def zip_members(file: IO[bytes], budget: Budget) -> Iterator[Member]:
    """Yield the members of a zip archive. Without its directory, which is at the end, they are found by their headers.

    Raises:
        Damage: The archive has no directory; raised after the last member.
    """
    try:
        archive = zipfile.ZipFile(file)
    except Exception as error:  # noqa: BLE001  # zipfile raises anything on damaged input
        damage = damage_of(error, "zip")
        yield from _members_by_header(file, budget)
        raise damage from None
    with archive:
        for info in archive.infolist():
            yield info.filename, _zip_member(archive, info, budget)


def _zip_member(archive: zipfile.ZipFile, info: zipfile.ZipInfo, budget: Budget) -> Expanded | Damage:
    if info.flag_bits & ENCRYPTED:
        return Damage("zip: encrypted")

    # A wrong checksum would hide the last bytes that were read, so it is compared only the first time.
    starts = iter([info])
    unchecked = copy.copy(info)
    del unchecked.CRC

    def start() -> Reader:
        return cast("Reader", archive.open(next(starts, unchecked)))

    return Expanded("zip", start, budget)


def _members_by_header(file: IO[bytes], budget: Budget) -> Iterator[Member]:
    position = 0
    while (position := _find(file, LOCAL_MAGIC, position)) >= 0:
        file.seek(position)
        fields = file.read(LOCAL_HEADER.size)
        if len(fields) < LOCAL_HEADER.size:
            return
        _, _, flags, method, _, _, _, packed, _, name_bytes, extra_bytes = LOCAL_HEADER.unpack(fields)
        name = file.read(name_bytes).decode("utf-8", "replace")
        start = position + LOCAL_HEADER.size + name_bytes + extra_bytes
        size = file.seek(0, 2) - start
        if not flags & SIZES_FOLLOW:
            size = min(size, packed)
        yield name, Damage("zip: encrypted") if flags & ENCRYPTED else _cut_member(file, start, size, method, budget)
        # Headers inside a member belong to an archive in it, which is opened with that member.
        position = start if flags & SIZES_FOLLOW else start + max(0, size)


def _cut_member(file: IO[bytes], position: int, size: int, method: int, budget: Budget) -> Expanded:
    info = zipfile.ZipInfo()
    info.compress_type, info.compress_size = method, max(0, size)
    # Unknown, and only compared with the number of bytes read so far.
    info.file_size = 1 << 62 if method else info.compress_size

    def start() -> Reader:
        file.seek(position)
        return cast("Reader", zipfile.ZipExtFile(file, "r", info))

    return Expanded("zip", start, budget)


def _find(file: IO[bytes], wanted: bytes, position: int) -> int:
    """Return the next position of some bytes in a file, or -1."""
    file.seek(position)
    kept = b""
    while piece := file.read(SEARCH_BYTES):
        window = kept + piece
        if (found := window.find(wanted)) >= 0:
            return position - len(kept) + found
        position += len(piece)
        kept = window[1 - len(wanted) :]
    return -1


def tar_members(file: IO[bytes], budget: Budget) -> Iterator[Member]:
    """Yield the files in a tar archive.

    Raises:
        Damage: The archive is cut or has a damaged header, at which `tarfile` stops as if that were its end.
    """
    with tarfile.open(fileobj=file, mode="r:") as archive:
        for member in archive:
            yield member.name, _tar_member(archive, member, budget)
        file.seek(archive.offset)
    block = file.read(TAR_BLOCK)
    if not block or block.strip(b"\0"):
        raise Damage("tar: it ends early, or one of its headers is damaged")


def _tar_member(archive: tarfile.TarFile, member: tarfile.TarInfo, budget: Budget) -> Expanded:
    def start() -> Reader:
        # A link has no content of its own, and its target may not be in the archive.
        inside = archive.extractfile(member) if member.isreg() else None
        return cast("Reader", inside or io.BytesIO())

    return Expanded("tar", start, budget)
