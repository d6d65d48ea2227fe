"""Entries of the raw folder are judged one by one, and whatever is accepted can be read by Spark."""

import dataclasses
import datetime as dt
import gzip
import os
import zlib

import pytest

from antifraud.errors import RawFileError
from antifraud.exit_codes import returns_exit_code
from antifraud.lake.catalog import open_catalog, read_days
from antifraud.lake.raw_lines import HEADER
from antifraud.lake.raw_text import open_text
from antifraud.lake.schemas import CLEAN, QUARANTINE
from jobs import ingest, stale
from jobs.raw.lines import read_lines
from jobs.raw.rows import judge_rows
from jobs.spark.runtime import range_parser
from jobs.spark.troubles import translate_troubles

FIRST = dt.date(2026, 3, 1)
ROWS = 3


def name(number, suffix=""):
    """Return the name of the raw file of a day, counted from 0."""
    return f"{FIRST + dt.timedelta(days=number)}.txt{suffix}"


def text(number, amount="1.50"):
    """Return a raw file of `ROWS` usable rows of a day."""
    day = FIRST + dt.timedelta(days=number)
    lines = [f"{row},{day} 00:00:{row:02},{row},7,{amount},{row},0,0,0" for row in range(ROWS)]
    return "\n".join([HEADER, *lines, ""]).encode()


def deliver(folder, *numbers):
    """Write ordinary raw files of some days."""
    for number in numbers:
        (folder / name(number)).write_bytes(text(number))


@returns_exit_code
def run(main, settings, parser, days):
    """Run a job's main function on the first `days` days, and return its exit code."""
    arguments = ["--from", str(FIRST), "--to", str(FIRST + dt.timedelta(days=days - 1))]
    with translate_troubles(settings):
        main(settings, parser.parse_args(arguments))


def run_ingest(session, settings, days):
    """Run ingest on the first `days` days, and return its exit code."""
    return run(lambda *both: ingest.main(session, *both), settings, ingest.parser(), days)


def loaded(settings, table=CLEAN):
    """Return the number of rows of a table for each day that has some, counted from 0."""
    last = FIRST + dt.timedelta(days=60)
    days = read_days(open_catalog(settings), table, FIRST, last, ["day"])["day"].to_pylist()
    return {(day - FIRST).days: days.count(day) for day in sorted(set(days))}


def test_each_entry_is_refused_for_itself(settings, open_lake, capsys):
    """Entries that are no readable file are refused by name, the other days load, and a second delivery is taken.

    `stale` lists the other days too, and ends with the same exit code.
    """
    raw = settings.raw_path
    deliver(raw, 0, 2, 4, 6, 8, 10)
    (raw / name(1)).mkdir()
    (raw / name(1) / "part-00000").write_bytes(text(1))
    (raw / name(3)).symlink_to(raw / "nowhere")
    os.mkfifo(raw / name(5))
    (raw / name(7, ".gz")).write_bytes(gzip.compress(text(7)) + bytes(512))
    (raw / name(9, ".gz")).write_bytes(b"PK\3\4" + text(9))
    session = open_lake(settings)

    assert run_ingest(session, settings, 11) == 21
    assert capsys.readouterr().err == (
        "error: 2026-03-02.txt is a folder, a file was expected: remove it, or deliver the file; "
        "2026-03-04.txt is a link to nothing: deliver it again, and move no file while a job reads it; "
        "2026-03-06.txt is a pipe, a file was expected: remove it, or deliver the file; "
        f"2026-03-08.txt.gz, byte {len(text(7))} of the text: zeros follow the end of the archive, which Spark cannot "
        "read: deliver it again; "
        "2026-03-10.txt.gz, byte 0: not a gzip file, but a zip archive: deliver it again\n"
    )
    assert loaded(settings) == {0: ROWS, 2: ROWS, 4: ROWS, 6: ROWS, 8: ROWS, 10: ROWS}

    assert run(stale.main, settings, range_parser(None), 11) == 21
    assert "unreadable       2026-03-08: 2026-03-08.txt.gz, byte" in capsys.readouterr().out

    (raw / name(7, ".gz")).write_bytes(gzip.compress(text(7)))
    assert run_ingest(session, settings, 11) == 21
    assert capsys.readouterr().err.count("deliver") == 4
    assert loaded(settings) == {0: ROWS, 2: ROWS, 4: ROWS, 6: ROWS, 7: ROWS, 8: ROWS, 10: ROWS}


