"""Years of the rate's detector: how many trip although the rate is kept, and after how many days an excess is found."""

from dataclasses import dataclass, replace
from typing import Final

import numpy as np

from antifraud.killswitch.detectors.noise import WEEK, DayCounts, Noise, measure_noise
from antifraud.killswitch.detectors.rate import Cohort, RateEvidence, update
from bench.switch.streams import Stream

LIMIT: Final = 0.05
BUDGET: Final = 0.025
WINDOW_DAYS, YEAR_DAYS = 63, 365
QUIET_DAYS, LONGEST_DELAY = 60, 30


@dataclass(frozen=True, slots=True)
class Year:
    """One simulated year: the day of a trip, if any, and the inflation of its cohorts."""

    tripped_on: int | None
    inflation: float


def cohort_of(day: DayCounts, noise: Noise) -> Cohort:
    """Return the cohort of a day."""
    limit = LIMIT * noise.factors[day.day % WEEK]
    return Cohort(day.rows, day.flagged, limit, noise.inflation(day.rows, LIMIT))


def live_through(stream: Stream, seed: int) -> Year:
    """Measure the noise on a window of the stream, and watch the year after it."""
    rng = np.random.default_rng(seed)
    days = list(stream.days(rng, WINDOW_DAYS + YEAR_DAYS))
    noise, evidence = measure_noise(days[:WINDOW_DAYS]), RateEvidence()
    for number, day in enumerate(days[WINDOW_DAYS:]):
        evidence = update(evidence, cohort_of(day, noise))
        if evidence.is_tripped(BUDGET):
            return Year(number, noise.inflation(stream.rows, LIMIT))
    return Year(None, noise.inflation(stream.rows, LIMIT))


def delay(stream: Stream, rate: float, seed: int) -> int:
    """Return the days until a rate is found that begins after a quiet time; one more than the longest if it is not."""
    rng = np.random.default_rng(seed)
    days = list(stream.days(rng, WINDOW_DAYS + QUIET_DAYS))
    noise, evidence = measure_noise(days[:WINDOW_DAYS]), RateEvidence()
    for day in days[WINDOW_DAYS:]:
        evidence = update(evidence, cohort_of(day, noise))
    worse = replace(stream, rate=rate)
    for number, day in enumerate(worse.days(rng, LONGEST_DELAY), start=1):
        evidence = update(evidence, cohort_of(replace(day, day=day.day + WINDOW_DAYS + QUIET_DAYS), noise))
        if evidence.is_tripped(BUDGET):
            return number
    return LONGEST_DELAY + 1
