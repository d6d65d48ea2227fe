"""Start a private Redis, or a replica of one, on this machine."""

import contextlib
import os
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import redis

from antifraud.errors import SettingsError
from infra.cluster.processes import HOST, Server, wait_until
from infra.local.ports import free_port

PROGRAMS: Final = ("valkey-server", "redis-server")


@dataclass(slots=True)
class RedisServer:
    """A running Redis; it keeps its port and its folder when it is started again."""

    folder: Path
    port: int
    options: dict[str, str]
    server: Server

    @property
    def url(self) -> str:
        """The address of its first database."""
        return f"redis://{HOST}:{self.port}/0"

    def connect(self) -> "redis.Redis":
        """Return a client of its own."""
        password = self.options.get("requirepass")
        return redis.Redis(port=self.port, host=HOST, password=password, socket_timeout=10.0)

    def start_again(self) -> None:
        """Start it again after it was stopped or killed.

        Raises:
            SettingsError: It did not start.
        """
        self.server = _start(self.folder, self.port, self.options)

    def stop(self) -> None:
        """Stop it."""
        self.server.stop()


def start_redis(folder: Path, **options: str) -> RedisServer:
    """Start a Redis with a log in `folder`, on a free port; options have underscores for hyphens.

    Raises:
        SettingsError: Redis is not installed, or did not start.
    """
    folder.mkdir(parents=True, exist_ok=True)
    port, given = free_port(), {name.replace("_", "-"): value for name, value in options.items()}
    return RedisServer(folder, port, given, _start(folder, port, given))


def _start(folder: Path, port: int, options: dict[str, str]) -> Server:
    given = {
        "port": str(port), "bind": HOST, "dir": str(folder), "appendonly": "yes", "save": "", "daemonize": "no",
        "repl-diskless-sync-delay": "0", **options,
    }  # fmt: skip
    log = folder / "redis.log"
    words = [word for name, value in given.items() for word in (f"--{name}", value)]
    server = Server.start("redis", [str(find_redis()), *words], log, dict(os.environ))
    wait_until(server, lambda: _answers(port, options.get("requirepass")), log)
    return server


def _answers(port: int, password: str | None) -> bool:
    with contextlib.suppress(redis.ConnectionError), redis.Redis(host=HOST, port=port, password=password) as client:
        return bool(client.ping())
    return False


def find_redis() -> Path:
    """Return the program of Redis, or of Valkey.

    Raises:
        SettingsError: Neither is installed.
    """
    found = next(filter(None, map(shutil.which, PROGRAMS)), None)
    if found is None:
        raise SettingsError("Redis is not installed: apt-get install redis-server (macOS: brew install redis)")
    return Path(found)
