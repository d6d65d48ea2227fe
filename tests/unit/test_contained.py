"""The wrapper around the tests reports what they leave behind, and passes everything else on."""

import subprocess
import sys

import pytest

from tests.contained import LEFT_BEHIND, ROOT

CLEAN = "pass"
FAILED = "raise SystemExit(3)"
DAEMON = "import subprocess; subprocess.Popen(['sleep', '600'], start_new_session=True)"
RENAMED = "import subprocess; subprocess.Popen(['renamed', '600'], executable='/bin/sleep', env={})"


def contained(program):
    """Run a Python program inside the wrapper, with a tenth of a second of patience."""
    wrapped = f"import sys, tests.contained as c; sys.exit(c.run([sys.executable, '-c', {program!r}], patience=0.1))"
    return subprocess.run([sys.executable, "-c", wrapped], cwd=ROOT, capture_output=True, text=True, check=False)


@pytest.mark.parametrize(("program", "code"), [(CLEAN, 0), (FAILED, 3)])
def test_the_exit_code_is_passed_on(program, code):
    """A command that leaves nothing behind ends with its own exit code, and the wrapper says nothing."""
    done = contained(program)

    assert (done.returncode, done.stderr) == (code, "" if code == 0 else done.stderr)


@pytest.mark.parametrize("program", [DAEMON, RENAMED], ids=["daemon", "renamed"])
@pytest.mark.skipif(sys.platform != "linux", reason="orphans are adopted by the nearest subreaper: Linux")
def test_a_process_that_is_left_behind_is_an_error(program):
    """An orphan is found, named and ended, even in a session of its own or without an environment."""
    done = contained(program)

    assert done.returncode == LEFT_BEHIND
    assert "left behind process" in done.stderr
    assert done.stderr.count("\n") == 1


def test_a_failure_of_the_command_comes_first():
    """If the command fails, its exit code is kept, and a process that it left behind is named, too."""
    done = contained(f"{DAEMON}; {FAILED}")

    assert done.returncode == 3
    assert "left behind" in done.stderr
