"""The days until an excess is found, counted from the day on which its first day's labels have matured."""

from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Final

import numpy as np

from bench.switch.guard import LIMIT, Guard, labelled
from bench.switch.streams import Stream
from bench.switch.years import START, certify

QUIET_DAYS, LONGEST = 60, 40
USUAL_RATE: Final = 0.045
STEADY_DAYS: Final = 4_000
STREAMS: Final = (
    Stream("independent", rate=USUAL_RATE),
    Stream("terminal-days", rate=USUAL_RATE, clustering=0.1),
    Stream("28-day terminals", rate=USUAL_RATE, compromised=0.02),
)
STRONG: Final = Stream("days differ by 10 %", rate=USUAL_RATE, day_sd=0.10)
"""A stream with strong day effects."""


@dataclass(frozen=True, slots=True)
class Found:
    """The days until an excess was found, and the estimated inflation over the stream's true one at the limit."""

    days: int
    inflation_ratio: float


def find(stream: Stream, rate: float, seed: int, *, nightly: bool) -> Found:
    """Return how soon the guard finds a rate that begins after a quiet time; one day more than `LONGEST` if never."""
    rng = np.random.default_rng([seed, *stream.name.encode()])
    before = START + QUIET_DAYS
    days = stream.draw(rng, before).counts()
    days += [replace(day, day=before + day.day) for day in replace(stream, rate=rate).draw(rng, LONGEST).counts()]
    promise, guard, found = certify(days, START), Guard(), LONGEST + 1
    for day in range(START, len(days)):
        if nightly:
            promise = certify(days, day)
        cohort = labelled(day, f"r{day}" if nightly else "r", days[day].rows, days[day].flagged)
        if guard.close(cohort, promise) is not None and day >= before:
            found = day - before + 1
            break
    return Found(found, promise.noise.inflation(stream.rows, LIMIT) / true_inflation(stream))


@lru_cache(64)
def true_inflation(stream: Stream) -> float:
    """Return the variance of a day's flagged rows over that of independent ones, at the limit and by weekday."""
    days = replace(stream, rate=LIMIT).draw(np.random.default_rng(1), STEADY_DAYS)
    flagged, rows = days.flagged.sum(axis=1), days.rows.sum(axis=1)
    return float(flagged.var() / (rows.mean() * LIMIT * (1 - LIMIT)))


def median_days(stream: Stream, rate: float, repetitions: int, *, nightly: bool) -> tuple[float, float]:
    """Return the median days, and the median ratio of the estimated inflation to the true one."""
    found = [find(stream, rate, seed, nightly=nightly) for seed in range(repetitions)]
    return float(np.median([each.days for each in found])), float(np.median([each.inflation_ratio for each in found]))