def test_odd_but_whole_files_load(settings, open_lake):
    """Archives of several members, links, a stale sidecar of checksums and a folder named like a pattern lose no row.

    Files of other names are ignored.
    """
    settings = dataclasses.replace(settings, raw_dir=str(settings.home / "_.hidden=[1] {a,b}*?\\"))
    raw, elsewhere = settings.raw_path, settings.home / "_[else]{where}"
    raw.mkdir()
    elsewhere.mkdir()
    (elsewhere / name(0)).write_bytes(text(0))
    (raw / name(0)).symlink_to(elsewhere / name(0))
    (raw / name(1)).write_bytes(text(1))
    (raw / f".{name(1)}.crc").write_bytes(b"crc\0\0\0\2\0\1\2\3\4")
    (raw / name(2, ".gz")).write_bytes(b"".join(gzip.compress(line) for line in text(2).splitlines(keepends=True)))
    (raw / name(3, ".gz")).write_bytes(gzip.compress(text(3)) + gzip.compress(b""))
    for other in ("2026-03-05.txt.tmp", "_2026-03-05.txt", ".2026-03-05.txt", "2026-03-0[5].txt", "٢٠٢٦-03-05.txt"):
        (raw / other).write_bytes(text(4))

    assert run_ingest(open_lake(settings), settings, 4) == 0
    assert loaded(settings) == {0: ROWS, 1: ROWS, 2: ROWS, 3: ROWS}
    assert loaded(settings, QUARANTINE) == {}


def test_a_correction_in_place_is_loaded(settings, open_lake):
    """A correction of equal size replaces the day's rows, although the time of modification was set back."""
    deliver(settings.raw_path, 0)
    session, path = open_lake(settings), settings.raw_path / name(0)
    assert run_ingest(session, settings, 1) == 0
    times = path.stat()
    with path.open("r+b") as file:
        file.write(text(0, amount="2.75"))
    os.utime(path, ns=(times.st_atime_ns, times.st_mtime_ns))

    assert run_ingest(session, settings, 1) == 0
    assert read_days(open_catalog(settings), CLEAN, FIRST, FIRST)["amount"].to_pylist() == [275] * ROWS


@pytest.mark.parametrize("after_base", [False, True])
def test_a_file_that_vanishes_stops_the_run_in_one_line(settings, open_lake, monkeypatch, capsys, after_base):
    """A file that disappears during the run ends it with one line, whether Python or Spark misses it."""
    deliver(settings.raw_path, 0)

    def judge_and_remove(*arguments):
        rows = judge_rows(*arguments) if after_base else None
        (settings.raw_path / name(0)).unlink()
        return rows or judge_rows(*arguments)

    monkeypatch.setattr("jobs.lake.ingest.judge_rows", judge_and_remove)

    assert run_ingest(open_lake(settings), settings, 1) == 21
    said = capsys.readouterr().err
    assert ("Spark could not read 2026-03-01.txt, it is gone: " if after_base else "2026-03-01.txt is gone: ") in said
    assert loaded(settings) == {}


def archive_variants():
    """Return archives by what is odd about them."""
    whole = gzip.compress(text(0) * 400, mtime=0)
    head, rest = whole[:3], whole[4:10]
    checked = head + b"\2" + rest
    yield "whole", whole
    yield "stored", gzip.compress(text(0), compresslevel=0)
    yield "empty member first", gzip.compress(b"") + whole
    yield "empty member last", whole + gzip.compress(b"")
    yield "file name", head + b"\x08" + rest + b"na\xffme\0" + whole[10:]
    yield "comment", head + b"\x10" + rest + b"comment\0" + whole[10:]
    yield "extra field", head + b"\x04" + rest + b"\4\0abcd" + whole[10:]
    yield "header sum", checked + (zlib.crc32(checked) & 0xFFFF).to_bytes(2, "little") + whole[10:]
    yield "wrong header sum", checked + b"\0\0" + whole[10:]
    yield "unknown flags", head + b"\xe0" + whole[4:]
    yield "one zero", whole + b"\0"
    yield "a block of zeros", whole + bytes(512)
    yield "zeros between", whole + bytes(64) + whole
    yield "garbage", whole + b"garbage"
    yield "one byte of garbage", whole + b"x"
    yield "half a member", whole + b"\x1f"
    yield "half a header", whole + whole[:2]
    yield "cut", whole[:-100]
    yield "cut in the trailer", whole[:-1]
    yield "wrong sum", whole[:-8] + b"\1\2\3\4" + whole[-4:]
    yield "wrong length", whole[:-4] + b"\1\2\3\4"
    yield "text", text(0)
    yield "zip", b"PK\3\4" + whole


def test_spark_accepts_the_archives_that_python_accepts(settings, spark):
    """For each odd archive, Python's check and Spark agree whether it can be read, and how many lines it has."""
    judged = {}
    for number, (odd, content) in enumerate(archive_variants()):
        path = settings.raw_path / name(number, ".gz")
        path.write_bytes(content)
        judged[odd] = by_python(path), by_spark(spark, settings, path)

    assert {odd: verdicts for odd, verdicts in judged.items() if verdicts[0] != verdicts[1]} == {}
    assert [odd for odd, (lines, _) in judged.items() if lines is not None] == [
        "whole", "stored", "empty member first", "empty member last", "file name", "comment", "extra field",
        "header sum",
    ]  # fmt: skip


def by_python(path):
    try:
        with open_text(path) as lines:
            return sum(1 for _ in lines) - 1
    except (OSError, EOFError):
        return None


def by_spark(spark, settings, path):
    try:
        with translate_troubles(settings):
            return read_lines(spark, [path])[1][path.name]
    except RawFileError as error:
        return None if f"Spark could not read {path.name}, it is a cut or damaged archive: " in str(error) else error
