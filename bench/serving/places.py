"""Places of a scorer's decisions: the LMDB folder of its home, or a Redis that is started for it."""

import os
import signal
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final, Protocol

import lmdb

from bench.serving.processes import ScorerProcess
from infra.cluster.redis import RedisServer, start_redis
from serving.store.redis_server import PREFIX, record_of

MOST_DATABASES: Final = 64


class Place(Protocol):
    """A place of decision stores."""

    @property
    def name(self) -> str:
        """The name of the place, for people."""

    @property
    def settings(self) -> Mapping[str, Any]:
        """The settings of a scorer that keeps its decisions here."""

    @property
    def kills(self) -> Sequence[Callable[[ScorerProcess], None]]:
        """The ways to kill what keeps the decisions, other than scorer and guard."""

    def live_records(self, home: Path) -> Mapping[bytes, bytes]:
        """Return the live records of a store that no process uses."""

    def commits(self, home: Path) -> int:
        """Return how many transactions the store has made."""


class Folder:
    """The folder of the home."""

    name, settings, kills = "LMDB", dict[str, Any](), ()

    def live_records(self, home: Path) -> Mapping[bytes, bytes]:
        """Return the live records of a store that no process uses."""
        with lmdb.open(str(home / "store"), readonly=True, lock=False, max_dbs=MOST_DATABASES) as environment:
            live = environment.open_db(b"live", create=False)
            with environment.begin(db=live) as transaction:
                return dict(transaction.cursor())

    def commits(self, home: Path) -> int:
        """Return how many transactions the store has made."""
        with lmdb.open(str(home / "store"), readonly=True, lock=False) as environment:
            return int(environment.info()["last_txnid"])


class InRedis:
    """A Redis of its own."""

    name = "Redis"

    def __init__(self, server: RedisServer) -> None:
        self._server = server
        self.settings: Mapping[str, Any] = {"ANTIFRAUD_STORE_URL": server.url}
        self.kills = (self.kill_redis,)

    def kill_redis(self, _: ScorerProcess) -> None:
        """Kill Redis, and start it again with its log."""
        os.kill(self._server.server.pid, signal.SIGKILL)
        self._server.stop()
        self._server.start_again()

    def live_records(self, _: Path) -> Mapping[bytes, bytes]:
        """Return the live records of a store that no process uses."""
        with self._server.connect() as client:
            blobs = client.hgetall(PREFIX + b"values:live")
        return {key: record_of(blob).value or b"" for key, blob in blobs.items()}

    def commits(self, _: Path) -> int:
        """Return how many transactions the store has made."""
        with self._server.connect() as client:
            return int.from_bytes(client.get(PREFIX + b"commits") or b"")


FOLDER: Final = Folder()


@contextmanager
def redis_in(folder: Path, **options: str) -> Iterator[InRedis]:
    """Run a Redis with its log in `folder`, which may have one of an earlier run; options are those of Redis."""
    server = start_redis(folder, **options)
    try:
        yield InRedis(server)
    finally:
        server.stop()
