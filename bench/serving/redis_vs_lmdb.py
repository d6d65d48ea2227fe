"""Compare the decisions a second over Redis with those over LMDB: ``make bench-redis``, some ten minutes.

Both decide new transactions as fast as they are answered, with 1, 2 and 4 workers. Redis also has two hosts: two
scorers with homes of their own and one worker each. Redis runs on the same machine and shares its processors. One
terminal has 4.3 % of the payments, so that decisions about it are overtaken and made again.
"""

import argparse
import shutil
import statistics
import tempfile
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path
from typing import Any, Final, NamedTuple

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
HOT_PER_MILLE: Final = 43
"""Payments of a thousand at the busiest terminal."""
Found = dict[tuple[str, str], list["Rate"]]


class Rate(NamedTuple):
    """Decisions a second, and requests that were not decided."""

    decided: float
    failed: int


class Busy(Scorer):
    """A scorer with a place for its store."""

    def __init__(self, folder: Path, home: Path, workers: int, place: Place) -> None:
        super().__init__(folder, CUSTOMERS)
        settings = {"ANTIFRAUD_POLL_SECONDS": PRODUCTION_POLL_SECONDS, **place.settings}
        self.process = ScorerProcess(Version(), home, workers=workers, **settings)

    def body(self, number: int) -> Any:
        """Return a new transaction, at the busiest terminal or at another one."""
        hot = {"terminal": f"k1.{0:022}"} if number % 1_000 < HOT_PER_MILLE else {}
        return {**super().body(number), **hot}


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


def measure(folder: Path, place: Place, kind: str, seconds: int) -> Rate:
    """Return the decisions a second of one kind over one place."""
    homes = make_homes(folder, place, 2 if kind == TWO_HOSTS else 1)
    workers = 1 if kind == TWO_HOSTS else int(kind)
    with ExitStack() as stack:
        hosts = [Busy(home, home, workers, place) for home in homes]
        running = [(host, stack.enter_context(host.running())) for host in hosts]

        def send(length: int, first: int) -> Rate:
            count = MOST_A_SECOND * length

            def send_to(number: int) -> Rate:
                host, process = running[number]
                begin = first + number * 100 * MOST_A_SECOND
                done = send_as_fast_as_answered(host, process, homes[number], seconds=length, first=begin, count=count)
                return Rate(done.rate, done.failed)

            with ThreadPoolExecutor(len(running)) as pool:
                return Rate(*map(sum, zip(*pool.map(send_to, range(len(running))), strict=True)))

        send(WARM_SECONDS, 0)
        return send(seconds, MOST_A_SECOND * WARM_SECONDS)


def take_turns(scratch: Path, turns: int, seconds: int, kinds: Sequence[str]) -> Found:
    """Measure both places in turns."""
    rates: Found = {}
    for turn in range(turns):
        for kind in kinds:
            folder = scratch / f"{turn}-{kind.replace(' ', '-')}"
            with redis_in(folder / "redis") as redis:
                places: list[Place] = [redis] if kind == TWO_HOSTS else [FOLDER, redis]
                for place in places if turn % 2 == 0 else reversed(places):
                    rate = measure(folder / place.name, place, kind, seconds)
                    rates.setdefault((place.name, kind), []).append(rate)
                    print(
                        f"turn {turn + 1}, {kind}, {place.name}: {rate.decided:,.0f} a second, {rate.failed} failed",
                        flush=True,
                    )
            shutil.rmtree(folder)
    return rates


def record_ratio(rates: Mapping[tuple[str, str], Sequence[Rate]]) -> None:
    """Record the ratio with two workers, and all rates beside it."""
    pairs = zip(rates["Redis", "2"], rates["LMDB", "2"], strict=True)
    ratios = [redis.decided / folder.decided for redis, folder in pairs]
    told = []
    for (name, kind), each in rates.items():
        workers = kind if kind == TWO_HOSTS else f"{kind} workers"
        told.append(f"{name}, {workers}: {statistics.median(rate.decided for rate in each):,.0f}/s")
    failed = sum(rate.failed for each in rates.values() for rate in each)
    told.append(f"One terminal has 4.3 % of the payments. Requests that were not decided: {failed}")
    spread = (min(ratios), max(ratios))
    record("scorer.redis_vs_lmdb", statistics.median(ratios), "1", COMMAND, ". ".join(told), spread)


def main(arguments: argparse.Namespace) -> None:
    """Measure and record."""
    with tempfile.TemporaryDirectory(prefix="redis-") as scratch:
        record_ratio(take_turns(Path(scratch), arguments.turns, arguments.seconds, KINDS))


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--turns", type=int, default=TURNS)
    parser.add_argument("--seconds", type=int, default=SECONDS, help="measured seconds of each scorer in a turn")
    main(parser.parse_args())
