"""The supervisor restarts services that die, names those it cannot keep alive, and leaves no process behind."""

import os
import signal
import sys
import time

import pytest

from antifraud.errors import PublishError
from infra.local.environment import MARK
from infra.local.supervisor import MOST_RESTARTS, Service, Supervisor, end_leftovers, processes_of

SLEEPER = (sys.executable, "-c", "import time; print('up', flush=True); time.sleep(600)")
CHILD = "subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(600)'], start_new_session=True)"
PARENT = (sys.executable, "-c", f"import subprocess, sys, time; {CHILD}; time.sleep(600)")
NAMELESS = ("/bin/sh", "-c", "env -i sleep 600 & exec sleep 600")
"""A child without an environment, like a process that has overwritten it with a title."""
DYING = (sys.executable, "-c", "raise SystemExit(3)")


@pytest.fixture
def supervisor(tmp_path):
    """Return a supervisor of an empty folder, which is stopped at the end."""
    said: list[str] = []
    environ = {**os.environ, MARK: str(tmp_path)}
    made = Supervisor(tmp_path, environ, tmp_path, said.append)
    made.said = said
    yield made
    made.stop()


def wait_until(condition, seconds=20.0):
    """Wait for a condition, and return whether it came true."""
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        if condition():
            return True
        time.sleep(0.05)
    return False


def test_a_killed_service_is_started_again(supervisor):
    """A service that was killed is started again, and a message says so."""
    supervisor.start([Service("sleeper", SLEEPER)])
    first = supervisor.running["sleeper"].pid
    os.kill(first, signal.SIGKILL)
    assert wait_until(lambda: supervisor.running["sleeper"].pid != first)
    assert supervisor.said == ["sleeper died (code -9), starting it again, 1 of 3 times"]
    supervisor.check()


def test_a_service_that_keeps_dying_ends_the_run_and_is_named(supervisor):
    """After the last restart `check` raises an error that points to the service's log."""
    supervisor.start([Service("broken", DYING)])
    assert wait_until(lambda: supervisor.failure is not None)
    with pytest.raises(PublishError, match=rf"broken died {MOST_RESTARTS + 1} times, last with code 3: .*broken\.log"):
        supervisor.check()


def test_stop_ends_what_services_started_in_sessions_of_their_own(supervisor):
    """A child in a session of its own is found by its environment and stopped."""
    supervisor.start([Service("parent", PARENT)])
    assert wait_until(lambda: len(processes_of(supervisor.home)) == 2)
    supervisor.stop()
    assert processes_of(supervisor.home) == []


def test_a_child_whose_environment_is_gone_is_found_by_the_log_it_writes(supervisor):
    """A child without its environment is found by its log and ends before the service starts again.

    Airflow's workers are such children: they outlived their killed scheduler.
    """
    supervisor.start([Service("nameless", NAMELESS)])
    assert wait_until(lambda: len(processes_of(supervisor.home)) == 2)
    first = {process.pid for process in processes_of(supervisor.home)}
    os.kill(supervisor.running["nameless"].pid, signal.SIGKILL)
    assert wait_until(lambda: supervisor.said and len(processes_of(supervisor.home)) == 2)
    assert first.isdisjoint(process.pid for process in processes_of(supervisor.home))

    supervisor.stop()
    assert processes_of(supervisor.home) == []


def test_a_new_run_ends_what_a_killed_one_left(supervisor, tmp_path):
    """A new run ends the processes that an earlier run left in the same folder, and says how many."""
    supervisor.start([Service("sleeper", SLEEPER)])
    orphan = supervisor.running["sleeper"].pid
    supervisor._stopping.set()
    supervisor._watcher.join()
    said: list[str] = []
    end_leftovers(tmp_path, said.append)
    supervisor.running["sleeper"].wait(5)
    assert said == ["ending 1 processes that an earlier run left behind"]
    assert orphan not in [process.pid for process in processes_of(tmp_path)]
