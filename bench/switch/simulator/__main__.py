"""Simulate seeds: ``python -m bench.switch.simulator --first 0 --seeds 1000``.

Each world of the verdict is lived through twice: by one guard that nobody disturbs, and with kills, stops, a second
guard, clocks that differ and outages. The verdicts have to be the same. With ``--way-back``, worlds of another kind are
lived through once: the service comes back by itself, and rules say to which release it may. A failure prints its seed,
and the command that repeats it.
"""

import argparse
import sys
from collections import Counter

from bench.switch.simulator.simulation import Life, try_seed
from bench.switch.simulator.stage import Violated
from bench.switch.simulator.way_back import try_way_back
from bench.switch.simulator.world import DAYS


def main() -> None:
    """Try all seeds; end at the first that fails."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--first", type=int, default=0, help="the first seed")
    parser.add_argument("--seeds", type=int, default=50, help="number of seeds")
    parser.add_argument("--days", type=int, default=DAYS, help="days with payments")
    parser.add_argument("--way-back", action="store_true", help="worlds whose service comes back by itself")
    asked = parser.parse_args()
    if asked.way_back:
        ways = sum((explain_way_back(seed) for seed in range(asked.first, asked.first + asked.seeds)), Counter[str]())
        print(f"{asked.seeds} seeds:", ", ".join(f"{number} {kind}" for kind, number in sorted(ways.items())))
        return
    lives = [explain(seed, asked.days) for seed in range(asked.first, asked.first + asked.seeds)]
    days, kills, stops = len(lives) * asked.days, sum(each.kills for each in lives), sum(each.stops for each in lives)
    print(f"{len(lives)} seeds, {days} days: {kills} kills, {stops} stops, {sum(each.trips for each in lives)} trips")


def explain(seed: int, days: int = DAYS) -> Life:
    """Try a seed.

    Raises:
        SystemExit: It fails; the message has the seed and the command that repeats it.
    """
    try:
        return try_seed(seed, days)
    except Violated as error:
        again = f"python -m bench.switch.simulator --first {seed} --seeds 1 --days {days}"
        sys.exit(f"seed {seed}: {error}; repeat it with `{again}`")


def explain_way_back(seed: int) -> Counter[str]:
    """Try a seed whose service comes back by itself; return how often it went which way.

    Raises:
        SystemExit: It fails; the message has the seed and the command that repeats it.
    """
    try:
        return try_way_back(seed)
    except Violated as error:
        again = f"python -m bench.switch.simulator --way-back --first {seed} --seeds 1"
        sys.exit(f"seed {seed}: {error}; repeat it with `{again}`")


if __name__ == "__main__":
    main()
