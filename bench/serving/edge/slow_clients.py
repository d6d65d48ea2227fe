"""Compare slow answers with and without a crowd of slow clients, at 400 requests a second: ``make bench-slow-clients``.

The scorer has the proxy in front, on both sides. TLS is left out, because it would add the same time to both. Answers
are timed from when their request was due. Some eight minutes.
"""

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import Final

import psutil

from bench.record import record
from bench.serving.edge.busy import renew_store
from bench.serving.edge.candidates import CUSTOMERS, Scorer, prepare
from bench.serving.edge.crowd import HOST, NUMBERS, READY
from bench.serving.edge.tail import RATE, SECONDS, TURNS, WARM_SECONDS, describe
from bench.serving.edge.tools import Tail, send_at_a_rate
from bench.serving.processes import ROOT
from infra.local.ports import free_port
from infra.proxy.configuration import Proxy
from infra.proxy.server import find_nginx, start_proxy
from infra.setup.packages import ensure

COMMAND: Final = "make bench-slow-clients"
ALONE, CROWDED = "alone", "among slow clients"
LEAST_PRESENT: Final = 0.8
"""The proxy closes slow connections, and their clients connect again; so many of each kind are there at any time."""


class ProxiedScorer(Scorer):
    """The scorer behind the proxy."""

    def __init__(self, folder: Path, customers: int) -> None:
        super().__init__(folder, customers)
        self.proxy_port = free_port()

    @property
    def url(self) -> str:
        """Address of its requests at the proxy."""
        return f"http://{HOST}:{self.proxy_port}{self.path}"

    @contextmanager
    def running(self) -> Iterator[psutil.Process]:
        """Run Gunicorn and nginx until the end."""
        with super().running() as process:
            # The whole load has one token.
            bind, scorer = f"{HOST}:{self.proxy_port}", f"{HOST}:{self.process.port}"
            proxy = Proxy(bind=bind, scorer=scorer, requests_of_token=10 * RATE)
            server = start_proxy(self._folder, proxy)
            try:
                yield process
            finally:
                server.stop()


def take_turns(folder: Path, customers: int, turns: int, seconds: int) -> dict[str, list[Tail]]:
    """Measure both sides in turns; the order is reversed from turn to turn."""
    ensure(find_nginx, "nginx")
    prepare(folder, customers)
    measured: dict[str, list[Tail]] = {ALONE: [], CROWDED: []}
    for turn in range(turns):
        for side in list(measured) if turn % 2 == 0 else reversed(list(measured)):
            measured[side].append(measure(folder, customers, seconds, crowded=side == CROWDED))
            print(f"turn {turn + 1}, {side}: {measured[side][-1]}", flush=True)
    return measured


def measure(folder: Path, customers: int, seconds: int, *, crowded: bool) -> Tail:
    """Start scorer and proxy with a store of their own, warm them up, and measure them."""
    scorer = ProxiedScorer(folder, customers)
    renew_store(scorer)
    with scorer.running():
        send_at_a_rate(scorer, folder, rate=RATE, seconds=WARM_SECONDS, first=0)
        with among_slow_clients(scorer.proxy_port) if crowded else nullcontext():
            return send_at_a_rate(scorer, folder, rate=RATE, seconds=seconds, first=RATE * WARM_SECONDS)


@contextmanager
def among_slow_clients(port: int) -> Iterator[None]:
    """Keep the crowd connected.

    Raises:
        RuntimeError: Too many of a kind were missing at some time.
    """
    command = [sys.executable, "-m", "bench.serving.edge.crowd", str(port)]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as crowd:
        try:
            if crowd.stdout is None or crowd.stdout.readline().strip() != READY:
                raise RuntimeError("the slow clients ended before all were connected")
            yield
        finally:
            crowd.terminate()
            said, _ = crowd.communicate(timeout=30)
    require_present(json.loads(said))


def require_present(shares: Mapping[str, float]) -> None:
    """Refuse a measurement without the crowd that it speaks of.

    Raises:
        RuntimeError: Too many of a kind were missing at some time.
    """
    if missing := {kind: share for kind, share in shares.items() if share < LEAST_PRESENT}:
        raise RuntimeError(f"of the slow clients, only {missing} were connected at some time")


def record_ratio(measured: Mapping[str, Sequence[Tail]]) -> None:
    """Record the median of the turns' ratios."""
    crowd = ", ".join(f"{number} {kind}" for kind, number in NUMBERS.items())
    beside = "; ".join(f"{side} {describe(tails)}" for side, tails in measured.items())
    ratios = [slow.p99 / alone.p99 for slow, alone in zip(measured[CROWDED], measured[ALONE], strict=True)]
    described = f"the same without {crowd}; {beside}"
    record("scorer.slow_clients_ratio", statistics.median(ratios), "1", COMMAND, described, (min(ratios), max(ratios)))


def main(arguments: argparse.Namespace) -> None:
    """Measure and record."""
    with tempfile.TemporaryDirectory(prefix="slow-clients-") as folder:
        record_ratio(take_turns(Path(folder), arguments.customers, arguments.turns, arguments.seconds))


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--turns", type=int, default=TURNS)
    parser.add_argument("--seconds", type=int, default=SECONDS, help="measured seconds of each side in a turn")
    parser.add_argument("--customers", type=int, default=CUSTOMERS, help="customers in the scorer's state")
    main(parser.parse_args())
