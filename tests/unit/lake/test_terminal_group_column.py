"""The optional column of a terminal's group: which files have it, and how its texts are read."""

import datetime as dt

import pytest

from antifraud.lake.raw_bases import base_of
from antifraud.lake.raw_faults import fault_of, header_fault
from antifraud.lake.raw_lines import HEADER, require_readable, width_of
from antifraud.lake.raw_rows import FileDays, UsableRow, parse_row

BASE = 1_772_323_200  # 2026-03-01 00:00:00 UTC
WITH_GROUPS = f"{HEADER} | terminal_group_id"
DAYS = FileDays.of(BASE, dt.date(2026, 3, 1), dt.date(2026, 3, 2), 10)
ROW = b"12,2026-03-01 00:10:00,5,7,70.9,600,0,1,2"


@pytest.mark.parametrize(("text", "group"), [(b"3", 3), (b"0", 0), (b"300000000007", 300_000_000_007), (b"", None)])
def test_a_row_may_name_its_terminal_s_group(text, group):
    """An id is read as a number, and an empty text means that the terminal has no group."""
    usable = UsableRow(12, BASE + 600, 5, 7, 7_090, is_fraud=True, scenario=2, group_id=group)

    assert parse_row(ROW + b"," + text, DAYS).usable == usable


@pytest.mark.parametrize(
    ("line", "fault"),
    [
        (ROW, "9 columns found, 10 columns expected"),
        (ROW + b",3,", "11 columns (the last one is empty) found, 10 columns expected"),
        (ROW.replace(b"70.9", b"70,9") + b",3", "11 columns (a decimal comma in tx_amount) found, 10 columns expected"),
        (ROW + b",north", "terminal_group_id: a text of 5 bytes found, nothing, or 1 to 18 digits expected"),
        (ROW + b",-1", "terminal_group_id: a negative number of 1 digit found, nothing, or 1 to 18 digits expected"),
        (ROW + b"," + b"9" * 19, "terminal_group_id: 19 digits found, nothing, or 1 to 18 digits expected"),
    ],
)
def test_a_fault_is_told_by_the_columns_of_the_file(line, fault):
    """A file with the column has ten columns, and a group that is no id makes the row unusable."""
    assert fault_of(line, parse_row(line, DAYS).defect, DAYS) == fault


@pytest.mark.parametrize(
    ("content", "width"),
    [
        (WITH_GROUPS.encode() + b"\n", 10),
        (b"\xef\xbb\xbf" + WITH_GROUPS.encode() + b"\r\n" + ROW, 10),
        (WITH_GROUPS.encode() + b"\0\0\n", 10),
        (HEADER.encode() + b"\n" + ROW, 9),
    ],
)
def test_the_header_tells_the_columns(tmp_path, content, width):
    """A file has the column if its header names it, whatever ends that line."""
    path = tmp_path / "2026-03-01.txt"
    path.write_bytes(content)

    require_readable(path)
    assert width_of(path) == width


def test_another_optional_column_is_refused():
    """A name that the contract does not know is no header, and a file with it is refused."""
    assert header_fault(f"{HEADER} | chain".encode()) == "another name than terminal_group_id found"
    assert header_fault(f"{WITH_GROUPS} | more".encode()) == "11 columns found, 9 expected"


def test_lines_with_groups_tell_the_base_time(tmp_path):
    """The vote on the base time counts lines that have the columns of the file's header."""
    path = tmp_path / "2026-03-01.txt"
    path.write_bytes(b"\n".join([WITH_GROUPS.encode(), ROW + b",3", b"1,2026-03-09 00:00:00,5,7,1,0,0,0,0"]))

    assert base_of(path) == BASE
