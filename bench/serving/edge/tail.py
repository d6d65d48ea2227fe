"""Compare the slow answers of the scorer with those of a constant view, at 400 requests a second: ``make bench-tail``.

Answers are timed from when their request was due. Some ten minutes: in each turn there is the constant view, the
scorer, and the scorer while the guard counts labels, old decisions are removed, releases change and a state is loaded.
"""

import argparse
import statistics
import tempfile
from collections.abc import Mapping, Sequence
from contextlib import nullcontext
from pathlib import Path
from typing import Final

from bench.record import record
from bench.serving.edge.busy import fill_store, kept_busy, renew_store
from bench.serving.edge.candidates import CUSTOMERS, Candidate, NoOp, Scorer, prepare
from bench.serving.edge.tools import Tail, send_at_a_rate

COMMAND: Final = "make bench-tail"
TURNS, RATE, SECONDS, WARM_SECONDS = 5, 400, 30, 3
NOTHING, QUIET, BUSY = "no-op", "scorer", "busy scorer"
FIGURES: Final = {QUIET: "scorer.open_400_ratio", BUSY: "scorer.busy_400_ratio"}


def take_turns(folder: Path, customers: int, turns: int, seconds: int) -> dict[str, list[Tail]]:
    """Measure all sides in turns; the order is reversed from turn to turn."""
    prepare(folder, customers)
    measured: dict[str, list[Tail]] = {side: [] for side in (NOTHING, QUIET, BUSY)}
    for turn in range(turns):
        for side in list(measured) if turn % 2 == 0 else reversed(list(measured)):
            candidate = NoOp(folder) if side == NOTHING else Scorer(folder, customers)
            measured[side].append(measure(candidate, folder, seconds, busy=side == BUSY))
            print(f"turn {turn + 1}, {side}: {measured[side][-1]}", flush=True)
    return measured


def measure(candidate: Candidate, folder: Path, seconds: int, *, busy: bool) -> Tail:
    """Start a candidate, a scorer with a store of its own, warm it up, and measure it."""
    if isinstance(candidate, Scorer):
        renew_store(candidate)
        if busy:
            fill_store(candidate)
    with candidate.running():
        send_at_a_rate(candidate, folder, rate=RATE, seconds=WARM_SECONDS, first=0)
        with kept_busy(candidate, seconds) if busy and isinstance(candidate, Scorer) else nullcontext():
            return send_at_a_rate(candidate, folder, rate=RATE, seconds=seconds, first=RATE * WARM_SECONDS)


def record_ratios(measured: Mapping[str, Sequence[Tail]]) -> None:
    """Record the medians of the turns' ratios."""
    beside = "; ".join(f"{side} {describe(tails)}" for side, tails in measured.items())
    for side, name in FIGURES.items():
        ratios = [mine.p99 / nothing.p99 for mine, nothing in zip(measured[side], measured[NOTHING], strict=True)]
        record(name, statistics.median(ratios), "1", COMMAND, beside, (min(ratios), max(ratios)))


def describe(tails: Sequence[Tail]) -> str:
    """Return medians in words."""
    median, p99 = (statistics.median(each) * 1_000 for each in zip(*((t.median, t.p99) for t in tails), strict=True))
    return f"p50 {median:.1f} ms, p99 {p99:.1f} ms, {sum(t.failed for t in tails)} failed"


def main(arguments: argparse.Namespace) -> None:
    """Measure and record."""
    with tempfile.TemporaryDirectory(prefix="tail-") as folder:
        record_ratios(take_turns(Path(folder), arguments.customers, arguments.turns, arguments.seconds))


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--turns", type=int, default=TURNS)
    parser.add_argument("--seconds", type=int, default=SECONDS, help="measured seconds of each side in a turn")
    parser.add_argument("--customers", type=int, default=CUSTOMERS, help="customers in the scorer's state")
    main(parser.parse_args())
