"""Compare the slow answers of a scorer that survives a power cut with those of one that survives a kill.

    make bench-serving-power

Both decide the same transactions at 400 a second, in turns, each with a fresh store. Answers are timed from when their
request was due. With ``--redis``, the decisions are in a Redis (``make bench-redis-power``).
"""

import argparse
import statistics
import tempfile
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any, Final, Literal, NamedTuple

from bench.record import record
from bench.serving.crash import WORLD, transaction
from bench.serving.load import percentile
from bench.serving.open_loop import Client, Timed, send_all
from bench.serving.places import FOLDER, Place, redis_in
from bench.serving.processes import ScorerProcess, Version, prepare_home, running

COMMAND: Final = "make bench-serving-power"
REDIS_COMMAND: Final = "make bench-redis-power"
RATE: Final = 400.0
WARM_SECONDS, SECONDS, TURNS = 5.0, 30.0, 5
Durability = Literal["process", "power"]
SIDES: Final[tuple[Durability, ...]] = ("process", "power")


class Turn(NamedTuple):
    """The timed answers of a scorer, and the decisions that shared a transaction of the store, on average."""

    timed: list[Timed]
    batch: float


def measure(home: Path, durability: Durability, rate: float, seconds: float, place: Place) -> Turn:
    """Measure a scorer with a new home."""
    version = Version()
    settings: dict[str, Any] = {"ANTIFRAUD_STORE_DURABILITY": durability, **place.settings}
    version.require(home, "-P", str(WORLD), str(home))
    prepare_home(version, home, **settings)
    with running(ScorerProcess(version, home, **settings)) as scorer:
        scorer.start()
        client = Client(scorer, transaction)
        warm, measured = int(rate * WARM_SECONDS), int(rate * seconds)
        send_all(client.send, range(warm), rate)
        before = place.commits(home)
        timed = send_all(client.send, range(warm, warm + measured), rate)
        return Turn(timed, measured / max(1, place.commits(home) - before))


def take_turns(scratch: Path, turns: int, rate: float, seconds: float, *, redis: bool) -> dict[Durability, list[Turn]]:
    """Measure both durabilities in turns; the first of a pair changes from turn to turn."""
    found: dict[Durability, list[Turn]] = {side: [] for side in SIDES}
    for turn in range(turns):
        for side in SIDES if turn % 2 == 0 else reversed(SIDES):
            home = scratch / f"{side}-{turn}"
            home.mkdir()
            with ExitStack() as stack:
                options = {"appendfsync": "always" if side == "power" else "everysec"}
                folder = scratch / f"redis-{side}-{turn}"
                place = stack.enter_context(redis_in(folder, **options)) if redis else FOLDER
                found[side].append(measure(home, side, rate, seconds, place))
            done = found[side][-1]
            print(
                f"turn {turn + 1}, {side}: p99 {slow(done.timed) * 1_000:.1f} ms, batches of {done.batch:.1f}",
                flush=True,
            )
    return found


def slow(answers: Sequence[Timed]) -> float:
    """Return the 99th percentile of the seconds."""
    return percentile([each.seconds for each in answers], 0.99)


def record_ratio(found: Mapping[Durability, Sequence[Turn]], *, redis: bool) -> None:
    """Record the median of the turns' ratios."""
    tails = {side: [slow(turn.timed) for turn in found[side]] for side in SIDES}
    ratios = [power / process for power, process in zip(tails["power"], tails["process"], strict=True)]
    refused = sum(each.status != 200 for side in SIDES for turn in found[side] for each in turn.timed)
    milliseconds = {side: f"{statistics.median(tails[side]) * 1_000:.1f} ms" for side in SIDES}
    sizes = {side: statistics.median(turn.batch for turn in found[side]) for side in SIDES}
    batches = f"{sizes['power']:.1f} over {sizes['process']:.1f}"
    baseline = (
        f"p99 {milliseconds['power']} over {milliseconds['process']}, in {len(ratios)} turns at {RATE:.0f} decisions "
        f"a second; requests that were not decided: {refused}; decisions in a transaction: {batches}"
    )
    name, command = ("scorer.redis_power_400_ratio", REDIS_COMMAND) if redis else ("scorer.power_400_ratio", COMMAND)
    record(name, statistics.median(ratios), "1", command, baseline, (min(ratios), max(ratios)))


def main(arguments: argparse.Namespace) -> None:
    """Measure and record."""
    with tempfile.TemporaryDirectory(prefix="power-", dir=arguments.folder) as scratch:
        found = take_turns(Path(scratch), arguments.turns, RATE, arguments.seconds, redis=arguments.redis)
        record_ratio(found, redis=arguments.redis)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--turns", type=int, default=TURNS)
    parser.add_argument("--seconds", type=float, default=SECONDS, help="measured seconds of each scorer in a turn")
    parser.add_argument("--folder", type=Path, help="folder on the disk to be measured")
    parser.add_argument("--redis", action="store_true", help="keep the decisions in a Redis")
    main(parser.parse_args())
