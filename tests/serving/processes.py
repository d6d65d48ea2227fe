"""Real processes for the scorer's tests: Gunicorn and the guard, on a free port, stopped by their own pid."""

import os
import signal
import subprocess
import sys
import time
from contextlib import contextmanager
from pathlib import Path

import httpx

from antifraud.keys.access import generate_access
from infra.local.ports import free_port
from tests.serving.scene import NOON

ROOT = Path(__file__).resolve().parents[2]
START_SECONDS = 30


def environment(home, **changes):
    """The environment of a process whose business clock shows the scene's noon."""
    return {
        "PATH": os.environ["PATH"],
        "PYTHONPATH": str(ROOT),
        "PYTHONWARNINGS": "error",
        "ANTIFRAUD_HOME": str(home),
        "ANTIFRAUD_CLOCK_OFFSET_SECONDS": str(NOON - int(time.time())),
        "ANTIFRAUD_POLL_SECONDS": "0.2",
        "ANTIFRAUD_STORE_MAP_BYTES": str(1 << 28),
        **changes,
    }


class GunicornScorer:
    """A scorer under Gunicorn with two workers."""

    def __init__(self, home, python=sys.executable, **changes):
        if not (home / "secrets" / "client.token").exists():
            # An app in this process may have used the home with an access file of its own.
            (home / "secrets" / "access.json").unlink(missing_ok=True)
            generate_access(home / "secrets")
        self.home, self._python, self._changes = home, python, changes
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.tokens = {name: (home / "secrets" / f"{name}.token").read_text().strip() for name in ("client", "admin")}
        self.process = None

    def start(self):
        """Start Gunicorn and wait until both workers can decide."""
        command = [self._python, "-m", "gunicorn", "-c", "serving/gunicorn_conf.py"]
        env = environment(self.home, SCORER_BIND=f"127.0.0.1:{self.port}", **self._changes)
        with (self.home / "scorer.log").open("ab") as log:
            self.process = subprocess.Popen(command, cwd=ROOT, env=env, stdout=log, stderr=log, start_new_session=True)
        wait_for(self.is_ready, "both workers to be ready")
        return self

    def is_ready(self):
        """Whether both workers have reported what they serve."""
        try:
            answer = self.get("/v1/status")
        except httpx.HTTPError:
            return False
        reports = answer.json()["workers"] if answer.status_code == 200 else []
        serving = {report["pid"] for report in reports if report["release"]}
        # A killed worker's report stays for a minute: only its age tells that nobody is there.
        return serving >= set(self.workers()) and len(self.workers()) == 2

    def workers(self):
        """Pids of the workers."""
        children = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children").read_text()
        return [int(pid) for pid in children.split()]

    def post(self, path, body, caller="client"):
        """POST JSON as one of the generated clients."""
        headers = {"Authorization": f"Bearer {self.tokens[caller]}"}
        return httpx.post(self.url + path, json=body, headers=headers, timeout=10)

    def get(self, path, caller="client"):
        """GET as one of the generated clients."""
        headers = {"Authorization": f"Bearer {self.tokens[caller]}"}
        return httpx.get(self.url + path, headers=headers, timeout=10)

    def kill(self):
        """SIGKILL everything of the scorer at once: the master and its workers."""
        os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()

    def stop(self):
        """Stop Gunicorn as a supervisor would."""
        if self.process.poll() is None:
            self.process.terminate()
            self.process.wait(timeout=20)


@contextmanager
def guard_process(home, python=sys.executable, **changes):
    """A guard that inspects the evidence every 0.1 seconds."""
    env = environment(home, ANTIFRAUD_INTERVAL_SECONDS="0.1", **changes)
    with (home / "guard.log").open("ab") as log:
        process = subprocess.Popen([python, "-m", "serving.guard"], cwd=ROOT, env=env, stdout=log, stderr=log)
    try:
        yield process
    finally:
        if process.poll() is None:
            process.kill()
        process.wait()


def wait_for(condition, what, seconds=START_SECONDS):
    """Wait until `condition` holds; after `seconds`, fail and name `what` was expected."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if outcome := condition():
            return outcome
        time.sleep(0.05)
    raise AssertionError(f"waited {seconds} s in vain for {what}")
