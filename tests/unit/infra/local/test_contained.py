"""The wrapper around the tests notices what they leave behind, and passes everything else on."""

import signal
import subprocess
import sys

import psutil
import pytest

from infra.local.contained import LEFT_BEHIND

CLEAN = "pass"
FAILED = "raise SystemExit(3)"
DAEMON = "import subprocess; subprocess.Popen(['sleep', '600'], start_new_session=True)"
RENAMED = "import subprocess; subprocess.Popen(['renamed', '600'], executable='/bin/sleep', env={})"


def wrapper_of(program):
    """Return a Python program that runs another one inside the wrapper, with little patience."""
    run = f"contained.run([sys.executable, '-c', {program!r}], patience=0.1)"
    return f"import sys; from infra.local import contained; sys.exit({run})"


def contained(program):
    """Run a Python program inside the wrapper."""
    return subprocess.run([sys.executable, "-c", wrapper_of(program)], capture_output=True, text=True, check=False)


@pytest.mark.parametrize(("program", "code"), [(CLEAN, 0), (FAILED, 3)])
def test_the_exit_code_is_passed_on(program, code):
    """A command that leaves nothing behind ends as it would alone, without a word."""
    done = contained(program)

    assert (done.returncode, done.stderr) == (code, "")


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


@pytest.mark.skipif(sys.platform != "linux", reason="orphans are adopted by the nearest subreaper: Linux")
def test_stopping_the_wrapper_stops_what_the_command_started():
    """A terminated wrapper leaves neither the command nor a daemon of it behind."""
    program = "import subprocess, time; print(subprocess.Popen(['sleep', '600']).pid, flush=True); time.sleep(600)"
    with subprocess.Popen([sys.executable, "-c", wrapper_of(program)], stdout=subprocess.PIPE, text=True) as wrapper:
        daemon = psutil.Process(int(wrapper.stdout.readline()))
        wrapper.terminate()

        assert wrapper.wait(timeout=30) == 128 + signal.SIGTERM
    assert not daemon.is_running()
