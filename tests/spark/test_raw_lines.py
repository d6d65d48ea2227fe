"""The judge of raw lines agrees with an oracle in plain Python on every line, and loses none."""

import datetime as dt
import random
import re
from decimal import Decimal, InvalidOperation

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from antifraud.keys.pseudonym import Key, tokenise
from antifraud.lake.feed import RawFile
from antifraud.lake.raw_lines import HEADER
from jobs.raw.lines import SPLITS_AT_LEAST, read_lines
from jobs.raw.repeats import mark_repeats, repeats_of, suspects_of
from jobs.raw.rows import judge_rows, place_rows, spell_out
from jobs.raw.tally import days_read
from jobs.raw.tokens import hide

FIRST, SECOND, END = dt.date(2026, 1, 1), dt.date(2026, 1, 2), dt.date(2026, 1, 3)
BASE = dt.datetime(2026, 1, 1, tzinfo=dt.UTC)
KEY = Key("k7", b"0123456789abcdef0123456789abcdef")
EXAMPLES = 3_000
ORDINARY = 400
"""Number of lines that follow the contract: enough of them to decide the file's base time."""
NASTY = (
    b"", b" ", b"-", b"+1", b"-1", b"0", b"00", b"1e3", b"1E-2", b"0x1F", b"1.5", b"1.", b".5", b"1.234", b"0.001",
    b"0.00", b"-0.01", b"70.9", b"070.91", b"10000000.00", b"10000000.01", b"9223372036854775807",
    b"9223372036854775808", b"999999999999999999", b"1000000000000000000", b"99999999999999999999999999", b"NaN",
    b"Infinity", b"Err", b"None", b"null", b"-999999", b"1 ", b" 1", b"1_000", b"\x00", b"1\x00", b"\xff\xfe", b"\xc3",
    "\u0663".encode(), "\uff11".encode(), "\u2003".encode(), b"\xef\xbb\xbf1", b'"1"', b'"1', b"'1'", b"1\r", b"\t1",
    b"2", b"true", b"2026-01-01", b"2026-01-01T06:00:00", b"2026-01-01 24:00:00", b"2026-01-02 24:00:00",
    b"2026-01-01 24:00:01", b"2026-1-1 6:00:00", b"01.01.2026 06:00:00", b"01/02/2026 06:00:00",
    b"2026-01-01 06:00:00Z", b"2026-01-01 06:00:00.5", b"2026-01-01 6:00 AM", b"2026-02-30 10:00:00",
    b"2026-01-01 23:59:60", b"0000-01-01 00:00:00", b"9999-12-31 24:00:00", b"9999-12-31 23:59:59",
    b"2026-13-01 00:00:00", b"1767225600",
)  # fmt: skip
"""None holds a comma, because a comma changes the number of columns, which `mutated` does."""


def ordinary(number):
    """Return a line that follows the contract.

    Ids repeat, so that there are duplicates, and times reach into the overlap.
    """
    draw = random.Random(number)  # noqa: S311 - test data
    second = draw.choice((0, 86_399, 86_400, 172_799, 172_800, 259_200, draw.randrange(3 * 86_400)))
    printed = BASE + dt.timedelta(seconds=second)
    text = f"{printed:%Y-%m-%d %H:%M:%S}"
    if second and second % 86_400 == 0 and draw.random() < 0.5:
        text = f"{printed - dt.timedelta(days=1):%Y-%m-%d} 24:00:00"
    amount = draw.choice(("70", "70.9", "70.91", "0.01", "10000000.00"))
    ids = f"{draw.randrange(200)},{text},{draw.randrange(5)},{draw.randrange(5)}"
    return f"{ids},{amount},{second},{second // 86_400},{draw.randrange(2)},{draw.randrange(4)}".encode()


def mutated(number, changes, extra):
    """Return an ordinary line with some columns replaced, and columns added or taken away."""
    columns = ordinary(number).split(b",")
    for position, value in changes:
        columns[position] = value
    columns = columns[:extra] if extra < 0 else columns + [b"x"] * extra
    return b",".join(columns)


no_line_feed = st.binary(max_size=60).filter(lambda line: b"\n" not in line)
changes = st.lists(st.tuples(st.integers(0, 8), st.sampled_from(NASTY) | st.binary(max_size=12)), max_size=2)
mutations = st.builds(mutated, st.integers(0, 10_000), changes, st.sampled_from((0,) * 8 + (-1, 1, 2, -8)))
lines_ = st.one_of(mutations, mutations, mutations, no_line_feed).filter(lambda line: b"\n" not in line)


