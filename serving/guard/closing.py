"""The closing of a day: what it adds to the evidence, and whether something trips."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from antifraud.artifacts.pointer import read_champion
from antifraud.clock import day_of
from antifraud.killswitch.cohorts import CohortCounts
from antifraud.killswitch.eras import Eras
from antifraud.killswitch.machine import Switch, release_in_service, trip
from antifraud.killswitch.status import describe_subject
from antifraud.killswitch.subjects import SERVICE, Subject, close_day, explain, find_trip, is_acquitted
from antifraud.settings.serving import GuardSettings
from serving.guard.promises import read_promise
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

    @staticmethod
    def read(store: DecisionStore) -> "Known":
        """Read everything; what changes in between is found when the inspection is committed."""
        return Known(store.switch(), store.eras(), store.closed_day(), store.cohorts(), store.evidence())

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
    if broken == SERVICE and _is_trouble_over(known, serving, known.closed if day is None else day, settings, now):
        changed[present, SERVICE] = subjects[SERVICE].clear()
    elif broken is not None:
        reason = explain(broken, subjects[broken], settings.fpr_limit)
        numbers = {"subject": broken or "service", "rate": subjects[broken].rate.rate}
        champion = read_champion(settings.releases_dir, known.switch)
        suspend = trip(known.switch, release=serving, champion=champion, reason=reason, at=now, evidence=numbers)
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


def _is_trouble_over(known: Known, serving: str | None, closed: int, settings: GuardSettings, now: int) -> bool:
    """Return whether a release that has come since shows that the excess was that of others."""
    present = [cohort.timely for cohort in known.cohorts if cohort.era == known.eras.present]
    if _has_decided_most(serving, [each for each in present if each.day == closed]):
        return False
    # Today is left out: what the guard says must not depend on the second in which it looks.
    since = [each for each in present if each.release == serving and closed < each.day < day_of(now)]
    before = [each for each in present if each.day <= closed]
    return is_acquitted(since, before, settings.fpr_limit)


def _has_decided_most(release: str | None, day: Sequence[CohortCounts]) -> bool:
    return 2 * sum(each.decided for each in day if each.release == release) >= sum(each.decided for each in day)
