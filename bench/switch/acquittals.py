"""Services that try to hide behind acquittals, lived through day by day, by the functions that the guard calls.

    python -m bench.switch.acquittals

The labels of a day come seven days later. The table says how many of 300 years trip within 90 days, and after how many
closed days in the median, with acquittals and without.
"""

import statistics
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import numpy as np

from antifraud.killswitch.acquittal import find_successors, is_acquitted, is_too_soon
from antifraud.killswitch.cohorts import CohortCounts
from antifraud.killswitch.detectors.noise import ALIKE, WEEK, Noise
from antifraud.killswitch.promises import Promise
from antifraud.killswitch.subjects import SERVICE, Subject, close_day, find_trip
from bench.switch.guard import LIMIT

DELAY, DAYS = 7, 90
FRAUD_SHARE, CAUGHT = 0.02, 0.8
INFLATION: Final = 2.0
KEPT_DAYS: Final = 60
QUIET_WEEKEND: Final = (1.12, 1.12, 1.12, 1.12, 1.12, 0.7, 0.7)


@dataclass(frozen=True)
class Scene:
    """A service: the name of each day's release, its false-positive rate, and the share of frauds that it catches."""

    name: str
    release_of: Callable[[int], str]
    rate_of: Callable[[int], float]
    rows: int = 10_000
    caught_of: Callable[[int], float] = lambda _: CAUGHT
    rhythm: tuple[float, ...] = ALIKE

    @property
    def promise(self) -> Promise:
        """The promise in the manifests, which is the truth."""
        return Promise(Noise(INFLATION, 0.0, self.rhythm, self.rows))

    def draw(self, seed: int) -> list[CohortCounts]:
        """Draw the days with all their labels."""
        rng = np.random.default_rng([seed, *self.name.encode()])
        return [self._draw_day(rng, day) for day in range(DAYS + DELAY + 1)]

    def _draw_day(self, rng: np.random.Generator, day: int) -> CohortCounts:
        frauds = int(rng.binomial(self.rows, FRAUD_SHARE))
        honest, rate = self.rows - frauds, self.rate_of(day) * self.rhythm[day % WEEK]
        # The day's rate varies as much as makes the variance of its flags twice that of independent rows.
        size = (honest - 1) / (INFLATION - 1) - 1
        flagged = int(rng.binomial(honest, rng.beta(rate * size, (1 - rate) * size)))
        caught = int(rng.binomial(frauds, self.caught_of(day)))
        return CohortCounts(
            day, self.release_of(day), self.rows, flagged + caught, flagged, honest - flagged, caught, frauds - caught,
            squares=float(flagged),
        )  # fmt: skip


def _every_night(day: int) -> str:
    return f"night {day}"


BAD_NIGHTS: Final = Scene("8 %, a new release every night", _every_night, lambda _: 0.08)
SLIGHTLY_BAD: Final = Scene("6 %, a new release every night, 1,000 a day", _every_night, lambda _: 0.06, rows=1_000)
ALTERNATING: Final = Scene("4 % and 12 % in turns, new names", _every_night, lambda day: 0.04 if day % 2 else 0.12)
TWO_NAMES: Final = Scene("4 % and 12 % in turns, two names", lambda day: "ab"[day % 2], ALTERNATING.rate_of)
WEEKENDS: Final = Scene("8 %, quiet weekends", _every_night, BAD_NIGHTS.rate_of, rhythm=QUIET_WEEKEND)
TURNED_BLIND: Final = Scene(
    "8 % for four days, then 6.5 % and blind",
    _every_night,
    lambda day: 0.08 if day < 4 else 0.065,
    caught_of=lambda day: CAUGHT if day < 4 else 0.0,
)
BAD_WEEKS: Final = Scene(
    "8 % in two of three weeks", lambda day: f"week {day // 7}", lambda day: 0.08 if day // 7 % 3 else 0.04
)
CURED: Final = Scene(
    "20 % on four days, then 4.5 % every night",
    lambda day: "bad" if day < 4 else f"good {day}",
    lambda day: 0.2 if day < 4 else 0.045,
)
CURED_ONCE: Final = Scene("20 % on four days, then 4.5 %", lambda day: "bad" if day < 4 else "good", CURED.rate_of)
SCENES: Final = (
    BAD_NIGHTS, SLIGHTLY_BAD, ALTERNATING, TWO_NAMES, WEEKENDS, TURNED_BLIND, BAD_WEEKS, CURED, CURED_ONCE,
)  # fmt: skip


def live(scene: Scene, seed: int, *, acquits: bool) -> int | None:
    """Return after how many closed days the guard trips; None if it does not."""
    days, subjects = scene.draw(seed), dict[str, Subject]()
    for closed in range(DAYS):
        today = closed + DELAY + 1
        cohort = days[closed]
        subjects |= close_day(subjects, [cohort], {cohort.release: scene.promise}, LIMIT)
        broken = find_trip(subjects, days[today - 1].release)
        if broken is None:
            continue
        if broken != SERVICE or not acquits:
            return closed + 1
        kept = [*days[max(0, closed - KEPT_DAYS) : closed + 1], *map(_unlabelled, days[closed + 1 : today])]
        since = find_successors(kept, closed, today)
        is_good = is_acquitted(since, kept[:-DELAY], scene.promise.noise, LIMIT)
        if not is_good or is_too_soon(closed, subjects[SERVICE].cleared_on):
            return closed + 1
        subjects[SERVICE] = subjects[SERVICE].clear(since[0].day)
    return None


def _unlabelled(cohort: CohortCounts) -> CohortCounts:
    return CohortCounts(cohort.day, cohort.release, cohort.decided, cohort.flagged)


def median_delay(scene: Scene, seeds: range, *, acquits: bool) -> float:
    """Return the median number of closed days until a trip; a year without one counts as `DAYS`."""
    return statistics.median(live(scene, seed, acquits=acquits) or DAYS for seed in seeds)


def share_tripped(scene: Scene, seeds: range, *, acquits: bool) -> float:
    """Return the share of years with a trip."""
    return sum(live(scene, seed, acquits=acquits) is not None for seed in seeds) / len(seeds)


def main() -> None:
    """Print the table."""
    seeds = range(300)
    for scene in SCENES:
        for acquits in (True, False):
            tripped, delay = share_tripped(scene, seeds, acquits=acquits), median_delay(scene, seeds, acquits=acquits)
            print(f"{scene.name:45} {'with' if acquits else 'without':8} {tripped:6.1%} {delay:5g}", flush=True)


if __name__ == "__main__":
    main()
