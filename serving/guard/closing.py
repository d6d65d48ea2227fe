"""The closing of a day: what it adds to the evidence, and whether something trips."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from antifraud.artifacts.pointer import read_champion
from antifraud.clock import day_of
from antifraud.killswitch.acquittal import find_successors, is_acquitted, is_too_soon
from antifraud.killswitch.detectors.noise import Noise
from antifraud.killswitch.losses import LOSS, Loss, describe_loss, explain_loss
from antifraud.killswitch.machine import Switch, trip
from antifraud.killswitch.status import describe_subject
from antifraud.killswitch.subjects import SERVICE, Subject, close_day, explain, find_trip
from antifraud.settings.serving import GuardSettings
from serving.guard.known import Known, find_serving
from serving.guard.losing import close_episodes, is_loss_over
from serving.guard.promises import read_promise
from serving.guard.terminals import close_terminals
from serving.guard.tripping import follow_trip
from serving.store.port import EvidenceKey, Inspection


@dataclass(frozen=True, slots=True)
class Changed:
    """The evidence that a closed day changes: subjects of the rate, missed fraud by era, and what only warns."""

    subjects: dict[EvidenceKey, Subject] = field(default_factory=dict)
    losses: dict[int, Loss] = field(default_factory=dict)
    others: Mapping[EvidenceKey, Mapping[str, Any]] = field(default_factory=dict)

    def subjects_of(self, era: int) -> dict[str, Subject]:
        """Return the changed subjects of an era."""
        return {name: subject for (of, name), subject in self.subjects.items() if of == era}

    def describe(self, limit: float) -> dict[EvidenceKey, Mapping[str, Any]]:
        """Return the evidence as it is stored."""
        rates = {key: describe_subject(*key, subject, limit) for key, subject in self.subjects.items()}
        return {**rates, **{(era, LOSS): describe_loss(era, loss) for era, loss in self.losses.items()}, **self.others}


def make_inspection(known: Known, day: int | None, settings: GuardSettings, now: int) -> Inspection:
    """Return what the closing of a day changes; without a day, whether earlier evidence trips now."""
    changed = Changed() if day is None else _close(known, day, settings)
    suspend = _judge(known, changed, known.closed if day is None else day, settings, now)
    return Inspection(
        closed_before=known.closed,
        closes=day,
        cohorts=() if day is None else known.of_day(day),
        evidence={key: (known.evidence.get(key), said) for key, said in changed.describe(settings.fpr_limit).items()},
        suspend=suspend,
    )


def _judge(known: Known, changed: Changed, closed: int, settings: GuardSettings, now: int) -> Switch | None:
    """Return the switch after a trip; None if nothing trips. Evidence of which what serves is acquitted starts anew."""
    present = known.eras.present
    subjects = known.subjects(present) | changed.subjects_of(present)
    loss = changed.losses.get(present) or known.loss(present)
    serving = find_serving(known, settings)
    broken = find_trip(subjects, serving, loss)
    if broken is None:
        return None
    began = _find_good_successors(known, subjects[SERVICE], closed, settings, now) if broken == SERVICE else None
    if began is not None:
        changed.subjects[present, SERVICE] = subjects[SERVICE].clear(began)
        return None
    if broken == LOSS and is_loss_over(known, loss, serving, closed, settings):
        changed.losses[present] = loss.clear()
        return None
    numbers: dict[str, Any]
    if broken == LOSS:
        reason, numbers = explain_loss(loss), {"subject": "loss", **loss.sums}
    else:
        reason = explain(broken, subjects[broken], settings.fpr_limit)
        numbers = {"subject": broken or "service", "rate": subjects[broken].rate.rate}
    champion = read_champion(settings.releases_dir, known.switch)
    tripped = trip(known.switch, release=serving, champion=champion, reason=reason, at=now, evidence=numbers)
    return follow_trip(
        known.switch, tripped, serving, settings, known.reports, known.of_present_era(closed), known.wall
    )


def _close(known: Known, day: int, settings: GuardSettings) -> Changed:
    """Return the evidence after one more closed day, in each era that has decided on it."""
    cohorts = known.of_day(day)
    decided = sum(cohort.timely.decided for cohort in cohorts)
    promises = {cohort.timely.release: read_promise(settings, cohort.timely.release) for cohort in cohorts}
    subjects = {
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
    others = close_terminals(known.evidence, known.store.terminals_of(day), day, settings.fpr_limit)
    return Changed(subjects, close_episodes(known, day, settings), others)


def _find_good_successors(known: Known, service: Subject, closed: int, settings: GuardSettings, now: int) -> int | None:
    """Return the first day of releases that have come since and are acquitted; None if there are none."""
    present = [cohort.timely for cohort in known.cohorts if cohort.era == known.eras.present]
    since = find_successors(present, closed, day_of(now))
    if not since or is_too_soon(closed, service.cleared_on):
        return None
    noise = Noise.merged([(read_promise(settings, each.release).noise, each.decided) for each in since])
    is_good = is_acquitted(since, [each for each in present if each.day <= closed], noise, settings.fpr_limit)
    return since[0].day if is_good else None