def generated():
    """Return many lines from Hypothesis in one list, because a Spark job for each would take hours."""
    found = []

    @settings(
        max_examples=EXAMPLES, database=None, derandomize=True, phases=[Phase.generate], deadline=None,
        suppress_health_check=list(HealthCheck),
    )  # fmt: skip
    @given(lines_)
    def collect(line):
        found.append(line)

    collect()
    every = [mutated(7, [(position, value)], 0) for position in range(9) for value in NASTY]
    return [ordinary(number) for number in range(ORDINARY)] + found + every


def number(text, digits=18):
    return int(text) if re.fullmatch(rb"[0-9]{1,%d}" % digits, text) else None


def seconds_printed(text):
    """Return the seconds since the file's base time; 24:00:00 is the midnight that ends the day."""
    shape = re.fullmatch(rb"([0-9]{4})-([0-9]{2})-([0-9]{2}) ([0-9]{2}):([0-9]{2}):([0-9]{2})", text)
    if not shape:
        return None
    year, month, day, hour, minute, second = map(int, shape.groups())
    ends = (hour, minute, second) == (24, 0, 0)
    try:
        printed = dt.datetime(year, month, day, 0 if ends else hour, minute, second, tzinfo=dt.UTC)
    except ValueError:
        return None
    return int((printed - BASE).total_seconds()) + (86_400 if ends else 0)


def money(text):
    """Return the minor units of a plain decimal number, or None."""
    if not re.fullmatch(rb"-?[0-9]{1,10}(\.[0-9]{1,2})?", text):
        return None
    try:
        return int(Decimal(text.decode()) * 100)
    except InvalidOperation:
        return None


def verdict(line):
    """Return (day, reason, column, values) of one line, before duplicates are looked for."""
    columns = line.rstrip(b"\r").split(b",")
    if len(columns) != 9:
        return FIRST, "unparsable", None, None
    transaction, second = number(columns[0]), number(columns[5], 10)
    agrees = second is not None and seconds_printed(columns[1]) == second
    day = (BASE + dt.timedelta(seconds=second)).date() if agrees else None
    inside = day is not None and FIRST <= day <= END
    customer, terminal, amount = number(columns[2]), number(columns[3]), money(columns[4])
    checks = [
        (transaction is None, "unparsable", "tranaction_id"),
        (second is None, "unparsable", "tx_time_seconds"),
        (not agrees, "unparsable", "tx_datetime"),
        (not inside, "outside_file", "tx_datetime"),
        (customer is None, "customer_invalid", "customer_id"),
        (terminal is None, "terminal_invalid", "terminal_id"),
        (amount is None or amount > 10**9, "unparsable", "tx_amount"),
        (amount is not None and amount <= 0, "amount_not_positive", "tx_amount"),
        (not re.fullmatch(rb"-?[0-9]{1,9}", columns[6]), "unparsable", "tx_time_days"),
        (columns[7] not in (b"0", b"1"), "unparsable", "tx_fraud"),
        (number(columns[8], 2) is None, "unparsable", "tx_fraud_scenario"),
    ]
    wrong = next(((reason, column) for failed, reason, column in checks if failed), (None, None))
    values = (transaction, second, customer, terminal, amount, columns[7] == b"1", number(columns[8], 2))
    # A row outside its file counts under the nearest day that the file covers.
    nearest = day if inside else FIRST if day is None or day < FIRST else SECOND
    return nearest, *wrong, values


def expected(lines):
    """Return the verdicts by line number, where the header is line 1.

    If several rows of a day share an id, the first by (time, line) stays and the others are duplicates.
    """
    found = {line: verdict(text) for line, text in enumerate(lines, start=2)}
    seen = set()
    for line, (day, reason, _, values) in sorted(found.items(), key=lambda item: (item[1][3] or (0, 0))[1] or 0):
        if reason is None and (day, values[0]) in seen:
            found[line] = day, "duplicate", "tranaction_id", values
        elif reason is None:
            seen.add((day, values[0]))
    return found


