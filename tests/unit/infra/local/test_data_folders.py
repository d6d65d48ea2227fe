"""`make run DATA=` reads its folder before it starts anything, and ends in one line if the folder is of no use."""

import datetime as dt
import gzip
import io
import re
import zipfile

import pytest

from antifraud.lake.raw_lines import HEADER
from infra.local.raw_folder import calendar
from infra.local.run import main, parse

FIRST = dt.date(2026, 3, 1)
DAYS = [FIRST + dt.timedelta(days=number) for number in range(3)]


def text_of(day, *more):
    """Return a file with 40 usable rows of a day, followed by other lines."""
    start = dt.datetime.combine(day, dt.time(tzinfo=dt.UTC))
    times = [(second, start + dt.timedelta(seconds=second)) for second in range(40)]
    rows = [f"{second},{printed:%Y-%m-%d %H:%M:%S},5,7,70.91,{second},0,0,0" for second, printed in times]
    return "\n".join([HEADER, *rows, *more, ""]).encode()


def zipped(content):
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as file:
        file.writestr("2026-03-03.txt", content)
    return archive.getvalue()


def fill(folder, **last):
    """Write three days; `last` has other endings and contents of the files of the last one."""
    folder.mkdir()
    for day in DAYS[: 3 - len(last)]:
        (folder / f"{day}.txt").write_bytes(text_of(day))
    for ending, content in last.items():
        (folder / f"{DAYS[2]}.{ending}").write_bytes(content)
    return folder


def run(tmp_path, capsys, data):
    """Run the command, and return its exit code and its only line of errors."""
    code = main(parse(["--once", "--home", str(tmp_path / "home"), "--data", str(data)]))
    [message] = capsys.readouterr().err.splitlines()
    return code, message


LAST = text_of(DAYS[2])
STRAY = "99,2062-03-03 00:00:00,5,7,1.00,1136073600,13149,0,0"
ACCEPTED = {
    "plain": LAST,
    "mark": b"\xef\xbb\xbf" + LAST,
    "CRLF": LAST.replace(b"\n", b"\r\n"),
    "CRLF in the body": LAST.replace(b"\n", b"\r\n").replace(b"\r\n", b"\n", 1),
    "NULs": LAST + b"\0" * 5_000,
    "header only": HEADER.encode() + b"\n",
    "a date that no calendar has": text_of(DAYS[2], "99,2026-02-30 00:00:00,5,7,1.00,3,0,0,0"),
    "a mistyped year": text_of(DAYS[2], "99,2062-03-03 00:00:03,5,7,1.00,3,0,0,0"),
    "a stray quote": text_of(DAYS[2], '99,"2026-03-03 00:00:03,5,7,1.00,3,0,0,0'),
    "an id of 20 digits": text_of(DAYS[2], f"99,2026-03-03 00:00:03,{'6' * 20},7,1.00,3,0,0,0"),
    "a line of 20 MB": text_of(DAYS[2], f"99,2026-03-03 00:00:03,{'6' * (20 << 20)},7,1.00,3,0,0,0"),
}


@pytest.mark.parametrize("form", ACCEPTED)
def test_a_readable_folder_gets_to_its_windows(tmp_path, capsys, form):
    """Three days are too few for a model, and that is all that is wrong; no service was started and no world noted."""
    data = fill(tmp_path / "data", txt=ACCEPTED[form])

    assert calendar(data) == (DAYS[0], DAYS[2])
    assert run(tmp_path, capsys, data) == (
        22, "error: 0 days of history were found, 50 are needed: add raw files"
    )  # fmt: skip
    assert sorted(path.name for path in (tmp_path / "home").iterdir()) == ["run.lock"]


@pytest.mark.parametrize(
    ("files", "message"),
    [
        ({"txt.gz": gzip.compress(LAST)[:-20]}, r"2026-03-03\.txt\.gz, .*deliver it again"),
        ({"txt.gz": zipped(LAST)}, r"2026-03-03\.txt\.gz, .*deliver it again"),
        ({"txt": b""}, r"2026-03-03\.txt, line 1: the file is empty"),
        ({"txt": zipped(LAST)}, r"2026-03-03\.txt, line 1: .*a zip archive found"),
        ({"txt": LAST.decode().encode("utf-16")}, r"2026-03-03\.txt, line 1: .*text in UTF-16 found"),
        (
            {"txt": LAST.replace(b",0\n", b",0,\n")},
            r"line 2: 10 columns \(the last one is empty\) found, 9 columns exp",
        ),
        (
            {"txt": LAST.replace(b"70.91", b"70,91")},
            r"line 2: 10 columns \(a decimal comma in tx_amount\) found, 9 col",
        ),
        ({"txt": LAST, "txt.gz": gzip.compress(LAST)}, r"both begin on 2026-03-03"),
    ],
    ids=["cut", "zip as gz", "empty", "zip as txt", "UTF-16", "trailing comma", "decimal comma", "two files"],
)
def test_an_unreadable_folder_is_refused_as_by_ingest(tmp_path, capsys, files, message):
    """The error is one line that names the file and the reason, and no service was started."""
    code, said = run(tmp_path, capsys, fill(tmp_path / "data", **files))

    assert code == 21
    assert re.search(message, said)
    assert sorted(path.name for path in (tmp_path / "home").iterdir()) == ["run.lock"]


def test_a_damaged_file_in_the_middle_is_found_too(tmp_path, capsys):
    """Every file is read, not only the last one, before anything starts."""
    data = fill(tmp_path / "data")
    (data / "2026-03-02.txt").rename(data / "2026-03-02.txt.gz")

    assert run(tmp_path, capsys, data)[0] == 21


def test_a_file_without_a_usable_time_in_the_middle_is_refused(tmp_path, capsys):
    """A file of milliseconds among good ones is refused as by ingest, and a day with a header only is none."""
    data = fill(tmp_path / "data")
    (data / "2026-03-01.txt").write_text(f"{HEADER}\n")
    assert run(tmp_path, capsys, data)[0] == 22

    (data / "2026-03-02.txt").write_text(f"{HEADER}\n1,2026-03-02 00:00:01.000,5,7,1.50,1,0,0,0\n")
    code, said = run(tmp_path, capsys, data)
    assert code == 21
    assert said == (
        "error: 2026-03-02.txt, line 2: tx_datetime: a time with fractions of a second found, YYYY-MM-DD hh:mm:ss, the "
        "time that tx_time_seconds tells expected; no row with a usable time among the first 1 (unparsable 1 "
        "(tx_datetime 1)): deliver it again"
    )


def test_a_few_odd_rows_do_not_move_the_calendar(tmp_path):
    """One usable row of 2062 among 3,000 rows of a day does not add 36 years to the calendar."""
    data = fill(tmp_path / "data")
    start = dt.datetime.combine(DAYS[2], dt.time(tzinfo=dt.UTC))
    times = [(second, start + dt.timedelta(seconds=second)) for second in range(3_000)]
    rows = [f"{second},{printed:%Y-%m-%d %H:%M:%S},5,7,70.91,{second},0,0,0" for second, printed in times]
    (data / "2026-03-03.txt").write_text("\n".join([HEADER, *rows, STRAY, ""]))

    assert calendar(data) == (DAYS[0], DAYS[2])
