"""The whole guard over closed days: the service, the releases and the loss, by the functions that production calls."""

from dataclasses import dataclass, field
from typing import Final

from antifraud.killswitch.cohorts import CohortCounts
from antifraud.killswitch.detectors.missed_rate import LossEvidence, update_loss
from antifraud.killswitch.promises import Promise
from antifraud.killswitch.subjects import SERVICE, Subject, close_day, find_trip

LIMIT: Final = 0.05
LOSS_BUDGET: Final = 0.01
LOSS, RELEASE = "loss", "release"
"""Words for what trips."""


@dataclass
class Guard:
    """A guard in memory."""

    subjects: dict[str, Subject] = field(default_factory=dict)
    loss: LossEvidence = field(default_factory=LossEvidence)

    def close(self, cohort: CohortCounts, promise: Promise, missed: float = 0.0, allowed: float = 0.0) -> str | None:
        """Close a day of one release, and return what trips: `SERVICE`, `RELEASE` or `LOSS`.

        The release counts as the one that serves. Retired releases could not trip, so their evidence is dropped.
        """
        kept = {name: each for name, each in self.subjects.items() if name in {SERVICE, cohort.release}}
        self.subjects = kept | close_day(kept, [cohort], {cohort.release: promise}, LIMIT)
        self.loss = update_loss(self.loss, missed, allowed)
        tripped = find_trip(self.subjects, cohort.release)
        if tripped is None:
            return LOSS if self.loss.is_tripped(LOSS_BUDGET) else None
        return SERVICE if tripped == SERVICE else RELEASE


def labelled(day: int, release: str, rows: int, flagged: int) -> CohortCounts:
    """Return the cohort of a day on which all decisions are legitimate, and known to be."""
    return CohortCounts(day, release, rows, flagged, legit_flagged=flagged, legit_passed=rows - flagged)
