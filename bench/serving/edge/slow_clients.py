"""Compare answers through the proxy with and without slow clients, at 400 a second: ``make bench-slow-clients``.

A thousand clients are idle, 200 have stopped within a request, and 200 read a byte of a long answer now and then.
Answers are timed from when their request was due. Some six minutes.
"""

import argparse
import contextlib
import socket
import statistics
import tempfile
import threading
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

import psutil

from bench.record import record
from bench.serving.edge.busy import renew_store
from bench.serving.edge.candidates import CUSTOMERS, Scorer, prepare
from bench.serving.edge.tail import RATE, SECONDS, TURNS, WARM_SECONDS, describe
from bench.serving.edge.tools import Tail, send_at_a_rate
from bench.serving.processes import free_port
from infra.proxy.configuration import Proxy
from infra.proxy.server import start_proxy

COMMAND: Final = "make bench-slow-clients"
IDLE, HALF, READERS = 1_000, 200, 200
HALF_SENT: Final = b"POST /v1/decisions HTTP/1.1\r\nHost: x\r\nContent-Length: 200\r\n\r\n{"
LONG_ANSWER: Final = b"GET /openapi.json HTTP/1.1\r\nHost: x\r\n\r\n"
PAUSE_SECONDS: Final = 0.5


class ProxiedScorer(Scorer):
    """The scorer behind the proxy, without TLS, which would add the same time to both sides."""

    name = "scorer behind the proxy"

    def __init__(self, folder: Path, customers: int) -> None:
        super().__init__(folder, customers)
        self.port = free_port()

    @property
    def url(self) -> str:
        """Address of its requests: the proxy's."""
        return f"http://127.0.0.1:{self.port}{self.path}"

    @contextlib.contextmanager
    def running(self) -> Iterator[psutil.Process]:
        """Run scorer and proxy until the end."""
        # The whole load has one token.
        proxy = Proxy(
            bind=f"127.0.0.1:{self.port}", scorer=f"127.0.0.1:{self.process.port}", requests_of_token=10 * RATE
        )
        with super().running() as process:
            server = start_proxy(self._folder, proxy)
            try:
                yield process
            finally:
                server.stop()


@contextlib.contextmanager
def slow_clients(port: int) -> Iterator[None]:
    """Open all slow connections, again and again when the proxy has closed them, until the end."""
    stop = threading.Event()
    wanted = [b""] * IDLE + [HALF_SENT] * HALF + [LONG_ANSWER] * READERS
    opened = [open_slow(port, sent) for sent in wanted]

    def keep_open() -> None:
        while not stop.wait(PAUSE_SECONDS):
            for place, sent in enumerate(wanted):
                if has_ended(opened[place], reads=sent == LONG_ANSWER):
                    opened[place].close()
                    opened[place] = open_slow(port, sent)

    thread = threading.Thread(target=keep_open)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join()
        for connection in opened:
            connection.close()


def open_slow(port: int, sent: bytes) -> socket.socket:
    """Open a connection that sends so much and no more."""
    connection = socket.create_connection(("127.0.0.1", port), timeout=30)
    connection.sendall(sent)
    connection.setblocking(False)
    return connection


def has_ended(connection: socket.socket, *, reads: bool) -> bool:
    """Return whether the proxy has closed a connection; a reader takes a byte."""
    try:
        return connection.recv(1, 0 if reads else socket.MSG_PEEK) == b""
    except BlockingIOError:
        return False
    except OSError:
        return True


def measure(folder: Path, customers: int, seconds: int, *, slow: bool) -> Tail:
    """Measure a scorer with a store of its own."""
    candidate = ProxiedScorer(folder, customers)
    renew_store(candidate)
    with candidate.running():
        send_at_a_rate(candidate, folder, rate=RATE, seconds=WARM_SECONDS, first=0)
        with slow_clients(candidate.port) if slow else contextlib.nullcontext():
            return send_at_a_rate(candidate, folder, rate=RATE, seconds=seconds, first=RATE * WARM_SECONDS)


def take_turns(folder: Path, customers: int, turns: int, seconds: int) -> dict[bool, list[Tail]]:
    """Measure with and without slow clients in turns; the first of a pair changes from turn to turn."""
    prepare(folder, customers)
    measured: dict[bool, list[Tail]] = {False: [], True: []}
    for turn in range(turns):
        for slow in (False, True) if turn % 2 == 0 else (True, False):
            measured[slow].append(measure(folder, customers, seconds, slow=slow))
            print(f"turn {turn + 1}, {'with' if slow else 'without'} slow clients: {measured[slow][-1]}", flush=True)
    return measured


def record_ratio(alone: Sequence[Tail], among: Sequence[Tail]) -> None:
    """Record the median of the turns' ratios."""
    ratios = [slow.p99 / quick.p99 for quick, slow in zip(alone, among, strict=True)]
    beside = f"without slow clients {describe(alone)}; with them {describe(among)}"
    record("scorer.slow_clients_ratio", statistics.median(ratios), "1", COMMAND, beside, (min(ratios), max(ratios)))


def main(arguments: argparse.Namespace) -> None:
    """Measure and record."""
    with tempfile.TemporaryDirectory(prefix="slow-clients-") as folder:
        measured = take_turns(Path(folder), arguments.customers, arguments.turns, arguments.seconds)
    record_ratio(measured[False], measured[True])


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--turns", type=int, default=TURNS)
    parser.add_argument("--seconds", type=int, default=SECONDS, help="measured seconds of each side in a turn")
    parser.add_argument("--customers", type=int, default=CUSTOMERS, help="customers in the scorer's state")
    main(parser.parse_args())
