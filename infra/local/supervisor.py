"""Keep the services of a run alive, and leave none of them behind.

Every service leads its own session and logs to a file. A service that dies is started again, after its remaining
processes were ended. A service that dies too often ends the run with a message that names it.

No library does this clean-up. honcho ends everything when one process dies, and supervisord would restart a killed
Airflow scheduler while its old workers still run.
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
    """A watcher that starts services, restarts dead ones and stops them all."""

    def __init__(self, home: Path, environ: dict[str, str], folder: Path, say: Callable[[str], None]) -> None:
        self.home, self.environ, self.folder, self.say = home, environ, folder, say
        self.running: dict[str, subprocess.Popen[bytes]] = {}
        self.restarts: dict[str, int] = {}
        self.failure: str | None = None
        """Reason why the run cannot continue; None while all is well."""
        self._services: dict[str, Service] = {}
        self._stopping = threading.Event()
        self._watcher = threading.Thread(target=self._watch, name="supervisor", daemon=True)

    def start(self, services: Iterable[Service]) -> None:
        """Start all services and the thread that watches them."""
        for service in services:
            self._services[service.name] = service
            self._launch(service)
        self._watcher.start()

    def check(self) -> None:
        """Return if every service is alive or being restarted.

        Raises:
            PublishError: A service died too often.
        """
        if self.failure:
            raise PublishError(self.failure)

    def log_path(self, name: str) -> Path:
        """Return the log file of a service."""
        return self.home / "logs" / f"{name}.log"

    def stop(self) -> None:
        """Stop every service and all its processes, and check that none is left.

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
        _wait(self.running.values(), KILL_SECONDS)  # Python must also reap the killed ones
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
        # A killed scheduler leaves its workers behind: they must not run at the same time as the new ones.
        end([process for process in processes_of(self.home) if _session_of(process) == dead.pid])
        self._launch(self._services[name])


def processes_of(home: Path) -> list[psutil.Process]:
    """Return every living process that belongs to a run of `home`.

    A process belongs to it by its environment, or because it writes to one of the run's logs. The environment is not
    enough: Airflow's workers and api-server change their title, which may overwrite it.
    """
    found = [each for each in psutil.process_iter() if _home_of(each) == str(home) or _writes_below(each, home)]
    return [process for process in found if process.pid != os.getpid() and not _is_zombie(process)]


def end_leftovers(home: Path, say: Callable[[str], None]) -> None:
    """End the processes that a killed run of `home` left behind."""
    if leftovers := processes_of(home):
        say(f"ending {len(leftovers)} processes that an earlier run left behind")
        end(leftovers)


def end(processes: list[psutil.Process]) -> None:
    """Terminate processes, and kill the ones that do not end in time."""
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
        return None  # another user's process, or one that has ended
    return home


def _writes_below(process: psutil.Process, home: Path) -> bool:
    logs = (home / "logs").resolve()
    try:
        opened = process.open_files()
        # A person may be reading a log. psutil knows the mode only on Linux.
        return any(logs in Path(file.path).parents and getattr(file, "mode", "a") != "r" for file in opened)
    except (psutil.AccessDenied, psutil.NoSuchProcess, OSError):
        return False  # another user's process, or one that has ended


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
