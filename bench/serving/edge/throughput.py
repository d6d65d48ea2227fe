"""Compare the decisions a second with the answers of stateless servers: ``make bench-throughput``, some ten minutes.

The scorer decides a new transaction with each request, and keeps it. The others get a row of features and score it with
the same model, or answer a constant. All have two workers, and the same number of busy connections.
"""

import argparse
import statistics
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

from bench.record import record
from bench.serving.edge.candidates import CUSTOMERS, Candidate, MlflowServe, NoOp, PandasRow, Scorer, prepare
from bench.serving.edge.tools import Throughput, send_as_fast_as_answered

COMMAND: Final = "make bench-throughput"
TURNS, SECONDS, WARM_SECONDS = 5, 10, 2
MOST_A_SECOND: Final = 30_000
"""More than any server here answers."""


def take_turns(folder: Path, customers: int, turns: int, seconds: int) -> dict[str, list[Throughput]]:
    """Measure all candidates in turns; the order is reversed from turn to turn."""
    prepare(folder, customers)
    candidates: list[Candidate] = [Scorer(folder, customers), MlflowServe(folder), PandasRow(folder), NoOp(folder)]
    measured: dict[str, list[Throughput]] = {each.name: [] for each in candidates}
    for turn in range(turns):
        for candidate in candidates if turn % 2 == 0 else reversed(candidates):
            measured[candidate.name].append(measure(candidate, folder, turn, seconds))
            print(f"turn {turn + 1}, {candidate.name}: {measured[candidate.name][-1]}", flush=True)
    return measured


def measure(candidate: Candidate, folder: Path, turn: int, seconds: int) -> Throughput:
    """Start a candidate, warm it up, and measure it."""
    # Ids of a turn differ from those of another, because the scorer keeps its store.
    first = turn * 2 * MOST_A_SECOND * (seconds + WARM_SECONDS)
    with candidate.running() as process:
        for begin, length in ((first, WARM_SECONDS), (first + MOST_A_SECOND * WARM_SECONDS, seconds)):
            done = send_as_fast_as_answered(
                candidate, process, folder, seconds=length, first=begin, count=MOST_A_SECOND * length
            )
    return done


def record_ratios(measured: Mapping[str, Sequence[Throughput]]) -> None:
    """Record the median of the turns' ratios of the scorer and ``mlflow models serve``."""
    ours, theirs = measured[Scorer.name], measured[MlflowServe.name]
    ratios = [mine.rate / other.rate for mine, other in zip(ours, theirs, strict=True)]
    described = "; ".join(f"{name} {describe(runs)}" for name, runs in measured.items())
    record("scorer.vs_mlflow", statistics.median(ratios), "1", COMMAND, described, (min(ratios), max(ratios)))


def describe(runs: Sequence[Throughput]) -> str:
    """Return medians in words."""
    rate, cpu = (statistics.median(values) for values in zip(*((each.rate, each.cpu) for each in runs), strict=True))
    failed = sum(each.failed for each in runs)
    return f"{rate:,.0f}/s, {cpu:.0f} microseconds of CPU each" + (f", {failed} failed" if failed else "")


def main(arguments: argparse.Namespace) -> None:
    """Measure and record."""
    with tempfile.TemporaryDirectory(prefix="throughput-") as folder:
        record_ratios(take_turns(Path(folder), arguments.customers, arguments.turns, arguments.seconds))


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--turns", type=int, default=TURNS)
    parser.add_argument("--seconds", type=int, default=SECONDS, help="measured seconds of each candidate in a turn")
    parser.add_argument("--customers", type=int, default=CUSTOMERS, help="customers in the scorer's state")
    main(parser.parse_args())
