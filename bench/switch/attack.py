"""Card-testing bursts that the model catches: their labels mature through the whole guard, and must suspend nothing.

For some days, thieves try thousands of stolen cards at a few terminals. The model flags nearly all of it. It also flags
most honest customers of those terminals, during the burst and for some days after it. One variant learns a fifth of all
frauds late: until then they count as legitimate, and the release's maturation curve says so.
"""

from dataclasses import dataclass, replace
from typing import Final

import numpy as np

from antifraud.killswitch.cohorts import CohortCounts
from antifraud.killswitch.detectors.measuring import measure_noise
from antifraud.killswitch.promises import Promise
from bench.switch.guard import LIMIT, Guard, name_of
from bench.switch.streams import Days, Stream
from bench.switch.years import GAP, WINDOW_DAYS

STREAM: Final = Stream("terminal-days", rate=0.045, clustering=0.1)
FRAUDS_A_DAY: Final = 100
CAUGHT: Final = 0.95
BYSTANDERS_FLAGGED: Final = 0.8
DAYS: Final = (1, 4)
TERMINALS: Final = (1, 11)
FRAUDS: Final = (500, 5_001)
REMEMBERED_DAYS: Final = 3
QUIET_DAYS, AFTER_DAYS = 60, 40
KNOWN_IF_LATE: Final = 0.8
LONGEST_ATTACK: Final = 14


@dataclass(frozen=True, slots=True)
class Burst:
    """A burst: its length, how many terminals it uses, and its frauds a day."""

    days: int
    terminals: int
    frauds: int

    @classmethod
    def draw(cls, rng: np.random.Generator) -> "Burst":
        """Draw a burst."""
        return cls(*(int(rng.integers(*each)) for each in (DAYS, TERMINALS, FRAUDS)))


def suspends(seed: int, known: float) -> str | None:
    """Return what a burst trips, if anything; `known` is the share of frauds that is known when a day closes."""
    rng = np.random.default_rng([seed, 27])
    burst, start = Burst.draw(rng), WINDOW_DAYS + GAP + QUIET_DAYS
    days = STREAM.draw(rng, start + AFTER_DAYS)
    promise = Promise(measure_noise(days.counts()[:WINDOW_DAYS], LIMIT), known)
    guard = Guard()
    hit = _with_bystanders(days, burst, start, rng)
    for day in range(WINDOW_DAYS + GAP, start + AFTER_DAYS):
        frauds = FRAUDS_A_DAY + (burst.frauds if start <= day < start + burst.days else 0)
        cohort = _cohort(day, int(hit.rows[day].sum()), int(hit.flagged[day].sum()), rng.poisson(frauds), known)
        if (tripped := guard.close(cohort, promise)) is not None:
            return name_of(tripped)
    return None


def _with_bystanders(days: Days, burst: Burst, start: int, rng: np.random.Generator) -> Days:
    """Return the days with the honest rows of the attacked terminals flagged, too."""
    flagged = days.flagged.copy()
    hit = slice(start, start + burst.days + REMEMBERED_DAYS), rng.choice(flagged.shape[1], burst.terminals, False)
    flagged[hit] = np.maximum(flagged[hit], rng.binomial(days.rows[hit], BYSTANDERS_FLAGGED))
    return Days(days.rows, flagged)


def _cohort(day: int, rows: int, flagged: int, frauds: int, known: float) -> CohortCounts:
    """Return the cohort of a day as its labels show it; a fraud that is not known yet has a legitimate label."""
    caught = round(CAUGHT * frauds)
    missed = frauds - caught
    late_caught, late_missed = (round(each * (1 - known)) for each in (caught, missed))
    return CohortCounts(
        day,
        "r",
        decided=rows + frauds,
        flagged=flagged + caught,
        legit_flagged=flagged + late_caught,
        legit_passed=rows - flagged + late_missed,
        fraud_flagged=caught - late_caught,
        fraud_passed=missed - late_missed,
    )


def honest_payments_needed() -> tuple[int, int]:
    """Return the fewest honest payments that must be flagged to trip the guard, and over how many days.

    They come in addition to 10,000 usual payments a day at 4.5 %, and are labelled legitimate.
    """
    noise = measure_noise(STREAM.draw(np.random.default_rng(5), WINDOW_DAYS).counts(), LIMIT)
    needed = {days: days * _needed_a_day(Promise(noise), days) for days in range(1, LONGEST_ATTACK + 1)}
    best = min(needed, key=needed.__getitem__)
    return needed[best], best


def _needed_a_day(promise: Promise, days: int) -> int:
    low, high = 0, 1 << 17
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if _trips(promise, days, middle) else (middle, high)
    return high


def _trips(promise: Promise, days: int, more: int) -> bool:
    guard, usual = Guard(), CohortCounts(0, "r", 10_000, 450, legit_flagged=450, legit_passed=9_550)
    for day in range(QUIET_DAYS):
        guard.close(replace(usual, day=day), promise)
    attacked = replace(usual, decided=10_000 + more, flagged=450 + more, legit_flagged=450 + more)
    return any(guard.close(replace(attacked, day=QUIET_DAYS + day), promise) is not None for day in range(days))
