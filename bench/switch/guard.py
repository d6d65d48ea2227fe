"""The whole guard over closed days: the service, the releases and the loss, by the functions that production calls."""

from dataclasses import dataclass, field
from typing import Final

from antifraud.killswitch.cohorts import CohortCounts
from antifraud.killswitch.detectors.missed_rate import MissedFraud
from antifraud.killswitch.losses import LOSS, Loss, close_losses
from antifraud.killswitch.promises import Promise
from antifraud.killswitch.subjects import SERVICE, Subject, close_day, find_trip

LIMIT: Final = 0.05
RELEASE: Final = "release"
"""The word for the release that serves."""


@dataclass
class Guard:
    """A guard in memory."""

    subjects: dict[str, Subject] = field(default_factory=dict)
    loss: Loss = field(default_factory=Loss)

    def close(self, cohort: CohortCounts, promise: Promise, missed: float = 0.0, allowed: float = 0.0) -> str | None:
        """Close a day of one release, and return what trips: `SERVICE`, `RELEASE` or `LOSS`.

        `missed` is the amount of the episodes that began on the day, here one, and `allowed` what its decisions allow.

        The release counts as the one that serves. Retired releases could not trip, so their evidence is dropped.
        """
        kept = {name: each for name, each in self.subjects.items() if name in {SERVICE, cohort.release}}
        self.subjects = kept | close_day(kept, [cohort], {cohort.release: promise}, LIMIT)
        episode = MissedFraud(cohort.day, missed, f"customer {cohort.day}", f"terminal {cohort.day}")
        self.loss = close_losses(self.loss, [episode], {cohort.day: allowed})
        tripped = find_trip(self.subjects, cohort.release, self.loss)
        return RELEASE if tripped == cohort.release else tripped


def name_of(tripped: str) -> str:
    """Return the word for what has tripped."""
    return {SERVICE: "service", LOSS: "loss"}.get(tripped, tripped)


def labelled(day: int, release: str, rows: int, flagged: int) -> CohortCounts:
    """Return the cohort of a day on which all decisions are legitimate, and known to be."""
    return CohortCounts(day, release, rows, flagged, legit_flagged=flagged, legit_passed=rows - flagged)