@pytest.fixture(scope="module")
def judged_lines(spark, tmp_path_factory):
    """Return the generated lines and Spark's verdicts, which it reads from a file in small splits."""
    lines = generated()
    path = tmp_path_factory.mktemp("lines") / "2026-01-01.txt"
    path.write_bytes(b"\n".join([HEADER.encode(), *lines]) + b"\n")
    session = spark.newSession()
    session.conf.set("spark.sql.files.maxPartitionBytes", str(path.stat().st_size // 5))
    read, counts = read_lines(session, [path])
    hidden = hide(session, KEY)
    keys = {FIRST: hidden, SECOND: hidden, END: hidden}
    files = [RawFile(path, FIRST, SECOND, END)]
    unplaced = judge_rows(session, read, files, keys)
    judged = place_rows(unplaced, [files[0].as_read(days_read(unplaced, files)[path.name])])
    rows = spell_out(mark_repeats(judged, repeats_of(judged, suspects_of(judged))), files).collect()
    assert counts == {path.name: len(lines)}
    return lines, rows


def test_no_line_gets_lost_or_doubled(judged_lines):
    """Each line of the file has exactly one verdict, under its own number."""
    lines, rows = judged_lines

    assert sorted(row["line"] for row in rows) == list(range(2, len(lines) + 2))


def test_every_verdict_is_the_oracle_s(judged_lines):
    """Spark and the oracle agree on the day, the reason and the column of every line."""
    lines, rows = judged_lines
    wanted = {line: found[:3] for line, found in expected(lines).items()}

    different = {row["line"]: (lines[row["line"] - 2], (row["day"], row["reason"], row["column"]), wanted[row["line"]])
                 for row in rows if (row["day"], row["reason"], row["column"]) != wanted[row["line"]]}  # fmt: skip
    assert different == {}


def test_every_usable_row_has_the_values_of_its_line(judged_lines):
    """A usable row has exactly the id, time, tokens, minor units and label of its line."""
    lines, rows = judged_lines
    wanted = expected(lines)
    for row in (row for row in rows if row["reason"] is None):
        transaction, second, customer, terminal, amount, is_fraud, scenario = wanted[row["line"]][3]
        assert (row["transaction_id"], row["event_time"]) == (transaction, int(BASE.timestamp()) + second)
        assert row["customer"] == tokenise(KEY, "customer", customer)
        assert row["terminal"] == tokenise(KEY, "terminal", terminal)
        assert (row["amount"], row["is_fraud"], row["scenario"]) == (amount, is_fraud, scenario)


def test_the_lines_try_every_verdict(judged_lines):
    """The generated lines try every verdict: each reason occurs, with many columns, and many rows are usable."""
    _, rows = judged_lines
    found = {(row["reason"], row["column"]) for row in rows}

    assert {reason for reason, _ in found} == {
        None, "unparsable", "outside_file", "customer_invalid", "terminal_invalid", "amount_not_positive",
        "duplicate",
    }  # fmt: skip
    assert len(found) == 14
    assert sum(row["reason"] is None for row in rows) > 150


def test_repeats_are_found_by_blocks_of_ids(spark):
    """Usable rows that share an id on one day are repeats, except the first in time.

    Blocks of 64 ids narrow the search without adding false repeats.
    """
    largest = 10**18 - 1
    rows = [
        # day, transaction id, time, place, defect
        (FIRST, 0, 10, 1, None),
        (FIRST, 63, 11, 2, None),
        (FIRST, 64, 14, 3, None),
        (FIRST, 64, 13, 4, None),
        (FIRST, 65, 14, 5, None),
        (FIRST, 127, 14, 6, 3),
        (FIRST, 127, 14, 7, None),
        (FIRST, largest, 15, 8, None),
        (FIRST, largest, 15, 9, None),
        (SECOND, 0, 99, 10, None),
        (SECOND, 0, 99, 11, None),
        (SECOND, 0, 98, 12, None),
    ]
    judged = spark.createDataFrame(rows, "day date, transaction_id bigint, event_time bigint, place bigint, defect int")

    suspects = suspects_of(judged)

    assert {tuple(row) for row in suspects.collect()} == {(FIRST, 1), (FIRST, largest // 64), (SECOND, 0)}
    assert {row["place"] for row in repeats_of(judged, suspects).collect()} == {3, 9, 10, 11}


@pytest.mark.parametrize("given", [None, "7"])
def test_both_passes_split_a_file_alike(spark, tmp_path, given):
    """Reading fixes the least number of splits, so that both passes split alike; a number set before stays."""
    session = spark.newSession()
    if given:
        session.conf.set(SPLITS_AT_LEAST, given)
    (tmp_path / "2026-01-01.txt").write_text(f"{HEADER}\n0\n1\n")

    rows, counts = read_lines(session, [tmp_path / "2026-01-01.txt"])

    assert session.conf.get(SPLITS_AT_LEAST) == (given or str(session.sparkContext.defaultParallelism))
    assert [(row["line"], row["text"]) for row in rows.collect()] == [(2, "0"), (3, "1")]
    assert counts == {"2026-01-01.txt": 2}
