"""Days on the command line of a job that make no sense end it in one line."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from jobs.spark.runtime import range_parser

ROOT = Path(__file__).resolve().parents[4]


@pytest.mark.parametrize(("job", "more"), [("ingest", []), ("replay", ["--release", "r1"])])
def test_a_range_that_ends_before_it_begins_is_refused(tmp_path, job, more):
    """Two swapped days are told in one line, with an exit code of their own, before a session starts."""
    command = [sys.executable, "-W", "ignore", "-m", f"jobs.{job}", "--from", "2026-03-31", "--to", "2026-03-01", *more]
    environ = {**os.environ, "ANTIFRAUD_HOME": str(tmp_path)}

    done = subprocess.run(command, cwd=ROOT, env=environ, capture_output=True, text=True, check=False)

    assert (done.returncode, done.stdout) == (14, "")
    assert done.stderr == "error: the range ends (2026-03-01) before it begins (2026-03-31): swap the two days\n"
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("day", "said"),
    [
        ("2026-02-30", "'2026-02-30' is no day of the calendar, YYYY-MM-DD was expected"),
        ("", "an empty text, as from a run without a logical date, is no day of the calendar, YYYY-MM-DD was expected"),
    ],
)
def test_no_day_of_the_calendar_is_refused(capsys, day, said):
    """An impossible day and an empty one are told by the parser in its last line."""
    with pytest.raises(SystemExit) as ended:
        range_parser(None).parse_args(["--from", day, "--to", "2026-03-01"])

    assert ended.value.code == 2
    assert capsys.readouterr().err.splitlines()[-1].endswith(f"error: argument --from: {said}")
