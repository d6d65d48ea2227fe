"""Troubles that end in a trip: drawn days, which releases they hit, and the day on which the guard trips.

A platform has promoted releases at night for some weeks. Then the newest releases, or all of them, become worse. The
guard watches with the functions of production, and sees a day when its labels have matured.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Final

import numpy as np

from antifraud.killswitch.cohorts import CohortCounts
from antifraud.killswitch.detectors.measuring import DayCounts
from antifraud.killswitch.promises import Promise
from bench.switch.guard import Guard, labelled
from bench.switch.streams import Days, Floats, Ints, Stream
from bench.switch.years import EPISODE_SD, EPISODES_A_DAY, START, certify

KINDS: Final = ("newest", "all", "drift", "missed")
"""The newest releases flag too much; all do; all do more and more; all miss more fraud."""
RATES: Final = (0.08, 0.10, 0.20)
VOLUMES: Final = (2_000, 10_000, 50_000)
AGES: Final = (15, 200)
"""Days from the first release to the trouble."""
POISONED_DAYS: Final = 3
"""Releases trained so many days before the trouble, or later, have learnt from poisoned days."""
DRIFT_DAYS: Final = 14
USUAL_RATE, USUAL_LOSS, WORSE_LOSS = 0.04, 0.5, 3.0
"""Rate of a good release; missed fraud over the allowed one, of a good release and where more is missed."""
PROMOTED, NIGHT_FAILS = 0.9, 0.03
LONGEST_WATCH: Final = 60
"""Days after the onset; a trouble that has not tripped by then is none."""


@dataclass(frozen=True)
class Trouble:
    """A trouble, drawn from a seed; days are numbered from the first of the window of the first release."""

    seed: int

    @cached_property
    def rng(self) -> np.random.Generator:
        """The source of everything that is drawn."""
        return np.random.default_rng([self.seed, 29])

    @property
    def kind(self) -> str:
        """One of `KINDS`."""
        return KINDS[self.seed % len(KINDS)]

    @property
    def rate(self) -> float:
        """False-positive rate of the releases that it hits."""
        return RATES[self.seed // len(KINDS) % len(RATES)]

    @property
    def rows(self) -> int:
        """Legitimate payments a day."""
        return VOLUMES[self.seed // (len(KINDS) * len(RATES)) % len(VOLUMES)]

    @cached_property
    def onset(self) -> int:
        """Day on which the trouble begins."""
        return START + int(self.rng.integers(*AGES))

    @cached_property
    def days(self) -> tuple[Days, Days]:
        """All days, as a good release sees them and as one that is hit does."""
        count = self.onset + LONGEST_WATCH
        stream = Stream("base", rate=USUAL_RATE, rows=self.rows, clustering=0.05, day_sd=0.03)
        good = stream.draw(self.rng, count)
        share = np.zeros(count)
        since = np.arange(count - self.onset)
        share[self.onset :] = np.minimum(1.0, (since + 1) / DRIFT_DAYS) if self.kind == "drift" else 1.0
        more = self.rng.binomial(good.rows - good.flagged, ((self.rate - USUAL_RATE) * share)[:, None])
        return good, Days(good.rows, good.flagged if self.kind == "missed" else good.flagged + more)

    @cached_property
    def counts(self) -> tuple[list[DayCounts], list[DayCounts]]:
        """The rows of `days`, added up by day."""
        good, hit = self.days
        return good.counts(), hit.counts()

    @cached_property
    def losses(self) -> Ints:
        """Missed episodes of each day by a release that is hit."""
        allowed = np.full(self.onset + LONGEST_WATCH, EPISODES_A_DAY * USUAL_LOSS)
        if self.kind == "missed":
            allowed[self.onset :] *= WORSE_LOSS / USUAL_LOSS
        return np.asarray(self.rng.poisson(allowed))

    @cached_property
    def promoted(self) -> list[int]:
        """Days as of which a release was trained and promoted, the first one certain."""
        nights = np.flatnonzero(self.rng.random(self.onset + LONGEST_WATCH) < PROMOTED)
        return [START - 1, *nights[nights >= START].tolist()]

    @cached_property
    def failed_nights(self) -> set[int]:
        """Days whose night made no judgement."""
        return set(np.flatnonzero(self.rng.random(self.onset + 2 * LONGEST_WATCH) < NIGHT_FAILS).tolist())

    def is_hit(self, trained: int) -> bool:
        """Return whether the trouble is one of the release that was trained as of this day."""
        return self.kind != "newest" or trained >= self.onset - POISONED_DAYS

    def seen_by(self, trained: int) -> Days:
        """Return all days as this release sees them."""
        return self.days[self.is_hit(trained)]

    def serving(self, day: int) -> int:
        """Return the release that serves on a day: the newest of the nights before."""
        return max(trained for trained in self.promoted if trained < day)

    def closed(self) -> Iterator[tuple[CohortCounts, Promise]]:
        """Yield the days that a release has served, with what its manifest says."""
        for day in range(START, self.onset + LONGEST_WATCH):
            trained = self.serving(day)
            counts = self.counts[self.is_hit(trained)][day]
            promise = certify(self.counts[False], trained + 1)
            yield labelled(day, name_of(trained), counts.rows, counts.flagged), promise

    def find_trip(self) -> tuple[int, list[CohortCounts]] | None:
        """Return the cohort's day with whose closing the guard trips, and the closed cohorts; None without a trip."""
        guard, closed = Guard(), []
        amounts = self.rng.lognormal(-(EPISODE_SD**2) / 2, EPISODE_SD, self.losses.sum())
        begun = np.repeat(np.arange(self.losses.size), self.losses)
        missed: Floats = np.bincount(begun, amounts, self.losses.size).astype(np.float64)
        for cohort, promise in self.closed():
            closed.append(cohort)
            if guard.close(cohort, promise, float(missed[cohort.day]), EPISODES_A_DAY):
                return cohort.day, closed
        return None


def name_of(trained: int) -> str:
    """Return the id of the release that was trained as of a day; ids are in the order of days."""
    return f"r{trained:04d}"
