"""A raw file's base time is the one that most of its first lines agree on."""

import gzip

import pytest

from antifraud.lake import raw_bases
from antifraud.lake.raw_bases import base_of
from antifraud.lake.raw_lines import HEADER

FIRST = 1_767_225_600  # 2026-01-01 00:00:00 UTC
HOUR = 3_600
DAY = 86_400


def row(printed, seconds):
    """Return a line with a printed time and a count of seconds."""
    return f"1,{printed},2,3,70.91,{seconds},0,0,0"


def written(folder, *lines):
    """Write a file with these lines after the header, and return its path."""
    path = folder / "2026-01-01.txt"
    path.write_text("\n".join([HEADER, *lines]) + "\n")
    return path


def test_most_rows_decide(tmp_path):
    """Most rows decide, and a single row that is an hour off does not."""
    path = written(
        tmp_path, row("2026-01-01 00:00:01", 1), row("2026-01-01 01:00:02", 2), row("2026-01-02 00:00:03", DAY + 3)
    )

    assert base_of(path) == FIRST


def test_the_earliest_of_equally_frequent_ones(tmp_path):
    """The earliest of equally frequent bases wins, in whatever order the lines come."""
    late, early = row("2026-01-01 01:00:00", 0), row("2026-01-01 00:00:00", 0)

    assert base_of(written(tmp_path, late, early)) == base_of(written(tmp_path, early, late)) == FIRST


def test_midnight_printed_as_24_ends_the_day(tmp_path):
    """A time printed as ``2025-12-31 24:00:00`` counts as the first second of the next year."""
    assert base_of(written(tmp_path, row("2025-12-31 24:00:00", 0))) == FIRST


@pytest.mark.parametrize(
    "line",
    [
        "",
        "no columns",
        row("2026-02-30 00:00:00", 0),
        row("2026-01-01 24:00:01", 0),
        row("2026-01-01 25:00:00", 0),
        row("2026-01-01T00:00:00", 0),
        row("2026-01-01 00:00:00", -1),
        row("2026-01-01 00:00:00", "1e3"),
        row("2026-01-01 00:00:00", 10**10),
        row("2026-01-01 00:00:00", 0) + ",10",
        row("2026-01-01 00:00:00", 0) + "\r",
    ],
    ids=[
        "empty", "no columns", "30 February", "second after 24", "25 hours", "T", "negative", "exponent", "too long",
        "ten columns", "carriage return in the last column",
    ],
)  # fmt: skip
def test_what_says_nothing(tmp_path, line):
    """A row without both times does not count; a row with only another column at fault does."""
    path = tmp_path / "2026-01-01.txt"
    path.write_bytes(f"{HEADER}\n{line}\n".encode())

    assert base_of(path) == (FIRST if line.endswith("\r") else None)


def test_bytes_that_are_no_text_say_nothing(tmp_path):
    """Bytes that are not text do not count, and the rows after them do."""
    path = tmp_path / "2026-01-01.txt"
    path.write_bytes(b"\xff\x00," * 500_000 + b"\n" + row("2026-01-01 01:00:00", HOUR).encode())

    assert base_of(path) == FIRST


def test_only_the_first_lines_are_asked(tmp_path, monkeypatch):
    """Only the first lines count, however many follow, in a compressed file, too."""
    monkeypatch.setattr(raw_bases, "BASE_LINES", 3)
    lines = [HEADER, row("2026-01-01 00:00:00", 0), row("2026-01-01 00:00:01", 1), *[row("2026-01-01 09:00:00", 0)] * 9]
    path = tmp_path / "2026-01-01.txt.gz"
    path.write_bytes(gzip.compress("\n".join(lines).encode()))

    assert base_of(path) == FIRST
