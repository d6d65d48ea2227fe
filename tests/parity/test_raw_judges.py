"""Spark's ingest and the parser in plain Python judge every raw line alike."""

import datetime as dt

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from pyspark.sql import functions

from antifraud.clock import day_number, days_between, shift
from antifraud.keys.pseudonym import Key, tokenise
from antifraud.lake.feed import LONGEST_FILE, RawFile
from antifraud.lake.raw_bases import base_of
from antifraud.lake.raw_defects import DEFECTS, ROW_DEFECTS
from antifraud.lake.raw_lines import HEADER, text_lines, width_of
from antifraud.lake.raw_rows import FileDays, parse_row
from antifraud.lake.schemas import RAW
from jobs.raw.lines import read_lines
from jobs.raw.rows import LINE_BITS, judge_rows
from jobs.raw.tokens import hide

FIRST, END = dt.date(2026, 1, 1), dt.date(2026, 1, 3)
DAYS = days_between(FIRST, shift(FIRST, LONGEST_FILE))
"""Days that rows may be of until the rows themselves tell which days the file covers."""
BASE = int(dt.datetime(2026, 1, 1, tzinfo=dt.UTC).timestamp())
KEY = Key("k7", b"0123456789abcdef0123456789abcdef")
MEGABYTES = 20
PIECES = (
    b"", b" ", b'"', b"'", b"\0", b"\r", b"\r\r", b"\t", b";", b"|", b"-", b"+", b".", b",", b"0", b"00", b"9" * 18,
    b"9" * 19, b"9" * 40, b"1e3", b"70.9", b"70.91", b"70.912", b"0.00", b"-1", b"10000000.00", b"10000000.01",
    b"NaN", b"\xff\xfe", b"\xc3", b"\xe2\x82", b"\xef\xbb\xbf", "\u0663".encode(), "\u2028".encode(), b"\x85", b"\x1a",
    b"2026-01-01 24:00:00", b"2026-01-02 24:00:00", b"2026-01-01 24:00:01", b"2026-01-01 23:59:60", b"Z", b"+03:00",
    b" MSK", b".000", b"T", b"0000-01-01 00:00:00", b"9999-12-31 24:00:00", b"2026-02-29 00:00:00",
    b"2026-01-01T10:00:00+03:00", b"01.01.2026 10:00", b"1767225600",
)  # fmt: skip
"""Texts that a field may be replaced by, and that may be put before, behind or inside it."""
TIMES = ((0, "2026-01-01 00:00:00"), (86_400, "2026-01-01 24:00:00"), (259_200, "2026-01-04 00:00:00"))


def row(number, second, printed, group=None):
    """Return the fields of a usable row; `group` is the text of the optional column, None for a file without it."""
    fields = [b"%d" % number, printed.encode(), b"5", b"7", b"70.91", b"%d" % second, b"0", b"0", b"0"]
    return fields if group is None else [*fields, group]


@st.composite
def lines(draw, *, grouped):
    """Draw a line: a usable row with some of its fields spoilt; `grouped` lines have the optional column."""
    second, printed = draw(st.sampled_from(TIMES))
    group = draw(st.sampled_from((b"", b"3", b"300000000007"))) if grouped else None
    fields = row(draw(st.integers(0, 999)), second, printed, group)
    for _ in range(draw(st.integers(0, 2))):
        place = draw(st.integers(0, len(fields) - 1))
        text, piece = fields[place], draw(st.sampled_from(PIECES) | st.binary(max_size=6))
        cut = draw(st.integers(0, len(text)))
        fields[place] = draw(st.sampled_from((piece, text + piece, piece + text, text[:cut] + piece + text[cut:])))
    return b",".join(fields)


def generated(count, *, grouped=False):
    """Return that many lines in one list, because a Spark job for each would take hours."""
    found = []

    @settings(
        max_examples=count, database=None, derandomize=True, phases=[Phase.generate], deadline=None,
        suppress_health_check=list(HealthCheck),
    )  # fmt: skip
    @given((lines(grouped=grouped) | st.binary(max_size=80)).filter(lambda line: b"\n" not in line))
    def collect(line):
        found.append(line)

    collect()
    return found


def spoilt():
    """Return lines with each field replaced by each piece, because what Hypothesis draws depends on loaded modules."""
    rows = [row(1, second, printed, b"3") for second, printed in TIMES]
    return [
        b",".join([*fields[:place], piece, *fields[place + 1 :]])
        for fields in rows
        for place in range(len(fields))
        for piece in PIECES
    ]


def long_lines():
    """Return lines of 20 MB: one field, nothing but separators, and a row behind megabytes of spaces."""
    usable = row(1, 0, "2026-01-01 00:00:00")
    return [
        b",".join([*usable[:2], b"4" * (MEGABYTES << 20), *usable[3:]]),
        b"," * (MEGABYTES << 20),
        b" " * (MEGABYTES << 20) + b",".join(usable),
        b"\0" * (MEGABYTES << 20),
    ]


