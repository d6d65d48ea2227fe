"""Start servers as processes with a log, wait until they are ready, and stop them by pid."""

import contextlib
import os
import secrets
import socket
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Self

import psutil

from antifraud.errors import SettingsError
from antifraud.settings.accounts import Account

HOST: Final = "127.0.0.1"
START_SECONDS: Final = 60.0
STOP_SECONDS: Final = 15.0
LOOK_SECONDS: Final = 0.1
PASSWORD_BYTES: Final = 24


_children: Final[dict[int, subprocess.Popen[bytes]]] = {}
"""Children of this process by pid: a stopped child stays a zombie until it is waited for."""


@dataclass(frozen=True, slots=True)
class Server:
    """A started process. Its start time distinguishes it from a later process with the same pid."""

    name: str
    pid: int
    created: float

    @classmethod
    def start(cls, name: str, command: Sequence[str], log: Path, environ: Mapping[str, str]) -> Self:
        """Start a command in its own session."""
        log.parent.mkdir(parents=True, exist_ok=True)
        with log.open("ab") as output:
            process = subprocess.Popen(
                command, env=environ, stdin=subprocess.DEVNULL, stdout=output, stderr=output, start_new_session=True
            )
        _children[process.pid] = process
        return cls(name, process.pid, psutil.Process(process.pid).create_time())

    def is_running(self) -> bool:
        """Return whether this process, and not a later one with its pid, is running."""
        with contextlib.suppress(psutil.NoSuchProcess):
            found = psutil.Process(self.pid)
            return bool(found.create_time() == self.created and found.status() != psutil.STATUS_ZOMBIE)
        return False

    def stop(self) -> None:
        """Terminate the process and its children, and kill the ones that do not end in time; idempotent."""
        with contextlib.suppress(psutil.NoSuchProcess):
            if not self.is_running():
                return
            process = psutil.Process(self.pid)
            children = process.children(recursive=True)
            process.terminate()
            _, stubborn = psutil.wait_procs([process, *children], timeout=STOP_SECONDS)
            for each in stubborn:
                each.kill()
        if child := _children.pop(self.pid, None):
            child.wait()


def accepts(port: int) -> bool:
    """Return whether a server on this machine accepts connections on the port."""
    with contextlib.suppress(OSError), socket.create_connection((HOST, port), timeout=1):
        return True
    return False


def wait_until(server: Server, is_ready: Callable[[], bool], log: Path) -> None:
    """Wait until the server is ready; stop it if it is not ready in time.

    Raises:
        SettingsError: The server ended, or was not ready in time; its log says why.
    """
    until = time.monotonic() + START_SECONDS
    while time.monotonic() < until and server.is_running():
        if is_ready():
            return
        time.sleep(LOOK_SECONDS)
    server.stop()
    raise SettingsError(f"{server.name} did not get ready: {log} says why")


def new_account(path: Path, user: str) -> Account:
    """Write an account file with a random password that only its owner can read."""
    account = Account(user, secrets.token_hex(PASSWORD_BYTES))
    path.parent.mkdir(parents=True, exist_ok=True)
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w") as file:
        file.write(f"user={account.user}\npassword={account.password}\n")
    return account
