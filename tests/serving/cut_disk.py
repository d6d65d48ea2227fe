"""The disk after a power cut, rebuilt from the log of a process that `disk_log.c` was loaded into.

Until a sync ends, the disk holds any version of a page that was written since the sync before, and pages reach it in
any order. A torn page has sectors of two versions.
"""

import struct
from collections import defaultdict
from dataclasses import dataclass

PAGE, SECTOR = 4_096, 512
_NUMBERS = struct.Struct("<3Q")


@dataclass(frozen=True)
class Record:
    """One record of the log; `number` is an offset or the number of a sync."""

    kind: str
    number: int
    length: int
    data: bytes


def read_log(path):
    """Read the records of a log."""
    text, place, records = path.read_bytes(), 0, []
    while place < len(text):
        kind = chr(text[place])
        _, number, length = _NUMBERS.unpack_from(text, place + 1)
        place += 1 + _NUMBERS.size
        data = text[place : place + length] if kind in "WA" else b""
        place += len(data)
        records.append(Record(kind, number, length, data))
    return records


class Disk:
    """The versions of all pages so far, and for each page the oldest that the disk may have."""

    def __init__(self):
        self._versions = defaultdict(lambda: [bytes(PAGE)])
        self._oldest, self._written, self._in_sync = {}, {}, {}
        self.acknowledged = []

    def follow(self, record):
        """Take one record of the log into account."""
        if record.kind == "W":
            self._write(record.number, record.data)
        elif record.kind in "CD":
            self._end_write(record)
        elif record.kind == "B":
            self._in_sync[record.number] = dict(self._written)
        elif record.kind == "E":
            self._raise_oldest(self._in_sync.pop(record.number))
        else:
            self.acknowledged.append(record.data)

    def _write(self, offset, data):
        while data:
            page, start = divmod(offset, PAGE)
            piece = data[: PAGE - start]
            before = self._versions[page][-1]
            self._versions[page].append(before[:start] + piece + before[start + len(piece) :])
            offset, data = offset + len(piece), data[len(piece) :]

    def _end_write(self, record):
        pages = range(record.number // PAGE, -(-(record.number + record.length) // PAGE))
        ended = {page: len(self._versions[page]) - 1 for page in pages}
        self._written.update(ended)
        if record.kind == "D":
            self._raise_oldest(ended)

    def _raise_oldest(self, versions):
        for page, version in versions.items():
            self._oldest[page] = max(version, self._oldest.get(page, 0))

    def after_cut(self, draw, *, share, torn):
        """Return the file after a cut: `share` of the pages have their newest version, `torn` of them two of them."""
        return self._file({page: self._draw_version(page, draw, share, torn) for page in self._versions})

    def without_one(self, draw):
        """Return the file after a cut that only one page was too late for."""
        pages = {page: versions[-1] for page, versions in self._versions.items()}
        if late := [page for page in pages if len(self._possible(page)) > 1]:
            page = draw.choice(late)
            pages[page] = draw.choice(self._possible(page)[:-1])
        return self._file(pages)

    def _file(self, pages):
        image = bytearray((1 + max(page for page, content in pages.items() if any(content))) * PAGE)
        for page, content in pages.items():
            image[page * PAGE : (page + 1) * PAGE] = content[: max(0, len(image) - page * PAGE)]
        return bytes(image)

    def _possible(self, page):
        return self._versions[page][self._oldest.get(page, 0) :]

    def _draw_version(self, page, draw, share, torn):
        versions = self._possible(page)
        content = versions[-1] if draw.random() < share else draw.choice(versions)
        if len(versions) > 1 and draw.random() < torn:
            other = draw.choice(versions)
            starts = range(0, PAGE, SECTOR)
            return b"".join(draw.choice((content, other))[start : start + SECTOR] for start in starts)
        return content
