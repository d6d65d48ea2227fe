"""Simulate the kill-switch's guard in years, excesses and attacks, and record the figures.

    make bench-switch
    python -m bench.switch.figures --years 50 --streams terminal-days

The years of each stream are kept in a folder, so an interrupted run goes on where it was. Only a run of all streams
over 1,000 years each is recorded.
"""

import argparse
import json
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Final

from bench.record import record
from bench.switch.attack import KNOWN_IF_LATE, honest_payments_needed, suspends
from bench.switch.delays import STREAMS, STRONG, median_days
from bench.switch.side_by_side import live_years
from bench.switch.streams import Stream
from bench.switch.worlds import AT_LIMIT, DECLARED, EVERY, INSIDE, OWN
from bench.switch.years import lower_limit

COMMAND: Final = "make bench-switch"
YEARS, CHUNK = 1_000, 50
REPETITIONS: Final = 101
BURSTS: Final = 100
LIVES: Final = ("one release", "a new one every night")
RATES: Final = (0.08, 0.10, 0.20)
Kept = dict[str, Any]


def main() -> None:
    """Simulate what is missing, print it, and record it if it is whole."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--home", type=Path, default=Path("var/bench-switch"))
    parser.add_argument("--years", type=int, default=YEARS)
    parser.add_argument("--streams", nargs="*", help="names of streams; default all, then delays and attacks")
    asked = parser.parse_args()
    streams = [stream for stream in EVERY if not asked.streams or stream.name in asked.streams]
    kept = {stream.name: simulate(stream, asked.years, asked.home) for stream in streams}
    if asked.streams:
        return
    if asked.years >= YEARS:
        record_years(kept)
    record_delays()
    record_attacks()


def simulate(stream: Stream, years: int, home: Path) -> Kept:
    """Return the trips of a stream's years by life, and what tripped; years that were simulated before are kept."""
    home.mkdir(parents=True, exist_ok=True)
    path = home / f"{stream.name.replace(' ', '-').replace(',', '')}.json"
    kept: Kept = json.loads(path.read_text()) if path.exists() else {"years": 0, "trips": [0, 0], "causes": [{}, {}]}
    while kept["years"] < years:
        first = kept["years"]
        for lived in live_years(stream, range(first, first + CHUNK)):
            for life, year in enumerate(lived):
                if year.tripped is not None:
                    kept["trips"][life] += 1
                    kept["causes"][life] = dict(Counter(kept["causes"][life]) + Counter([year.tripped]))
        kept["years"] = first + CHUNK
        path.write_text(json.dumps(kept))
    print(f"{stream.name:36s} {kept['years']:5d} years", *map(" ".join, _said(kept)), flush=True)
    return kept


def _said(kept: Kept) -> Iterator[tuple[str, ...]]:
    for name, trips, causes in zip(LIVES, kept["trips"], kept["causes"], strict=True):
        share, lowest = trips / kept["years"], lower_limit(trips, kept["years"])
        yield f"| {name}:", f"{share:.2%},", f"at least {lowest:.2%}", str(causes)


def record_years(kept: dict[str, Kept]) -> None:
    """Record the worst stream at the limit and the worst one within it, with all others beside it."""
    _record_worst("switch.false_years_at_limit", AT_LIMIT, kept)
    _record_worst("switch.false_years_at_limit_own", OWN, kept)
    _record_worst("switch.false_years_inside", INSIDE, kept)
    _record_worst("switch.false_years_declared", DECLARED, kept)


def _record_worst(name: str, streams: Sequence[Stream], kept: dict[str, Kept]) -> None:
    found = {stream.name: max(kept[stream.name]["trips"]) for stream in streams}
    worst = max(found, key=found.__getitem__)
    years = min(kept[stream.name]["years"] for stream in streams)
    shares = [trips / years for trips in found.values()]
    beside = f"exact 95 % lower limit of the worst share of {years} years, with one release or a new one every night. "
    beside += " ".join(f"{stream[0].upper()}{stream[1:]}: {trips / years:.3f}." for stream, trips in found.items())
    record(name, lower_limit(found[worst], years), "1", COMMAND, beside, (min(shares), max(shares)))


def record_delays() -> None:
    """Record the median days until an excess is found, worst of the streams."""
    for rate in RATES:
        found = {
            (stream.name, life): median_days(stream, rate, REPETITIONS, nightly=bool(life))
            for stream in (*STREAMS, STRONG)
            for life in range(2)
        }
        usual = {key: days for key, (days, _) in found.items() if key[0] != STRONG.name}
        said = [
            f"{name[0].upper()}{name[1:]}, {LIVES[life]}: {days:g} (inflation {ratio:.1f} times the true one)."
            for (name, life), (days, ratio) in found.items()
        ]
        beside = f"median of {REPETITIONS}, after a quiet time at 4.5 %, 10,000 rows a day. " + " ".join(said)
        worst = max(usual.values())
        record(f"switch.delay_days_{rate * 100:.0f}", worst, "days", COMMAND, beside, (min(usual.values()), worst))


def record_attacks() -> None:
    """Record how many bursts of real fraud suspend the service, and what an attacker would need."""
    known, late = (sum(suspends(seed, each) is not None for seed in range(BURSTS)) for each in (1.0, KNOWN_IF_LATE))
    payments, days = honest_payments_needed()
    beside = (
        f"of {BURSTS} bursts of 500 to 5,000 frauds a day at 1 to 10 of 500 terminals for 1 to 3 days. Honest "
        f"bystanders are flagged, too. {late} where a fifth of the frauds is learnt late. An attacker needs "
        f"{payments:,} honest payments of his own that are flagged, within {days} days, at 10,000 a day and a rate "
        "of 4.5 %."
    )
    record("switch.attack_suspends", max(known, late), "bursts", COMMAND, beside)


if __name__ == "__main__":
    main()
