"""The parser of raw rows in plain Python reads values by the contract, and words of faults repeat no value."""

import datetime as dt

import pytest

from antifraud.lake.raw_faults import describe, fault_of, header_fault
from antifraud.lake.raw_lines import HEADER, has_rows, line_of, text_lines
from antifraud.lake.raw_rows import FileDays, UsableRow, parse_row

BASE = 1_772_323_200  # 2026-03-01 00:00:00 UTC
DAYS = FileDays.of(BASE, dt.date(2026, 3, 1), dt.date(2026, 3, 2))
ROW = b"12,2026-03-01 00:10:00,5,7,70.9,600,0,1,2"


def with_field(place, text):
    """Return the usable row with another text in one of its columns."""
    fields = ROW.split(b",")
    return b",".join([*fields[:place], text, *fields[place + 1 :]])


@pytest.mark.parametrize(
    ("text", "units"),
    [(b"70", 7_000), (b"70.9", 7_090), (b"70.91", 7_091), (b"0.29", 29), (b"0.07", 7), (b"9999999.99", 999_999_999)],
)
def test_amounts_are_exact(text, units):
    """An amount is read digit by digit, because 0.29 times 100 is 28.999999999999996 as a float."""
    assert parse_row(with_field(4, text), DAYS).usable == UsableRow(
        12, BASE + 600, 5, 7, units, is_fraud=True, scenario=2
    )


def test_midnight_printed_as_24_belongs_to_the_next_day():
    """A row of ``2026-03-01 24:00:00`` is of March 2."""
    row = parse_row(b"12,2026-03-01 24:00:00,5,7,70.9,86400,0,1,2", DAYS)

    assert (row.defect, row.event_time, row.event_day - DAYS.first) == (None, BASE + 86_400, 1)


@pytest.mark.parametrize(
    ("line", "fault"),
    [
        (ROW + b",", "10 columns (the last one is empty) found, 9 columns expected"),
        (b",".join([ROW] * 3), "27 columns found, 9 columns expected"),
        (ROW.replace(b",", b";"), "1 column (semicolons between them) found, 9 columns expected"),
        (ROW.replace(b",", b"\t"), "1 column (tabs between them) found, 9 columns expected"),
        (b"\0\0\0", "1 column (only NULs) found, 9 columns expected"),
        (b"", "1 column found, 9 columns expected"),
        (with_field(4, b"70,91"), "10 columns (a decimal comma in tx_amount) found, 9 columns expected"),
        (with_field(0, b"9" * 20), "tranaction_id: 20 digits found, 1 to 18 digits expected"),
        (with_field(5, b"6e2"), "tx_time_seconds: a number with an exponent found, 1 to 10 digits expected"),
        (with_field(1, b"2026-02-30 00:10:00"), "tx_datetime: a time that no calendar has found, "),
        (with_field(1, b"2026-03-01 03:10:00"), "tx_datetime: a time 3:00:00 later found, "),
        (with_field(1, b"2026-03-01T00:10:00"), "tx_datetime: a time with a T after the date found, "),
        (with_field(1, b"01.03.2026 00:10"), "tx_datetime: a date in another order found, "),
        (b"1,2026-03-09 00:00:00,5,7,1,691200,0,0,0", "tx_datetime: a day 7 days after the last of the file found, "),
        (b"1,2026-02-28 00:00:00,5,7,1,0,0,0,0", "tx_datetime: a time 1 day, 0:00:00 earlier found, "),
        (with_field(2, b""), "customer_id: nothing found, 1 to 18 digits expected"),
        (with_field(2, b" 5"), "customer_id: a text with spaces around it found, 1 to 18 digits expected"),
        (with_field(3, b"Err"), "terminal_id: a text of 3 bytes found, 1 to 18 digits expected"),
        (with_field(3, b"\xff\xfe"), "terminal_id: bytes that are not UTF-8 found, 1 to 18 digits expected"),
        (with_field(4, b"10000000.01"), "tx_amount: a number with 2 decimals found, a number up to 10000000.00 with "),
        (with_field(4, b"-3"), "tx_amount: a negative number of 1 digit (zero or less) found, more than zero expected"),
        (with_field(6, b"x"), "tx_time_days: a text of 1 byte found, 1 to 9 digits expected"),
        (with_field(7, b"true"), "tx_fraud: a text of 4 bytes found, 0 or 1 expected"),
        (with_field(8, b"1\r2"), "tx_fraud_scenario: a text with a carriage return found, 1 or 2 digits expected"),
    ],
)
def test_a_fault_is_told_in_words(line, fault):
    """A fault names column, kind of text and expectation."""
    defect = parse_row(line, DAYS).defect

    assert fault_of(line, defect, DAYS).startswith(fault)


@pytest.mark.parametrize(
    "text", [b"612345678901", b'"612345678901"', b"C-612345678901", b"612345678901.5", b"6123456789\xe9"]
)
def test_words_never_repeat_the_text(text):
    """Whatever a column holds, it may be an identifier, so no part of it is repeated."""
    assert "6123" not in describe(text)


@pytest.mark.parametrize(
    ("header", "fault"),
    [
        (HEADER.replace(" |", "").replace("# ", ""), "1 column found, 9 expected"),
        (HEADER.replace("tranaction", "transaction"), "another name than tranaction_id found"),
        (HEADER.replace("# ", "").replace(" | ", ","), "commas between the columns found, ' | ' expected"),
        (HEADER[2:], "the names with other signs or spaces between them found"),
        ("PK\3\4", "a zip archive found"),
    ],
)
def test_a_wrong_header_is_told_in_words(header, fault):
    """The message says what differs, and not that 9 columns were found where 9 were expected."""
    assert header_fault(header.encode()) == fault


def test_lines_have_no_ends_marks_and_padding(tmp_path):
    """The mark, carriage returns and NULs at the end are no part of a line; inside the file they are."""
    path = tmp_path / "2026-03-01.txt"
    path.write_bytes(b"\xef\xbb\xbfa\r\nb\0\r\nc\rd\n\xef\xbb\xbfe\r\r\nf\0\0")

    assert list(text_lines(path)) == [b"a", b"b\0", b"c\rd", b"\xef\xbb\xbfe", b"f"]
    assert line_of(path, 3) == b"c\rd"


@pytest.mark.parametrize(("content", "found"), [(b"a", False), (b"a\n\0\0", False), (b"a\n\n", True), (b"a\nb", True)])
def test_padding_is_no_row(tmp_path, content, found):
    """A header with padding behind it has no row, and an empty line is one."""
    path = tmp_path / "2026-03-01.txt"
    path.write_bytes(content)

    assert has_rows(path) == found
