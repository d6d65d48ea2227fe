"""Everything that the guard has read of the store before it says anything."""

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from antifraud.artifacts.pointer import read_champion
from antifraud.clock import HOUR_SECONDS, day_of
from antifraud.killswitch.cohorts import CohortCounts
from antifraud.killswitch.detectors.flagged_share import Minute
from antifraud.killswitch.eras import Eras
from antifraud.killswitch.losses import LOSS, Loss
from antifraud.killswitch.machine import Switch, release_in_service
from antifraud.killswitch.subjects import Subject
from antifraud.settings.serving import GuardSettings
from serving.guard.terminals import TERMINALS
from serving.store.port import DecisionStore, EvidenceKey, StoredCohort
from serving.store.tallies import close_time

SLACK_SECONDS: Final = 300
"""Time for commits that were under way, and for clocks that differ a little."""
NIGHT_SECONDS: Final = 3 * HOUR_SECONDS
"""Time for the night's judgement: a trip finds one that knows the labels of the day that has tripped."""
CLOSING_SECONDS: Final = SLACK_SECONDS + NIGHT_SECONDS
"""A day closes so long after its labels have come."""


@dataclass(frozen=True, slots=True)
class Known:
    """Everything that the guard has read of the store.

    `answered` is the last day that had closed when the present era began, or a day before all others. `wall` is
    wall time in seconds, by which workers live or are silent.
    The counts that only a closing day needs are read from the `store` later: they do not change once the day is over.
    """

    store: DecisionStore
    switch: Switch
    eras: Eras
    closed: int
    cohorts: Sequence[StoredCohort]
    evidence: Mapping[EvidenceKey, Mapping[str, Any]]
    answered: int
    minutes: Mapping[int, Minute]
    reports: Mapping[str, bytes]
    wall: int

    @staticmethod
    def read(store: DecisionStore, delay_days: int, wall: int) -> "Known":
        """Read everything at a wall time; what changes in between is found when the inspection is committed."""
        eras = store.eras()
        return Known(
            store,
            store.switch(),
            eras,
            store.closed_day(),
            store.cohorts(),
            store.evidence(),
            _answered(store, eras.present, delay_days),
            store.minutes(),
            store.reports(),
            wall,
        )

    def days_to_close(self, now: int, delay_days: int) -> list[int]:
        """Return the days that are over and have not closed yet, oldest first."""
        return sorted(
            {
                cohort.timely.day
                for cohort in self.cohorts
                if cohort.timely.day > self.closed
                and cohort.timely.decided
                and close_time(cohort.timely.day, delay_days) + CLOSING_SECONDS <= now
            }
        )

    def of_day(self, day: int) -> list[StoredCohort]:
        """Return the cohorts of a day."""
        return [cohort for cohort in self.cohorts if cohort.timely.day == day]

    def of_present_era(self, last: int) -> list[CohortCounts]:
        """Return the counts of the present era up to a closed day, as they were when their days closed."""
        timely = [cohort.timely for cohort in self.cohorts if cohort.era == self.eras.present]
        return [each for each in timely if each.day <= last]

    def subjects(self, era: int) -> dict[str, Subject]:
        """Return the subjects of an era that the rate is about."""
        return {
            name: Subject.from_dict(text)
            for (of, name), text in self.evidence.items()
            if of == era and name not in {LOSS, TERMINALS}
        }

    def loss(self, era: int) -> Loss:
        """Return the evidence about missed fraud in an era."""
        text = self.evidence.get((era, LOSS))
        return Loss.from_dict(text) if text else Loss()

    def decided_by_day(self) -> Mapping[int, int]:
        """Return the number of decisions of each day."""
        decided = Counter[int]()
        for cohort in self.cohorts:
            decided[cohort.timely.day] += cohort.timely.decided
        return decided


def _answered(store: DecisionStore, epoch: int, delay_days: int) -> int:
    """Return the last day that had closed when the switch got to an epoch; -1 if it began with it."""
    begun = store.shipping.switch_history(epoch, epoch, 1) if epoch else []
    return day_of(json.loads(begun[0][1])["at"] - CLOSING_SECONDS) - delay_days - 1 if begun else -1


def find_serving(known: Known, settings: GuardSettings) -> str | None:
    """Return the release that decides now; None if nothing was ever decided."""
    newest = max(known.cohorts, key=lambda cohort: (cohort.latest.day, cohort.era, cohort.latest.decided), default=None)
    # While the pointer cannot be read, the workers stay with what they have loaded.
    champion = read_champion(settings.releases_dir, known.switch) or (newest and newest.latest.release)
    return release_in_service(known.switch, champion)
