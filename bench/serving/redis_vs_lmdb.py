"""Compare the decisions a second over Redis with those over LMDB: ``make bench-redis``, some ten minutes.

Both decide new transactions as fast as they are answered, with 1, 2 and 4 workers. Redis also has two hosts: two
scorers with homes of their own and one worker each. Redis runs on the same machine and shares its processors.
"""

import argparse
import shutil
import statistics
import tempfile
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path
from typing import Final

from bench.record import record
from bench.serving.edge.candidates import PRODUCTION_POLL_SECONDS, WORLD, Scorer
from bench.serving.edge.tools import send_as_fast_as_answered
from bench.serving.places import FOLDER, Place, redis_in
from bench.serving.processes import ScorerProcess, Version, prepare_home

COMMAND: Final = "make bench-redis"
TURNS, SECONDS, WARM_SECONDS = 3, 8, 2
CUSTOMERS: Final = 10_000
MOST_A_SECOND: Final = 5_000
"""More than these scorers decide."""
TWO_HOSTS: Final = "2 hosts"
KINDS: Final = ("1", "2", "4", TWO_HOSTS)
"""Numbers of workers on one host, and two hosts."""
Rates = dict[tuple[str, str], list[float]]


class Busy(Scorer):
    """A scorer with a place for its store."""

    def __init__(self, folder: Path, home: Path, workers: int, place: Place) -> None:
        super().__init__(folder, CUSTOMERS)
        settings = {"ANTIFRAUD_POLL_SECONDS": PRODUCTION_POLL_SECONDS, **place.settings}
        self.process = ScorerProcess(Version(), home, workers=workers, **settings)


def make_homes(folder: Path, place: Place, count: int) -> list[Path]:
    """Return homes of hosts; the first initialises the store, and the others join it."""
    version, homes = Version(), [folder / f"host-{number}" for number in range(count)]
    version.require(homes[0], "-P", str(WORLD), str(homes[0]), "--entities", str(CUSTOMERS), "--trees", "500")
    for home in homes[1:]:
        shutil.copytree(homes[0], home)
    prepare_home(version, homes[0], **place.settings)
    for home in homes[1:]:
        prepare_home(version, home, initialise=False)
        version.require(home, "-m", "serving.store", "join", **place.settings)
    return homes


def measure(folder: Path, place: Place, kind: str, seconds: int) -> float:
    """Return the decisions a second of one kind over one place."""
    homes = make_homes(folder, place, 2 if kind == TWO_HOSTS else 1)
    workers = 1 if kind == TWO_HOSTS else int(kind)
    with ExitStack() as stack:
        hosts = [Busy(home, home, workers, place) for home in homes]
        running = [(host, stack.enter_context(host.running())) for host in hosts]

        def send(length: int, first: int) -> float:
            count = MOST_A_SECOND * length

            def send_to(number: int) -> float:
                host, process = running[number]
                begin = first + number * 100 * MOST_A_SECOND
                done = send_as_fast_as_answered(host, process, homes[number], seconds=length, first=begin, count=count)
                return done.rate

            with ThreadPoolExecutor(len(running)) as pool:
                return sum(pool.map(send_to, range(len(running))))

        send(WARM_SECONDS, 0)
        return send(seconds, MOST_A_SECOND * WARM_SECONDS)


def take_turns(scratch: Path, turns: int, seconds: int, kinds: Sequence[str]) -> Rates:
    """Measure both places in turns."""
    rates: Rates = {}
    for turn in range(turns):
        for kind in kinds:
            folder = scratch / f"{turn}-{kind.replace(' ', '-')}"
            with redis_in(folder / "redis") as redis:
                places: list[Place] = [redis] if kind == TWO_HOSTS else [FOLDER, redis]
                for place in places if turn % 2 == 0 else reversed(places):
                    rate = measure(folder / place.name, place, kind, seconds)
                    rates.setdefault((place.name, kind), []).append(rate)
                    print(f"turn {turn + 1}, {kind}, {place.name}: {rate:,.0f} a second", flush=True)
            shutil.rmtree(folder)
    return rates


def record_ratio(rates: Mapping[tuple[str, str], Sequence[float]]) -> None:
    """Record the ratio with two workers, and all rates beside it."""
    ratios = [redis / folder for redis, folder in zip(rates["Redis", "2"], rates["LMDB", "2"], strict=True)]
    told = [
        f"{name}, {kind if kind == TWO_HOSTS else f'{kind} workers'}: {statistics.median(each):,.0f}/s"
        for (name, kind), each in rates.items()
    ]
    spread = (min(ratios), max(ratios))
    record("scorer.redis_vs_lmdb", statistics.median(ratios), "1", COMMAND, "; ".join(told), spread)


def main(arguments: argparse.Namespace) -> None:
    """Measure and record."""
    with tempfile.TemporaryDirectory(prefix="redis-") as scratch:
        record_ratio(take_turns(Path(scratch), arguments.turns, arguments.seconds, KINDS))


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--turns", type=int, default=TURNS)
    parser.add_argument("--seconds", type=int, default=SECONDS, help="measured seconds of each scorer in a turn")
    main(parser.parse_args())
