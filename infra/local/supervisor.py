"""Keeps the services of a run alive, and leaves none of them behind.

Every service is the leader of a session of its own and logs to a file. One that dies is started again, after what it
left running was ended; one that dies too often ends the run with a message that names it.

That clean-up is why this is not a library: honcho ends everything when one process dies, supervisord would start a
killed Airflow scheduler again beside the workers that it left behind.
"""

import contextlib
import os
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import psutil

from antifraud.errors import PublishError
from infra.local.environment import MARK

MOST_RESTARTS: Final = 3
WATCH_SECONDS: Final = 1.0
TERM_SECONDS: Final = 20.0
KILL_SECONDS: Final = 5.0


@dataclass(frozen=True, slots=True)
class Service:
    """A process to keep alive."""

    name: str
    command: tuple[str, ...]


class Supervisor:
    """Starts services, watches them, stops them all."""

    def __init__(self, home: Path, environ: dict[str, str], folder: Path, say: Callable[[str], None]) -> None:
        self.home, self.environ, self.folder, self.say = home, environ, folder, say
        self.running: dict[str, subprocess.Popen[bytes]] = {}
        self.restarts: dict[str, int] = {}
        self.failure: str | None = None
        """Why the run cannot go on; None while all is well."""
        self._services: dict[str, Service] = {}
        self._stopping = threading.Event()
        self._watcher = threading.Thread(target=self._watch, name="supervisor", daemon=True)

    def start(self, services: Iterable[Service]) -> None:
        """Start all services and the watch over them."""
        for service in services:
            self._services[service.name] = service
            self._launch(service)
        self._watcher.start()

    def check(self) -> None:
        """Do nothing while all is well.

        Raises:
            PublishError: A service died too often.
        """
        if self.failure:
            raise PublishError(self.failure)

    def log_path(self, name: str) -> Path:
        """Where a service logs to."""
        return self.home / "logs" / f"{name}.log"

    def stop(self) -> None:
        """Stop every service and whatever it started, and check that all of them are gone.

        Raises:
            PublishError: A process outlived SIGKILL.
        """
        self._stopping.set()
        if self._watcher.is_alive():
            self._watcher.join()
        for process in self.running.values():
            with contextlib.suppress(ProcessLookupError):
                process.terminate()
        _wait(self.running.values(), TERM_SECONDS)
        end(processes_of(self.home))
        _wait(self.running.values(), KILL_SECONDS)  # of those that had to be killed Python must learn it, too
        if left := processes_of(self.home):
            raise PublishError(f"processes {[process.pid for process in left]} could not be stopped: end them by hand")

    def _launch(self, service: Service) -> None:
        path = self.log_path(service.name)
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("ab") as log:
            self.running[service.name] = subprocess.Popen(
                service.command,
                cwd=self.folder,
                env=self.environ,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    def _watch(self) -> None:
        while not self._stopping.wait(WATCH_SECONDS):
            for name, process in list(self.running.items()):
                if process.poll() is not None and not self._stopping.is_set():
                    self._revive(name, process)
            if self.failure:
                return

    def _revive(self, name: str, dead: subprocess.Popen[bytes]) -> None:
        count = self.restarts[name] = self.restarts.get(name, 0) + 1
        if count > MOST_RESTARTS:
            self.failure = (
                f"{name} died {count} times, last with code {dead.returncode}: {self.log_path(name)} says why"
            )
            return
        self.say(f"{name} died (code {dead.returncode}), starting it again, {count} of {MOST_RESTARTS} times")
        # A killed scheduler leaves its workers behind; they must not go on beside those of the new one.
        end([process for process in processes_of(self.home) if _session_of(process) == dead.pid])
        self._launch(self._services[name])


def processes_of(home: Path) -> list[psutil.Process]:
    """Return every living process that belongs to a run of `home`.

    By its environment, or because it writes to one of the run's logs: what changes its title, as Airflow's workers and
    its api-server do, may overwrite its environment.
    """
    found = [each for each in psutil.process_iter() if _home_of(each) == str(home) or _writes_below(each, home)]
    return [process for process in found if process.pid != os.getpid() and not _is_zombie(process)]


def end_leftovers(home: Path, say: Callable[[str], None]) -> None:
    """End what a killed run of `home` left behind."""
    if leftovers := processes_of(home):
        say(f"ending {len(leftovers)} processes that an earlier run left behind")
        end(leftovers)


def end(processes: list[psutil.Process]) -> None:
    """Ask processes to end, then make those that did not."""
    for process in processes:
        with contextlib.suppress(psutil.NoSuchProcess):
            process.send_signal(signal.SIGTERM)
    _, stubborn = psutil.wait_procs(processes, timeout=KILL_SECONDS)
    for process in stubborn:
        with contextlib.suppress(psutil.NoSuchProcess):
            process.kill()
    psutil.wait_procs(stubborn, timeout=KILL_SECONDS)


def _wait(processes: Iterable[subprocess.Popen[bytes]], seconds: float) -> None:
    until = time.monotonic() + seconds
    for process in processes:
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(max(0.0, until - time.monotonic()))


def _home_of(process: psutil.Process) -> str | None:
    try:
        home: str | None = process.environ().get(MARK)
    except (psutil.AccessDenied, psutil.NoSuchProcess, OSError):
        return None  # not one of ours, or gone
    return home


def _writes_below(process: psutil.Process, home: Path) -> bool:
    logs = (home / "logs").resolve()
    try:
        opened = process.open_files()
        # A person may read a log; psutil tells the mode on Linux only.
        return any(logs in Path(file.path).parents and getattr(file, "mode", "a") != "r" for file in opened)
    except (psutil.AccessDenied, psutil.NoSuchProcess, OSError):
        return False  # not one of ours, or gone


def _is_zombie(process: psutil.Process) -> bool:
    try:
        return bool(process.status() == psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return True


def _session_of(process: psutil.Process) -> int | None:
    try:
        return os.getsid(process.pid)
    except ProcessLookupError:
        return None
