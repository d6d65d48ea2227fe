"""The wrapper around the tests notices what they leave behind, and passes everything else on."""

import subprocess
import sys

import pytest

from infra.local.contained import LEFT_BEHIND

CLEAN = "pass"
FAILED = "raise SystemExit(3)"
DAEMON = "import subprocess; subprocess.Popen(['sleep', '600'], start_new_session=True)"
RENAMED = "import subprocess; subprocess.Popen(['renamed', '600'], executable='/bin/sleep', env={})"


def contained(program):
    """Run a Python program inside the wrapper; a tenth of a second is enough patience for it."""
    wrapped = (
        f"import sys, infra.local.contained as c; sys.exit(c.run([sys.executable, '-c', {program!r}], patience=0.1))"
    )
    return subprocess.run([sys.executable, "-c", wrapped], capture_output=True, text=True, check=False)


@pytest.mark.parametrize(("program", "code"), [(CLEAN, 0), (FAILED, 3)])
def test_the_exit_code_is_passed_on(program, code):
    """A command that leaves nothing behind ends as it would alone, without a word."""
    done = contained(program)

    assert (done.returncode, done.stderr) == (code, "" if code == 0 else done.stderr)


@pytest.mark.parametrize("program", [DAEMON, RENAMED], ids=["daemon", "renamed"])
@pytest.mark.skipif(sys.platform != "linux", reason="orphans are adopted by the nearest subreaper: Linux")
def test_a_process_that_is_left_behind_is_an_error(program):
    """A session of its own, an empty environment: the orphan is found, named and ended."""
    done = contained(program)

    assert done.returncode == LEFT_BEHIND
    assert "left behind process" in done.stderr
    assert done.stderr.count("\n") == 1


def test_a_failure_of_the_command_comes_first():
    """A process left behind is named too, but the exit code is the command's."""
    done = contained(f"{DAEMON}; {FAILED}")

    assert done.returncode == 3
    assert "left behind" in done.stderr
