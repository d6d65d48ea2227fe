"""Raw files are found by name, and an unreadable file is refused by name and position."""

import datetime as dt
import gzip
import os
import re
import time

import pytest

from antifraud.errors import MissingDay, RawFileError
from antifraud.lake.coverage import DayRows
from antifraud.lake.feed import RawFile, discover, files_of, files_to_read, require_covered
from antifraud.lake.raw_lines import HEADER
from jobs.raw.files import checksums, require_unchanged, stamps

GOOD = f"{HEADER}\n0,2026-01-01 00:00:00,0,0,70.91,0,0,0,0\n".encode()
DAY = dt.date(2026, 1, 1)


def put(folder, **contents):
    for name, content in contents.items():
        (folder / name).write_bytes(content)


def test_a_file_covers_until_the_next_begins(tmp_path):
    """By its name a file may cover the days until the next begins, the last one 1,000 days; other names are ignored."""
    put(tmp_path, **{"2026-01-01.txt": GOOD, "2026-01-31.txt.gz": GOOD, "notes.md": b"", "2026-01-01.csv": b""})

    assert [(f.path.name, f.first, f.last, f.after) for f in discover(tmp_path)] == [
        ("2026-01-01.txt", dt.date(2026, 1, 1), dt.date(2026, 1, 30), dt.date(2026, 1, 31)),
        ("2026-01-31.txt.gz", dt.date(2026, 1, 31), dt.date(2028, 10, 26), None),
    ]


def test_the_last_days_of_the_calendar_are_covered(tmp_path):
    """A file of the calendar's last day covers that day, and the file before it no more than 1,000 days."""
    put(tmp_path, **{"2026-03-02.txt": GOOD, "9999-12-31.txt": GOOD})

    assert [(f.first, f.last, f.after) for f in discover(tmp_path)] == [
        (dt.date(2026, 3, 2), dt.date(2028, 11, 25), None),
        (dt.date(9999, 12, 31), dt.date(9999, 12, 31), None),
    ]


def test_files_are_found_by_the_days_that_they_may_hold(tmp_path):
    """A file is read for the days that it covers and for the day on which the next file begins."""
    put(tmp_path, **{"2026-01-01.txt": GOOD, "2026-01-04.txt": GOOD, "2026-01-05.txt": GOOD})
    files = discover(tmp_path)

    assert [f.first.day for f in files_of(files, [dt.date(2026, 1, 4)])] == [4]
    assert [f.first.day for f in files_to_read(files, [dt.date(2026, 1, 4)])] == [1, 4]
    assert [f.first.day for f in files_to_read(files, [dt.date(2026, 1, 3)])] == [1]


def test_a_day_that_no_file_covers_is_missing(tmp_path):
    """A day that no file covers is refused by name."""
    put(tmp_path, **{"2026-01-02.txt": GOOD})

    with pytest.raises(MissingDay, match="no raw file covers 2026-01-01"):
        require_covered(discover(tmp_path), [DAY])


def test_a_day_after_a_file_s_rows_is_missing(tmp_path):
    """A day after the rows of a file that was read is refused, and the message names the file and its last day."""
    file = RawFile(tmp_path / "2026-01-01.txt", DAY, dt.date(2026, 1, 30)).as_read({DAY: DayRows(40, 40, 86_399)})

    with pytest.raises(MissingDay, match=r"2026-01-01\.txt ends on 2026-01-01, 2026-01-02 is asked for"):
        require_covered([file], [DAY, dt.date(2026, 1, 2)])


def test_two_files_of_one_day_are_refused(tmp_path):
    """Two files that begin on one day are refused, and the message names both."""
    put(tmp_path, **{"2026-01-01.txt": GOOD, "2026-01-01.txt.gz": gzip.compress(GOOD)})

    with pytest.raises(RawFileError, match=r"2026-01-01\.txt and 2026-01-01\.txt\.gz both begin on 2026-01-01"):
        discover(tmp_path)


def test_no_such_calendar_day(tmp_path):
    """A name that looks like a day but is not in the calendar is refused."""
    put(tmp_path, **{"2026-02-30.txt": GOOD})

    with pytest.raises(RawFileError, match=r"2026-02-30\.txt does not name a calendar day"):
        discover(tmp_path)


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("2026-01-01.txt", b"", "line 1: the file is empty"),
        ("2026-01-01.txt", b"a,b,c\n1,2,3\n", "line 1: not the header of the contract"),
        ("2026-01-01.txt", GOOD.replace(b"tranaction", b"transaction"), "line 1: not the header"),
        ("2026-01-01.txt", GOOD.replace(b"\n", b"\r"), "line 1: not the header"),
        ("2026-01-01.txt", bytes(range(256)) * 100, "line 1: not the header"),
        ("2026-01-01.txt.gz", GOOD, "byte 0: not a gzip file"),
        ("2026-01-01.txt.gz", gzip.compress(GOOD * 5000, mtime=0)[:-200], r"byte \d+ of the text: cut or damaged"),
    ],
    ids=["empty", "other columns", "one name wrong", "carriage returns alone", "binary", "not gzip", "cut gzip"],
)
def test_an_unreadable_file_is_refused(tmp_path, name, content, message):
    """The error about an unreadable file names the file and the position, but not the content."""
    put(tmp_path, **{name: content})

    sums, [refusal] = checksums(discover(tmp_path), {})

    assert sums == {}
    assert (refusal.file.path.name, re.match(f"{name}, {message}", refusal.reason) is not None) == (name, True)


def test_checksums_follow_the_content(tmp_path):
    """A file with the same name but other bytes has another checksum."""
    put(tmp_path, **{"2026-01-01.txt": GOOD})
    before, refused = checksums(discover(tmp_path), {})
    put(tmp_path, **{"2026-01-01.txt": GOOD + GOOD.splitlines()[1] + b"\n"})

    assert checksums(discover(tmp_path), {})[0] != before
    assert (before.keys(), refused) == ({"2026-01-01.txt"}, [])


def test_a_correction_in_place_is_noticed_by_its_change_time(tmp_path):
    """A correction of equal size, with the modification time set back, gives another stamp, and a run is stopped."""
    put(tmp_path, **{"2026-01-01.txt": GOOD})
    files, path = discover(tmp_path), tmp_path / "2026-01-01.txt"
    before, times = stamps(files), path.stat()
    time.sleep(0.05)  # The clock of a file system ticks every few milliseconds.
    with path.open("r+b") as file:
        file.write(GOOD.replace(b"70.91", b"70.92"))
    os.utime(path, ns=(times.st_atime_ns, times.st_mtime_ns))

    [[stamp, earlier]] = zip(stamps(files).values(), before.values(), strict=True)
    assert (stamp.size, stamp.modified, stamp.version) == (earlier.size, earlier.modified, earlier.version)
    assert stamp.changed > earlier.changed
    with pytest.raises(RawFileError, match="it changed while it was read"):
        require_unchanged(files, before)
