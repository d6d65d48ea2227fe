"""The supervisor revives what dies, names what will not live, and leaves nothing behind."""

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
"""A child without the environment, as a process is that has changed its title."""
DYING = (sys.executable, "-c", "raise SystemExit(3)")


@pytest.fixture
def supervisor(tmp_path):
    """A supervisor of an empty folder; stopped at the end."""
    said: list[str] = []
    environ = {**os.environ, MARK: str(tmp_path)}
    made = Supervisor(tmp_path, environ, tmp_path, said.append)
    made.said = said
    yield made
    made.stop()


def wait_until(condition, seconds=20.0):
    """Wait for a condition, and say whether it came true."""
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        if condition():
            return True
        time.sleep(0.05)
    return False


def test_a_killed_service_is_started_again(supervisor):
    """After SIGKILL there is a new process, and the run is informed."""
    supervisor.start([Service("sleeper", SLEEPER)])
    first = supervisor.running["sleeper"].pid
    os.kill(first, signal.SIGKILL)
    assert wait_until(lambda: supervisor.running["sleeper"].pid != first)
    assert supervisor.said == ["sleeper died (code -9), starting it again, 1 of 3 times"]
    supervisor.check()


def test_a_service_that_keeps_dying_ends_the_run_and_is_named(supervisor):
    """After the last restart `check` raises and points to the log."""
    supervisor.start([Service("broken", DYING)])
    assert wait_until(lambda: supervisor.failure is not None)
    with pytest.raises(PublishError, match=rf"broken died {MOST_RESTARTS + 1} times, last with code 3: .*broken\.log"):
        supervisor.check()


def test_stop_ends_what_services_started_in_sessions_of_their_own(supervisor):
    """A grandchild that left the service's session is found by its environment."""
    supervisor.start([Service("parent", PARENT)])
    assert wait_until(lambda: len(processes_of(supervisor.home)) == 2)
    supervisor.stop()
    assert processes_of(supervisor.home) == []


def test_a_child_whose_environment_is_gone_is_found_by_the_log_it_writes(supervisor):
    """Airflow's workers used to outlive their killed scheduler; a new one starts without them."""
    supervisor.start([Service("nameless", NAMELESS)])
    assert wait_until(lambda: len(processes_of(supervisor.home)) == 2)
    first = {process.pid for process in processes_of(supervisor.home)}
    os.kill(supervisor.running["nameless"].pid, signal.SIGKILL)
    assert wait_until(lambda: supervisor.said and len(processes_of(supervisor.home)) == 2)
    assert first.isdisjoint(process.pid for process in processes_of(supervisor.home))

    supervisor.stop()
    assert processes_of(supervisor.home) == []


def test_a_new_run_ends_what_a_killed_one_left(supervisor, tmp_path):
    """Leftovers of the same folder are ended, and a line says so."""
    supervisor.start([Service("sleeper", SLEEPER)])
    orphan = supervisor.running["sleeper"].pid
    supervisor._stopping.set()
    supervisor._watcher.join()
    said: list[str] = []
    end_leftovers(tmp_path, said.append)
    supervisor.running["sleeper"].wait(5)
    assert said == ["ending 1 processes that an earlier run left behind"]
    assert orphan not in [process.pid for process in processes_of(tmp_path)]