def by_spark(spark, path):
    """Return for each line what ingest makes of it: place of the defect, or the values of a usable row."""
    session = spark.newSession()
    session.conf.set("spark.sql.files.maxPartitionBytes", str(path.stat().st_size // 5 + 1))
    read, counts = read_lines(session, [path])
    judged = judge_rows(session, read, [RawFile(path, FIRST, END)], dict.fromkeys(DAYS, hide(session, KEY)))
    line = functions.expr(f"place & {(1 << LINE_BITS) - 1}").alias("line")
    rows = judged.select("*", line).collect()
    assert counts == {path.name: len(rows)}
    return {
        row["line"]: row["defect"]
        if row["defect"] is not None
        else (
            row["day"], row["transaction_id"], row["event_time"], row["customer"], row["terminal"], row["amount"],
            row["is_fraud"], row["scenario"], row["terminal_group"],
        )
        for row in rows
    }  # fmt: skip


def by_python(path):
    """Return the same from the parser of the core."""
    found, days = {}, FileDays.of(base_of(path), FIRST, DAYS[-1], width_of(path))
    for line, text in enumerate(text_lines(path), start=1):
        parsed = parse_row(text, days)
        if line > 1 and (usable := parsed.usable):
            day = FIRST + dt.timedelta(days=parsed.event_day - day_number(FIRST))
            parties = tokenise(KEY, "customer", usable.customer_id), tokenise(KEY, "terminal", usable.terminal_id)
            group = None if usable.group_id is None else tokenise(KEY, "group", usable.group_id)
            rest = usable.amount, usable.is_fraud, usable.scenario, group
            found[line] = (day, usable.transaction_id, usable.event_time, *parties, *rest)
        elif line > 1:
            found[line] = DEFECTS.index(parsed.defect)
    return found


@pytest.mark.parametrize(
    "hostile",
    [
        pytest.param(lambda: generated(1_500), id="many"),
        pytest.param(lambda: generated(40_000), id="very many", marks=pytest.mark.prove),
        pytest.param(long_lines, id="of 20 MB"),
    ],
)
def test_both_judge_every_line_alike(spark, tmp_path, hostile):
    """Both find the same defect in a line, or the same values, whatever its bytes are."""
    usable = [b",".join(row(number, number, f"2026-01-01 00:00:{number:02}")) for number in range(60)]
    path = tmp_path / "2026-01-01.txt"
    path.write_bytes(b"\n".join([HEADER.encode(), *usable, *hostile()]) + b"\n")

    python, sparks = by_python(path), by_spark(spark, path)

    different = {
        line: (sparks.get(line), python.get(line)) for line in sparks | python if sparks.get(line) != python.get(line)
    }
    assert different == {}
    assert base_of(path) == BASE


@pytest.mark.parametrize(
    ("ending", "rows"),
    [(b"", 60), (b"\n", 60), (b"\r\n", 60), (b"\0" * 5000, 60), (b"\n" + b"\0" * 5000, 60), (b"\r\n\0\0\r\n", 60),
     (b"\n\0\n\0\0", 61), (b"\r\0", 60), (b"\n\n", 61), (b"\nx\0\0", 61)],
    ids=["nothing", "line feed", "CRLF", "nulls", "line feed and nulls", "CRLF among nulls",
         "line of nulls", "return and null", "empty line", "line with nulls"],
)  # fmt: skip
@pytest.mark.parametrize("line_feed", [b"\n", b"\r\n"])
def test_both_see_the_same_lines_at_the_end_of_a_file(spark, tmp_path, ending, rows, line_feed):
    """NULs at the end of a file are no row, and its last row is read, whatever ends its lines."""
    usable = [b",".join(row(number, number, f"2026-01-01 00:00:{number:02}")) for number in range(60)]
    path = tmp_path / "2026-01-01.txt"
    path.write_bytes(b"\xef\xbb\xbf" + line_feed.join([HEADER.encode(), *usable]) + ending)

    python = by_python(path)

    assert by_spark(spark, path) == python
    assert len(python) == rows
    assert sum(isinstance(found, tuple) for found in python.values()) == 60


@pytest.mark.parametrize("count", [1_500, pytest.param(20_000, marks=pytest.mark.prove)])
def test_both_judge_lines_with_groups_alike(spark, tmp_path, count):
    """In a file with the optional column, too, both find the same defect in a line, or the same values."""
    usable = [b",".join(row(number, number, f"2026-01-01 00:00:{number:02}", b"%d" % number)) for number in range(60)]
    path = tmp_path / "2026-01-01.txt"
    hostile = [*spoilt(), *generated(count, grouped=True)]
    path.write_bytes(b"\n".join([RAW.header_of(10).encode(), *usable, *hostile]) + b"\n")

    python, sparks = by_python(path), by_spark(spark, path)

    different = {
        line: (sparks.get(line), python.get(line)) for line in sparks | python if sparks.get(line) != python.get(line)
    }
    assert different == {}
    assert base_of(path) == BASE
    assert sum(isinstance(found, tuple) and found[-1] is None for found in python.values()) > 20
    assert sum(isinstance(found, tuple) and found[-1] is not None for found in python.values()) > 80


def test_the_hostile_lines_try_every_defect():
    """The lines have every defect of a row taken alone, and each column is at fault in some."""
    days = FileDays.of(BASE, FIRST, END, 10)
    found = {parse_row(line, days).defect for line in [*spoilt(), *generated(1_500, grouped=True)]}

    assert found == {None, *ROW_DEFECTS}
    assert {defect.column for defect in found if defect} == {None, *RAW.column_names}
