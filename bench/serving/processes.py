"""Scorer and guard of any checkout as processes: started, asked over HTTP, killed and stopped by their own pid."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, TypeVar

import httpx

from infra.local.ports import free_port

ROOT: Final = Path(__file__).resolve().parents[2]
NOON: Final = 20_000 * 86_400 + 12 * 3_600
"""Business time when a world begins; its state ends the day before."""
START_SECONDS: Final = 40.0
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Version:
    """A checkout of the project, and the interpreter of its environment."""

    checkout: Path = ROOT
    python: str = sys.executable

    @classmethod
    def of(cls, checkout: Path) -> "Version":
        """Return the version in a checkout with an environment of its own.

        Raises:
            SystemExit: The checkout has no environment.
        """
        # Not resolved: a virtual environment is known by the path of its link.
        interpreter = checkout.absolute() / ".venv/bin/python"
        if not interpreter.exists():
            raise SystemExit(f"{checkout} has no environment: run `make setup` in it")
        return cls(checkout.absolute(), str(interpreter))

    def environment(self, home: Path, now: float = NOON) -> dict[str, str]:
        """Return the environment of a process whose business clock shows `now`."""
        return {
            "PATH": os.environ["PATH"],
            "PYTHONPATH": str(self.checkout),
            "ANTIFRAUD_HOME": str(home),
            "ANTIFRAUD_CLOCK_OFFSET_SECONDS": str(int(now - time.time())),
            "ANTIFRAUD_POLL_SECONDS": "0.2",
            "ANTIFRAUD_INTERVAL_SECONDS": "0.1",
            "ANTIFRAUD_STORE_MAP_BYTES": str(1 << 30),
        }

    def run(self, home: Path, *arguments: str, **changes: str) -> subprocess.CompletedProcess[str]:
        """Run a Python command to its end."""
        environment = {**self.environment(home), **changes}
        command = [self.python, *arguments]
        return subprocess.run(
            command, cwd=self.checkout, env=environment, check=False, capture_output=True, text=True, timeout=300
        )

    def require(self, home: Path, *arguments: str, **changes: str) -> str:
        """Run a Python command that must succeed, and return what it prints."""
        ended = self.run(home, *arguments, **changes)
        if ended.returncode:
            raise RuntimeError(f"{' '.join(arguments)} ended with code {ended.returncode}: {ended.stderr[-2_000:]}")
        return ended.stdout

    @property
    def initialises_stores(self) -> bool:
        """Whether a store is made by a command. In earlier versions, the first process that opened it made it."""
        return (self.checkout / "serving" / "store" / "__main__.py").exists()


class ScorerProcess:
    """A scorer under Gunicorn, and the guard beside it. `host` is the address to listen on, `changes` are settings."""

    def __init__(
        self, version: Version, home: Path, *, workers: int = 2, now: float = NOON, host: str = "127.0.0.1",
        **changes: str,
    ) -> None:  # fmt: skip
        self.version, self.home, self.count, self.now, self.changes = version, home, workers, now, changes
        self._host = host
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.log: Path | None = None
        self.process: subprocess.Popen[bytes] | None = None
        self._guard: subprocess.Popen[bytes] | None = None
        self._http = httpx.Client(timeout=60)

    def token(self, caller: str = "client") -> str:
        """Return the bearer token of a client."""
        return (self.home / "secrets" / f"{caller}.token").read_text().strip()

    def _start(self, module: str, *arguments: str, now: float) -> subprocess.Popen[bytes]:
        environment = {**self.version.environment(self.home, now), **self.changes}
        environment["SCORER_BIND"] = f"{self._host}:{self.port}"
        errors = self.home.with_name(f"{self.home.name}-{module}.log")
        with errors.open("ab") as stderr, (self.log or errors).open("ab") as stdout:
            return subprocess.Popen(
                [self.version.python, "-m", module, *arguments],
                cwd=self.version.checkout, env=environment, stdout=stdout, stderr=stderr, start_new_session=True,
            )  # fmt: skip

    def start(self, *, ready: bool = True) -> "ScorerProcess":
        """Start Gunicorn; wait until all workers can decide, or only until one answers."""
        self.process = self._start(
            "gunicorn", "-c", "serving/gunicorn_conf.py", "--workers", str(self.count), now=self.now
        )
        wait_for(self.is_ready if ready else self.is_alive, "the scorer")
        if ready:
            self._begin()
        return self

    def _begin(self) -> None:
        """Resume a new store, which is suspended until an admin does so; earlier versions began by themselves."""
        switch = self.status()["switch"]
        if (switch["mode"], switch["epoch"]) == ("SUSPENDED", 0):
            self.switch("resume").raise_for_status()
            wait_for(lambda: self.status()["converged"], "all workers to see it")

    def start_guard(self, *, now: float | None = None) -> None:
        """Start the guard, with a clock of its own if `now` is given; a running guard is left."""
        if self._guard is None or self._guard.poll() is not None:
            self._guard = self._start("serving.guard", now=now or self.now)

    @property
    def guard(self) -> subprocess.Popen[bytes]:
        """The guard's process."""
        if self._guard is None:
            raise RuntimeError("no guard was started")
        return self._guard

    @property
    def master(self) -> subprocess.Popen[bytes]:
        """Gunicorn's process."""
        if self.process is None:
            raise RuntimeError("no scorer was started")
        return self.process

    def workers(self) -> list[int]:
        """Return the pids of the workers."""
        children = Path(f"/proc/{self.master.pid}/task/{self.master.pid}/children").read_text()
        return [int(pid) for pid in children.split()]

    def is_alive(self) -> bool:
        """Whether a worker answers."""
        try:
            return self.get("/healthz").status_code == 200
        except httpx.HTTPError:
            return False

    def is_ready(self) -> bool:
        """Whether every worker has reported a release."""
        try:
            answer = self.get("/v1/status")
        except httpx.HTTPError:
            return False
        reports = answer.json()["workers"] if answer.status_code == 200 else []
        # Reports of workers that have ended may be listed for a while.
        pids = {report["pid"] for report in reports if report["release"]}
        return len(self.workers()) == self.count and pids.issuperset(self.workers())

    def request(
        self, method: str, path: str, body: Any = None, caller: str = "client", timeout: float = 60
    ) -> httpx.Response:
        """Send one request as a client."""
        headers = {"Authorization": f"Bearer {self.token(caller)}"}
        return self._http.request(method, self.url + path, json=body, headers=headers, timeout=timeout)

    def get(self, path: str, caller: str = "client", timeout: float = 60) -> httpx.Response:
        """GET as a client."""
        return self.request("GET", path, caller=caller, timeout=timeout)

    def post(self, path: str, body: Any, caller: str = "client", timeout: float = 60) -> httpx.Response:
        """POST as a client."""
        return self.request("POST", path, body, caller, timeout)

    def status(self) -> Mapping[str, Any]:
        """Return the state of the service."""
        answer: Mapping[str, Any] = self.get("/v1/status").raise_for_status().json()
        return answer

    def switch(self, action: str) -> httpx.Response:
        """Suspend or resume as an admin."""
        epoch = self.status()["switch"]["epoch"]
        body = {"action": action, "reason": "a drill", "expected_epoch": epoch}
        return self.post("/v1/switch", body, caller="admin")

    def kill(self) -> None:
        """SIGKILL the master and its workers at once."""
        os.killpg(self.master.pid, signal.SIGKILL)
        self.master.wait()

    def stop(self) -> None:
        """Stop scorer and guard as a supervisor would; what does not end is killed."""
        for process in (self.process, self._guard):
            if process is None:
                continue
            process.terminate()
            try:
                process.wait(timeout=20)
            except subprocess.TimeoutExpired:
                os.killpg(process.pid, signal.SIGKILL)
                process.wait()
        self.process = self._guard = None


@contextmanager
def running(scorer: ScorerProcess) -> Iterator[ScorerProcess]:
    """Stop a scorer and its guard at the end."""
    try:
        yield scorer
    finally:
        scorer.stop()


def prepare_home(version: Version, home: Path, *, initialise: bool = True, **changes: str) -> None:
    """Make the access file of a home and, if the version has a command for it, its store."""
    version.require(home, "-m", "antifraud", "access", "generate")
    if initialise:
        initialise_store(version, home, **changes)


def initialise_store(version: Version, home: Path, **changes: str) -> None:
    """Initialise the store of a home, if the version has a command for it."""
    if version.initialises_stores:
        version.require(home, "-m", "serving.store", "init", **changes)


def wait_for(condition: Callable[[], T], what: str, seconds: float = START_SECONDS) -> T:
    """Wait until `condition` holds, and return its value.

    Raises:
        AssertionError: It did not within `seconds`.
    """
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if outcome := condition():
            return outcome
        time.sleep(0.05)
    raise AssertionError(f"waited {seconds:.0f} s in vain for {what}")
