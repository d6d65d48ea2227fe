"""The missed fraud of days of episodes that close, and whether the trouble is over by then."""

from collections import Counter
from collections.abc import Collection, Iterable, Sequence
from typing import Final

from antifraud.killswitch.acquittal import LEAST_ROWS, is_too_soon
from antifraud.killswitch.cohorts import CohortCounts
from antifraud.killswitch.detectors.loss import MissedDay
from antifraud.killswitch.detectors.missed_rate import TERMINAL_DAYS
from antifraud.killswitch.losses import Loss, allowed_loss, close_losses, is_within, observed_volume
from antifraud.settings.serving import GuardSettings
from serving.guard.known import Known
from serving.guard.promises import read_promise
from serving.store.port import StoredCohort
from serving.store.tallies import close_time
from serving.worker.retention import GRACE_DAYS

SHOWN_DAYS: Final = 7
"""Closed days that can acquit what serves."""


def close_episodes(known: Known, day: int, settings: GuardSettings) -> dict[int, Loss]:
    """Return the evidence about missed fraud that the closing of a day changes, by era.

    The days of episodes that close with it began at least 28 days earlier.
    """
    over = [cohort for cohort in known.cohorts if cohort.timely.day <= day - TERMINAL_DAYS and cohort.timely.decided]
    changed = {}
    for era in {cohort.era for cohort in over}:
        before = known.loss(era)
        closing = [cohort for cohort in over if cohort.era == era and cohort.timely.day > before.closed]
        if closing:
            frauds = known.store.missed_frauds(close_time(day, settings.label_delay_days))
            allowed = dict.fromkeys((cohort.timely.day for cohort in closing), 0.0)
            for cohort in closing:
                allowed[cohort.timely.day] += allowed_of(cohort.timely, known, settings)
            changed[era] = close_losses(before, [each.fraud for each in frauds if each.era == era], allowed)
    return changed


def allowed_of(cohort: CohortCounts, known: Known, settings: GuardSettings) -> float:
    """Return the missed amount that a cohort's decisions allow, minor units."""
    volume = read_promise(settings, cohort.release).volume or observed_volume(known.decided_by_day(), cohort.day)
    return allowed_loss(settings.loss_limit_minor, volume, cohort.decided)


def is_loss_over(known: Known, loss: Loss, serving: str | None, closed: int, settings: GuardSettings) -> bool:
    """Return whether the missed fraud was that of releases that serve no more.

    The last closed days have to be within the limit: those of all releases that did not decide half of a day of these
    episodes or, if there are none, those of all. As for the rate, nothing is acquitted twice in 30 days.
    """
    present = [cohort for cohort in known.cohorts if cohort.era == known.eras.present]
    accused = _find_accused(present, {day.day for day in loss.recent})
    since = [each for each in present if max(loss.closed, closed - SHOWN_DAYS) < each.timely.day <= closed]
    shown = [each for each in since if each.timely.release not in accused] or since
    if (
        serving in accused
        or is_too_soon(loss.closed, loss.cleared_on)
        or sum(each.timely.decided for each in shown) < LEAST_ROWS
    ):
        return False
    days = [MissedDay(closed + settings.label_delay_days - each.timely.day, each.missed) for each in shown]
    allowed = sum(allowed_of(each.timely, known, settings) for each in shown)
    return is_within(days, known_shares(serving, settings), allowed)


def _find_accused(cohorts: Iterable[StoredCohort], days: Collection[int]) -> set[str]:
    """Return the releases that have decided half of some day."""
    decided: dict[int, Counter[str]] = {day: Counter() for day in days}
    for each in cohorts:
        if each.timely.day in decided:
            decided[each.timely.day][each.timely.release] += each.timely.decided
    return {release for parts in decided.values() for release, count in parts.items() if 2 * count >= parts.total()}


def known_shares(release: str | None, settings: GuardSettings) -> Sequence[float]:
    """Return the share of frauds that is known by the age of their day, as far as labels are taken.

    A decision that is older gets no label any more, so no more becomes known.
    """
    shares = read_promise(settings, release).known_shares if release else (1.0,)
    return shares[: settings.label_delay_days + GRACE_DAYS + 1]


def missed_by_day(cohorts: Sequence[StoredCohort]) -> dict[int, float]:
    """Return the missed amount of each day with decisions, as it is known now, minor units."""
    missed: dict[int, float] = {}
    for cohort in cohorts:
        missed[cohort.timely.day] = missed.get(cohort.timely.day, 0.0) + cohort.missed
    return missed
