"""The folder of ``make run DATA=`` is judged before any service starts."""

import gzip

import pytest

from infra.local.run import main, parse

HEADER = "# tranaction_id | tx_datetime | customer_id | terminal_id | tx_amount | tx_time_seconds | tx_time_days | tx_fraud | tx_fraud_scenario\n"  # noqa: E501
TOO_SHORT = "days of history were found, 50 are needed: add raw files"


def text(day):
    return f"{HEADER}1,2026-03-{day:02} 00:00:01,5,7,1.50,1,0,0,0\n".encode()


@pytest.fixture
def folder(tmp_path):
    """Return a folder with a raw file for each of the first four days of March, and for the sixth."""
    for day in (1, 2, 3, 4, 6):
        (tmp_path / f"2026-03-{day:02}.txt").write_bytes(text(day))
    return tmp_path


def run(folder, capsys):
    """Run ``python -m infra.local.run`` on the folder, and return its exit code, its output and its errors."""
    code = main(parse(["--once", "--home", str(folder / "home"), "--data", str(folder)]))
    printed = capsys.readouterr()
    assert [path.name for path in (folder / "home").iterdir()] == ["run.lock"]
    return code, printed.out, printed.err


def test_an_entry_at_the_end_is_left_out(folder, capsys):
    """A folder named like a raw file after the last day is named and left out; the plan goes on."""
    (folder / "2026-03-07.txt").mkdir()

    code, out, err = run(folder, capsys)
    assert out == "left out: 2026-03-07.txt is a folder, a file was expected: remove it, or deliver the file\n"
    assert (code, err.endswith(f"{TOO_SHORT}\n")) == (22, True)


def test_an_entry_that_leaves_a_hole_is_refused(folder, capsys):
    """A link to nothing in the middle of the history is refused, because its day would be missing."""
    (folder / "2026-03-05.txt").symlink_to(folder / "absent")

    code, out, err = run(folder, capsys)
    assert (code, out) == (21, "")
    assert err.startswith("error: 2026-03-05.txt is a link to nothing: deliver it again")


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (gzip.compress(text(5))[:-4], "cut or damaged (the archive ends early)"),
        (gzip.compress(text(5)) + bytes(512), "zeros follow the end of the archive, which Spark cannot read"),
        (b"PK\3\4", "byte 0: not a gzip file, but a zip archive"),
    ],
    ids=["cut", "padded", "zip"],
)
def test_a_damaged_archive_is_refused(folder, capsys, content, reason):
    """An archive that ingest would refuse is refused before services start, wherever it lies."""
    (folder / "2026-03-05.txt.gz").write_bytes(content)

    code, out, err = run(folder, capsys)
    assert (code, out) == (21, "")
    assert err.startswith("error: 2026-03-05.txt.gz, byte ")
    assert reason in err


def test_whole_archives_pass(folder, capsys):
    """An archive of several members is accepted, and only the length of the history is refused."""
    (folder / "2026-03-07.txt.gz").write_bytes(gzip.compress(HEADER.encode()) + gzip.compress(text(7)))

    code, out, err = run(folder, capsys)
    assert (code, out, err) == (22, "", f"error: 3 {TOO_SHORT}\n")
