"""Simulated years of the whole guard: how many have a trip although every limit is kept.

The noise is measured anew for each release, on a window of certify's length that ends with the newest matured day. A
year is lived twice on the same days: by one release, and with a new release every night.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np
from scipy.stats import beta

from antifraud.killswitch.detectors.measuring import DayCounts, measure_noise
from antifraud.killswitch.promises import Promise
from bench.switch.guard import LIMIT, Guard, labelled, name_of
from bench.switch.streams import Floats, Stream

WINDOW_DAYS, YEAR_DAYS = 63, 365
GAP: Final = 8
"""Days between the end of the window and a release's first day: the label delay, and one to close."""
START: Final = WINDOW_DAYS + GAP
EPISODES_A_DAY: Final = 3.0
EPISODE_SD: Final = 0.8
"""Standard deviation of the logarithm of an episode's missed amount; the mean amount is 1."""
LEVEL: Final = 0.95


@dataclass(frozen=True, slots=True)
class Year:
    """The outcome of a year: what has tripped and on which day, if anything."""

    tripped: str | None = None
    day: int | None = None


@dataclass(frozen=True, eq=False)
class Life:
    """A window and the year after it: the days, and by day the missed fraud and what is allowed."""

    days: list[DayCounts]
    missed: Floats
    allowed: Floats

    @classmethod
    def draw(cls, stream: Stream, seed: int) -> "Life":
        """Draw a life; the missed fraud is as far below its limit as the rate is."""
        rng = np.random.default_rng([seed, *stream.name.encode()])
        days = stream.draw(rng, START + YEAR_DAYS).counts()
        allowed = EPISODES_A_DAY * np.array([day.rows for day in days]) / stream.rows
        begun = rng.poisson(allowed * stream.rate / LIMIT)
        amounts = rng.lognormal(-(EPISODE_SD**2) / 2, EPISODE_SD, begun.sum())
        missed = np.bincount(np.repeat(np.arange(begun.size), begun), amounts, begun.size).astype(np.float64)
        return cls(days, missed, allowed)

    def live(self, *, nightly: bool) -> Year:
        """Watch the year, by one release or with a new one every night."""
        guard, promise = Guard(), certify(self.days, START)
        for day in range(START, len(self.days)):
            if nightly:
                promise = certify(self.days, day)
            counts = self.days[day]
            cohort = labelled(day, f"r{day}" if nightly else "r", counts.rows, counts.flagged)
            tripped = guard.close(cohort, promise, float(self.missed[day]), float(self.allowed[day]))
            if tripped is not None:
                return Year(name_of(tripped), day - START)
        return Year()


def certify(days: list[DayCounts], day: int) -> Promise:
    """Return what the manifest of a release says that begins on a day."""
    return Promise(measure_noise(days[day - START : day - GAP], LIMIT))


def lower_limit(trips: int, years: int) -> float:
    """Return the exact 95 % lower limit of the share of years with a trip (Clopper & Pearson).

    >>> round(lower_limit(60, 1_000), 4), lower_limit(0, 1_000)
    (0.048, 0.0)
    """
    return float(beta.ppf(1 - LEVEL, trips, years - trips + 1)) if trips else 0.0
