"""Measure the longest gap between two answers of a worker while it swaps releases: ``make bench-serving-swap``.

One worker serves a state of half a million entities, and releases of as many trees as training makes. Clients send
decisions at a steady rate. The pointer moves to the other release every few seconds. A gap is the time between two
answers; those of spans without a swap are reported beside it.
"""

import argparse
import itertools
import tempfile
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from antifraud.artifacts.pointer import activate
from antifraud.keys.signing import PublicKey
from bench.record import record
from bench.serving.crash import transaction
from bench.serving.load import Load
from bench.serving.processes import ROOT, ScorerProcess, Version, prepare_home, running, wait_for

COMMAND: Final = "make bench-serving-swap"
WORLD: Final = ROOT / "tests" / "blackbox" / "world.py"
ENTITIES, TREES = 500_000, 500
SWAPS, RATE, CLIENTS = 20, 100.0, 2
STEADY_SECONDS: Final = 2.0


@dataclass(frozen=True, slots=True)
class Span:
    """The clock when a release was activated, and when the worker reported it."""

    began: float
    ended: float


def gaps_in(span: Span, answered: Iterable[float]) -> list[float]:
    """Return the seconds between two answers that follow each other, one of them at least in the span.

    >>> gaps_in(Span(2.0, 3.0), [1.0, 1.5, 2.25, 2.5, 4.0, 4.5])
    [0.75, 0.25, 1.5]
    """
    return [
        later - earlier
        for earlier, later in itertools.pairwise(sorted(answered))
        if later >= span.began and earlier <= span.ended
    ]


def swap(scorer: ScorerProcess, key: PublicKey, release: str) -> Span:
    """Activate a release, and wait until the worker serves it."""
    began = time.monotonic()
    activate(scorer.home / "releases", release, key)
    wait_for(lambda: scorer.status()["release"] == release, f"release {release}")
    return Span(began, time.monotonic())


def measure(home: Path, swaps: int, entities: int, trees: int) -> tuple[list[float], list[float]]:
    """Return the longest gap of each swap, and the longest gap of each span between two swaps, in seconds."""
    version = Version()
    version.require(home, "-P", str(WORLD), str(home), "--entities", str(entities), "--trees", str(trees))
    prepare_home(version, home)
    key = PublicKey.read(home / "secrets" / "release.pub")
    steady, swapped = [], []
    with running(ScorerProcess(version, home, workers=1)) as scorer:
        scorer.start()
        with Load(scorer, transaction, rate=RATE, clients=CLIENTS) as load:
            time.sleep(STEADY_SECONDS)
            for number in range(swaps):
                began = time.monotonic()
                time.sleep(STEADY_SECONDS)
                steady.append(Span(began, time.monotonic()))
                swapped.append(swap(scorer, key, ("second", "first")[number % 2]))
    return longest(swapped, load), longest(steady, load)


def longest(spans: Sequence[Span], load: Load) -> list[float]:
    """Return the longest gap of each span."""
    answered = [attempt.ended for attempt in load.notes.every() if attempt.status == 200]
    return [max(gaps_in(span, answered)) for span in spans]


def main(arguments: argparse.Namespace) -> None:
    """Measure and record."""
    with tempfile.TemporaryDirectory(prefix="swap-") as scratch:
        swapped, steady = measure(Path(scratch), arguments.swaps, arguments.entities, arguments.trees)
    about = (
        f"longest of {len(swapped)} swaps at {RATE:.0f} decisions a second; {max(steady) * 1_000:.0f} ms without a swap"
    )
    spread = [min(swapped) * 1_000, max(swapped) * 1_000]
    record("scorer.swap_gap_ms", max(swapped) * 1_000, "ms", COMMAND, about, spread)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--swaps", type=int, default=SWAPS)
    parser.add_argument("--entities", type=int, default=ENTITIES, help="entities of the state")
    parser.add_argument("--trees", type=int, default=TREES, help="trees of each release")
    main(parser.parse_args())
