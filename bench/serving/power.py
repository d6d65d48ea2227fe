"""Compare the slow answers of a scorer that survives a power cut with those of one that survives a kill.

    make bench-serving-power

Both decide the same transactions at 400 a second, in turns, each with a fresh store. Answers are timed from when their
request was due.
"""

import argparse
import statistics
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final, Literal

from bench.record import record
from bench.serving.crash import WORLD, transaction
from bench.serving.load import percentile
from bench.serving.open_loop import Client, Timed, send_all
from bench.serving.processes import ScorerProcess, Version, prepare_home, running

COMMAND: Final = "make bench-serving-power"
RATE: Final = 400.0
WARM_SECONDS, SECONDS, TURNS = 5.0, 30.0, 5
Durability = Literal["process", "power"]
SIDES: Final[tuple[Durability, ...]] = ("process", "power")


def measure(home: Path, durability: Durability, rate: float, seconds: float) -> list[Timed]:
    """Return the timed answers of a scorer with a new home."""
    version = Version()
    version.require(home, "-P", str(WORLD), str(home))
    prepare_home(version, home, ANTIFRAUD_STORE_DURABILITY=durability)
    with running(ScorerProcess(version, home, ANTIFRAUD_STORE_DURABILITY=durability)) as scorer:
        scorer.start()
        client = Client(scorer, transaction)
        warm, measured = int(rate * WARM_SECONDS), int(rate * seconds)
        send_all(client.send, range(warm), rate)
        return send_all(client.send, range(warm, warm + measured), rate)


def take_turns(scratch: Path, turns: int, rate: float, seconds: float) -> dict[Durability, list[list[Timed]]]:
    """Measure both durabilities in turns; the first of a pair changes from turn to turn."""
    timed: dict[Durability, list[list[Timed]]] = {side: [] for side in SIDES}
    for turn in range(turns):
        for side in SIDES if turn % 2 == 0 else reversed(SIDES):
            home = scratch / f"{side}-{turn}"
            home.mkdir()
            timed[side].append(measure(home, side, rate, seconds))
            print(f"turn {turn + 1}, {side}: p99 {slow(timed[side][-1]) * 1_000:.1f} ms", flush=True)
    return timed


def slow(answers: Sequence[Timed]) -> float:
    """Return the 99th percentile of the seconds."""
    return percentile([each.seconds for each in answers], 0.99)


def record_ratio(timed: Mapping[Durability, Sequence[Sequence[Timed]]]) -> None:
    """Record the median of the turns' ratios."""
    tails = {side: [slow(answers) for answers in timed[side]] for side in SIDES}
    ratios = [power / process for power, process in zip(tails["power"], tails["process"], strict=True)]
    refused = sum(each.status != 200 for side in SIDES for answers in timed[side] for each in answers)
    milliseconds = {side: f"{statistics.median(tails[side]) * 1_000:.1f} ms" for side in SIDES}
    baseline = (
        f"p99 {milliseconds['power']} over {milliseconds['process']}, in {len(ratios)} turns at {RATE:.0f} decisions "
        f"a second; requests that were not decided: {refused}"
    )
    record("scorer.power_400_ratio", statistics.median(ratios), "1", COMMAND, baseline, (min(ratios), max(ratios)))


def main(arguments: argparse.Namespace) -> None:
    """Measure and record."""
    with tempfile.TemporaryDirectory(prefix="power-", dir=arguments.folder) as scratch:
        record_ratio(take_turns(Path(scratch), arguments.turns, RATE, arguments.seconds))


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--turns", type=int, default=TURNS)
    parser.add_argument("--seconds", type=float, default=SECONDS, help="measured seconds of each scorer in a turn")
    parser.add_argument("--folder", type=Path, help="folder on the disk to be measured")
    main(parser.parse_args())
