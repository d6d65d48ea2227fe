"""Compare the processor time of a durable decision with that of commit b393281, in turns on the same requests.

    make bench-cpu BEFORE=checkout

A decision is a whole WSGI call: from a request's environment to the last byte of the answer. Each version decides in a
process and a home of its own, with the interpreter of its checkout (`bench/serving/calls.py`). Both have a release and
a state of the same contents (`bench/serving/world.py`).
"""

import argparse
import os
import statistics
import subprocess
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np

from antifraud.artifacts.state_export import encode_entity
from antifraud.features.registry import feature_set_hash
from bench.record import record
from bench.serving.world import NOW, Version, encode_format_2, fit_model, make_home, make_requests

COMMAND: Final = "make bench-cpu BEFORE=checkout"
BEFORE: Final = "b393281"
BEFORE_FEATURES: Final = "905791b4c47c6744"
"""Hash of the feature set of that commit."""
ROOT: Final = Path(__file__).resolve().parents[2]
TURNS: Final = 5
BATCHES: Final = 3
"""Batches of a turn that are measured."""


@dataclass(frozen=True, slots=True)
class Side:
    """A version to measure: where it lies, what its files look like, and the arguments that prepare a home."""

    name: str
    checkout: Path
    version: Version
    preparation: Sequence[str] = ()

    @property
    def interpreter(self) -> Path:
        """Its interpreter; not resolved, because a virtual environment is known by the path of its link."""
        return self.checkout / ".venv/bin/python"


@dataclass(frozen=True, slots=True)
class Spent:
    """Microseconds of processor time of a decision, and of a view that returns a constant."""

    decision: float
    constant: float


def run(side: Side, arguments: Sequence[str], environment: Mapping[str, str]) -> str:
    """Run a version's interpreter in its checkout; return what it prints.

    Raises:
        SystemExit: It failed.
    """
    command = [str(side.interpreter), *arguments]
    ended = subprocess.run(command, cwd=side.checkout, env=environment, check=False, stdout=subprocess.PIPE, text=True)
    if ended.returncode:
        raise SystemExit(f"{' '.join(command)} ended with code {ended.returncode}: see its messages above")
    return ended.stdout


def measure(side: Side, home: Path, requests: Path) -> Spent:
    """Let a version decide all requests in a process of its own; return the medians over its batches."""
    metrics = home / "metrics"
    metrics.mkdir()
    environment = {
        "PATH": os.environ["PATH"],
        "PYTHONPATH": str(side.checkout),
        "PROMETHEUS_MULTIPROC_DIR": str(metrics),  # as under Gunicorn
        "ANTIFRAUD_HOME": str(home),
        "ANTIFRAUD_CLOCK_OFFSET_SECONDS": str(NOW - int(time.time())),
        "ANTIFRAUD_STORE_MAP_BYTES": str(1 << 30),
        "OMP_NUM_THREADS": "1",
    }
    if side.preparation:
        run(side, side.preparation, environment)
    # -P: the folder of the program must not hide packages of the version.
    printed = run(side, ["-P", str(ROOT / "bench/serving/calls.py"), str(home), str(requests)], environment)
    figures = [float(line) for line in printed.split()]
    return Spent(statistics.median(figures[::2]), statistics.median(figures[1::2]))


def take_turns(sides: list[Side], scratch: Path, turns: int) -> dict[str, list[Spent]]:
    """Measure the versions in turns, each in a fresh home."""
    requests = scratch / "requests"
    requests.write_text(make_requests(BATCHES))
    model, rows = fit_model(np.random.default_rng(0))
    spent: dict[str, list[Spent]] = {side.name: [] for side in sides}
    for turn in range(turns):
        # The first of a pair changes from turn to turn, so that neither always finds the machine cooler.
        for side in sides if turn % 2 == 0 else reversed(sides):
            home = scratch / f"{side.name}-{turn}"
            make_home(home, side.version, model, rows)
            spent[side.name].append(measure(side, home, requests))
            print(f"turn {turn + 1}, {side.name}: {spent[side.name][-1]}", flush=True)
    return spent


def record_ratio(now: list[Spent], before: list[Spent]) -> None:
    """Record the median of the turns' ratios."""
    ratios = [mine.decision / theirs.decision for mine, theirs in zip(now, before, strict=True)]
    here, there = (statistics.median(each.decision for each in spent) for spent in (now, before))
    constant = statistics.median(each.constant for each in now)
    baseline = (
        f"{here:.0f} of {there:.0f} microseconds at commit {BEFORE}, in {len(ratios)} turns; "
        f"a view that returns a constant needs {constant:.0f}"
    )
    record("scorer.cpu_ratio", statistics.median(ratios), "1", COMMAND, baseline, (min(ratios), max(ratios)))


def main(arguments: argparse.Namespace) -> None:
    """Measure both versions and record."""
    before = arguments.before.absolute()
    sides = [
        Side("now", ROOT, Version(feature_set_hash(), encode_entity), ["-m", "serving.store", "init"]),
        Side("before", before, Version(BEFORE_FEATURES, encode_format_2)),
    ]
    for side in sides:
        if not side.interpreter.exists():
            raise SystemExit(f"{side.checkout} has no environment: run `make setup` in it")
    with tempfile.TemporaryDirectory(prefix="scorer-cpu-") as scratch:
        spent = take_turns(sides, Path(scratch), arguments.turns)
    record_ratio(spent["now"], spent["before"])


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--before", type=Path, required=True, help=f"checkout of commit {BEFORE} with its environment")
    parser.add_argument("--turns", type=int, default=TURNS)
    main(parser.parse_args())
