"""Days on the command line of a job that make no sense end it in one line."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[4]


def run(tmp_path, *arguments):
    """Run a job as a process, and return its exit code and its errors."""
    environ = {**os.environ, "ANTIFRAUD_HOME": str(tmp_path)}
    command = [sys.executable, "-W", "ignore", "-m", "jobs.stale", *arguments]
    done = subprocess.run(command, cwd=ROOT, env=environ, capture_output=True, text=True, check=False)
    return done.returncode, done.stderr


def test_a_range_that_ends_before_it_begins_is_refused(tmp_path):
    """Two swapped days are told in one line, with an exit code of their own."""
    assert run(tmp_path, "--from", "2026-03-31", "--to", "2026-03-01") == (
        14, "error: the range ends (2026-03-01) before it begins (2026-03-31): swap the two days\n"
    )  # fmt: skip


@pytest.mark.parametrize(
    ("day", "said"),
    [
        ("2026-02-30", "'2026-02-30' is no day of the calendar, YYYY-MM-DD was expected"),
        ("", "an empty text, as from a run without a logical date, is no day of the calendar, YYYY-MM-DD was expected"),
    ],
)
def test_no_day_of_the_calendar_is_refused(tmp_path, day, said):
    """An impossible day and an empty one are told by the parser, without a traceback."""
    code, errors = run(tmp_path, "--from", day, "--to", "2026-03-01")

    assert code == 2
    assert errors.splitlines()[-1].endswith(f"error: argument --from: {said}")
    assert "Traceback" not in errors
