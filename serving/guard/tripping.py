"""The situation in which the guard trips: the standing judgement, and the releases that could serve at once."""

from collections.abc import Mapping, Sequence

from antifraud.artifacts.bundle import open_release
from antifraud.artifacts.judgement import read_judgement
from antifraud.clock import date_of, day_of
from antifraud.errors import ReleaseError, SettingsError
from antifraud.killswitch.cohorts import CohortCounts, add_up
from antifraud.killswitch.consequence import Situation, answer_trip
from antifraud.killswitch.judgement import Judgement
from antifraud.killswitch.machine import Mode, Switch
from antifraud.killswitch.trips import estimate_onset
from antifraud.settings.serving import GuardSettings
from serving.worker.reports import read_workers


def follow_trip(
    before: Switch,
    tripped: Switch | None,
    serving: str | None,
    settings: GuardSettings,
    reports: Mapping[str, bytes],
    closed: Sequence[CohortCounts],
    wall: int,
) -> Switch | None:
    """Return the switch after a trip and its consequence; without a trip None.

    Args:
        before: The switch before the trip.
        tripped: The switch after it, as `machine.trip` returned it.
        serving: The release that serves.
        settings: Settings of the guard.
        reports: Reports of the workers, by name.
        closed: Counts of the closed days of the present era.
        wall: Wall time in seconds, which says which workers live.
    """
    # While nothing serves, files need not be read: the guard asks again at each inspection.
    if tripped is None or before.mode not in (Mode.SERVING, Mode.ROLLED_BACK):
        return tripped
    onset = _find_onset(closed, settings.fpr_limit) if closed else day_of(tripped.at)
    return answer_trip(before, tripped, _read_situation(settings, reports, closed, serving, onset, wall))


def _read_situation(
    settings: GuardSettings,
    reports: Mapping[str, bytes],
    closed: Sequence[CohortCounts],
    serving: str | None,
    onset: int,
    wall: int,
) -> Situation:
    since = [each for each in closed if each.day >= onset]
    own = sum(each.decided for each in since if each.release == serving)
    found = read_judgement(settings.releases_dir)
    return Situation(
        serving=serving,
        onset=date_of(onset).isoformat(),
        is_about_earlier=2 * own < sum(each.decided for each in since),
        judgement=found.judgement,
        trouble=found.words,
        loaded=find_loaded(settings, found.judgement, reports, wall) if found.judgement else frozenset(),
        recovers=settings.on_trip == "rollback",
    )


def _find_onset(closed: Sequence[CohortCounts], limit: float) -> int:
    days = {each.day for each in closed}
    return estimate_onset([add_up(day, [each for each in closed if each.day == day]) for day in days], limit)


def find_loaded(
    settings: GuardSettings, judgement: Judgement, reports: Mapping[str, bytes], wall: int
) -> frozenset[str]:
    """Return the judged releases that every worker has loaded, and whose bundles verify now.

    A worker that restarts has to load the bundle again, so its files must be sound now, too.
    """
    workers = read_workers(reports.items(), wall).alive
    passing = [each.release for each in judgement.releases if each.passes]
    loaded = [name for name in passing if all(name in worker.get("loaded", ()) for worker in workers)]
    return frozenset(name for name in loaded if _is_sound(settings, name))


def _is_sound(settings: GuardSettings, release: str) -> bool:
    try:
        open_release(settings, release)
    except (ReleaseError, SettingsError):
        return False
    return True
