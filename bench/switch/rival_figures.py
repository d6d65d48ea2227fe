"""Simulate what rivals of the kill-switch do on the same streams, and record how often they stop a good service.

make bench-switch-rivals
"""

from dataclasses import replace
from typing import Final

import numpy as np

from bench.record import record
from bench.switch.rivals import RIVALS, share_text
from bench.switch.streams import Days, Stream
from bench.switch.worlds import AT_LIMIT, INSIDE
from bench.switch.years import START, YEAR_DAYS

COMMAND: Final = "make bench-switch-rivals"
YEARS: Final = 100
BAD_RATE, BAD_DAYS = 0.08, 60
DELAYED: Final = Stream("independent", rate=0.045)


def main() -> None:
    """Record each rival's false years, and its delay."""
    trips = {name: {stream.name: 0 for stream in (*AT_LIMIT, *INSIDE)} for name in RIVALS}
    for stream in (*AT_LIMIT, *INSIDE):
        for seed in range(YEARS):
            days = stream.draw(np.random.default_rng([seed, *stream.name.encode()]), START + YEAR_DAYS)
            for name, rival in RIVALS.items():
                trips[name][stream.name] += rival(days) is not None
        print(stream.name, {name: found[stream.name] for name, found in trips.items()}, flush=True)
    for name, found in trips.items():
        record_rival(name, found)


def record_rival(name: str, found: dict[str, int]) -> None:
    """Record a rival's share of false years on its worst stream."""
    shares = [trips / YEARS for trips in found.values()]
    said = " ".join(f"{stream}: {share_text(trips, YEARS)}." for stream, trips in found.items())
    beside = (
        f"share of {YEARS} years that it stops, standard error in points. {said} Median days to find 8 %: {delay(name)}"
    )
    figure = f"switch.false_years_of_{name.replace(' ', '_').replace('-', '_')}"
    record(figure, max(shares), "1", COMMAND, beside, (min(shares), max(shares)))


def delay(name: str) -> str:
    """Return the median days until a rival finds 8 % after its window; "never" beyond `BAD_DAYS`."""
    found = []
    for seed in range(YEARS):
        rng = np.random.default_rng([seed, 8])
        before, worse = DELAYED.draw(rng, START), replace(DELAYED, rate=BAD_RATE).draw(rng, BAD_DAYS)
        parts = (np.vstack([getattr(each, field) for each in (before, worse)]) for field in ("rows", "flagged"))
        stopped = RIVALS[name](Days(*parts))
        found.append(BAD_DAYS + 1 if stopped is None else stopped + 1)
    median = float(np.median(found))
    return f"{median:g}" if median <= BAD_DAYS else "never"


if __name__ == "__main__":
    main()
