"""The closing of a day: what it adds to the evidence, and whether something trips."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from antifraud.artifacts.pointer import read_champion
from antifraud.clock import day_of
from antifraud.killswitch.acquittal import find_successors, is_acquitted, is_too_soon
from antifraud.killswitch.cohorts import CohortCounts
from antifraud.killswitch.detectors.noise import Noise
from antifraud.killswitch.eras import Eras
from antifraud.killswitch.machine import Switch, release_in_service, trip
from antifraud.killswitch.status import describe_subject
from antifraud.killswitch.subjects import SERVICE, Subject, close_day, explain, find_trip
from antifraud.settings.serving import GuardSettings
from serving.guard.promises import read_promise
from serving.guard.tripping import follow_trip
from serving.store.port import DecisionStore, EvidenceKey, Inspection, StoredCohort
from serving.store.tallies import close_time

SLACK_SECONDS: Final = 300
"""A day closes so much later, for commits that were under way and for clocks that differ a little."""


@dataclass(frozen=True, slots=True)
class Known:
    """Everything that the guard has read of the store."""

    switch: Switch
    eras: Eras
    closed: int
    cohorts: Sequence[StoredCohort]
    evidence: Mapping[EvidenceKey, Mapping[str, Any]]
    reports: Mapping[str, bytes]

    @staticmethod
    def read(store: DecisionStore) -> "Known":
        """Read everything; what changes in between is found when the inspection is committed."""
        return Known(
            store.switch(), store.eras(), store.closed_day(), store.cohorts(), store.evidence(), store.reports()
        )

    def days_to_close(self, now: int, delay_days: int) -> list[int]:
        """Return the days that are over and have not closed yet, oldest first."""
        return sorted(
            {
                cohort.timely.day
                for cohort in self.cohorts
                if cohort.timely.day > self.closed
                and cohort.timely.decided
                and close_time(cohort.timely.day, delay_days) + SLACK_SECONDS <= now
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
        """Return the subjects of an era."""
        return {name: Subject.from_dict(text) for (of, name), text in self.evidence.items() if of == era}


def make_inspection(known: Known, day: int | None, settings: GuardSettings, now: int) -> Inspection:
    """Return what the closing of a day changes; without a day, whether earlier evidence trips now."""
    changed = {} if day is None else _close(known, day, settings)
    present = known.eras.present
    subjects = known.subjects(present) | {name: each for (era, name), each in changed.items() if era == present}
    serving = find_serving(known, settings)
    broken = find_trip(subjects, serving)
    suspend = None
    began = _find_good_successors(known, subjects[SERVICE], day, settings, now) if broken == SERVICE else None
    if began is not None:
        changed[present, SERVICE] = subjects[SERVICE].clear(began)
    elif broken is not None:
        reason = explain(broken, subjects[broken], settings.fpr_limit)
        numbers = {"subject": broken or "service", "rate": subjects[broken].rate.rate}
        champion = read_champion(settings.releases_dir, known.switch)
        tripped = trip(known.switch, release=serving, champion=champion, reason=reason, at=now, evidence=numbers)
        closed = known.of_present_era(known.closed if day is None else day)
        suspend = follow_trip(known.switch, tripped, serving, settings, known.reports, closed)
    return Inspection(
        closed_before=known.closed,
        closes=day,
        cohorts=() if day is None else known.of_day(day),
        evidence={
            key: (known.evidence.get(key), describe_subject(*key, subject, settings.fpr_limit))
            for key, subject in changed.items()
        },
        suspend=suspend,
    )


def _close(known: Known, day: int, settings: GuardSettings) -> dict[EvidenceKey, Subject]:
    cohorts = known.of_day(day)
    decided = sum(cohort.timely.decided for cohort in cohorts)
    promises = {cohort.timely.release: read_promise(settings, cohort.timely.release) for cohort in cohorts}
    return {
        (era, name): subject
        for era in {cohort.era for cohort in cohorts}
        for name, subject in close_day(
            known.subjects(era),
            [cohort.timely for cohort in cohorts if cohort.era == era],
            promises,
            settings.fpr_limit,
            decided=decided,
        ).items()
    }


def find_serving(known: Known, settings: GuardSettings) -> str | None:
    """Return the release that decides now; None if nothing was ever decided."""
    newest = max(known.cohorts, key=lambda cohort: (cohort.latest.day, cohort.era, cohort.latest.decided), default=None)
    # While the pointer cannot be read, the workers stay with what they have loaded.
    champion = read_champion(settings.releases_dir, known.switch) or (newest and newest.latest.release)
    return release_in_service(known.switch, champion)


def _find_good_successors(
    known: Known, service: Subject, day: int | None, settings: GuardSettings, now: int
) -> int | None:
    """Return the first day of releases that have come since and are acquitted; None if there are none."""
    closed = known.closed if day is None else day
    present = [cohort.timely for cohort in known.cohorts if cohort.era == known.eras.present]
    since = find_successors(present, closed, day_of(now))
    if not since or is_too_soon(closed, service.cleared_on):
        return None
    noise = Noise.merged([(read_promise(settings, each.release).noise, each.decided) for each in since])
    is_good = is_acquitted(since, [each for each in present if each.day <= closed], noise, settings.fpr_limit)
    return since[0].day if is_good else None
