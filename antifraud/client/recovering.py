"""The look of the DAG `recover`: whether the service recovers from a trip, and which tasks that takes now.

A look costs one ``GET /v1/status`` while nothing is wrong. It remembers nothing: the switch, the standing judgement and
the judgement of the trip say how far the recovery came. So a run that was killed is followed by one that goes on.
"""

import datetime as dt
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from antifraud.artifacts.judgement import judgement_folder, read_any_judgement, read_judgement
from antifraud.client.switch import SwitchSeen, connect_as_judge, is_known, read_switch
from antifraud.killswitch.judgement import Judgement
from antifraud.killswitch.recovery import choose_for_recovery
from antifraud.killswitch.trips import Trip
from antifraud.settings.core import JobSettings

RETRAIN, JUDGE, ROLL_BACK = "retrain", "judging", "roll_back"
"""Tasks of the DAG `recover`."""
NOTHING: Final = "nothing to recover from"


@dataclass(frozen=True, slots=True)
class Look:
    """The tasks that a run has to do, and what they need to know; `words` say why."""

    tasks: tuple[str, ...] = ()
    words: str = NOTHING
    as_of: str = ""
    onset: str = ""
    run_id: str = ""


def look(settings: JobSettings, find_newest_day: Callable[[], dt.date | None]) -> Look:
    """Return what the recovery has to do now; `find_newest_day` asks the lake for its newest day with features.

    Raises:
        SettingsError: The address of the scorer or the token is missing.
        ClientError: The scorer does not tell its switch.
    """
    switch = read_switch(settings, connect_as_judge) if is_known(settings) else None
    if switch is None or switch.trip is None:
        return Look()
    newest = find_newest_day()
    if newest is None:
        return Look(words="the lake has no day with features, so nothing can be judged or trained yet")
    trip = switch.trip
    step, words = "", f"{switch.release} serves until a candidate that passes resumes"
    if switch.mode == "SUSPENDED":
        step, words = _find_step(settings, switch, trip, newest)
    wanted = tuple(filter(None, (RETRAIN, step)))
    # The same trip always names the same run of `retrain`, so it is started once.
    return Look(wanted, words, str(newest), trip.onset, f"recover__{trip.epoch}_{trip.at}")


def _find_step(settings: JobSettings, switch: SwitchSeen, trip: Trip, newest: dt.date) -> tuple[str, str]:
    """Return the task that brings a suspended service nearer to a release, empty if none does today, and why."""
    standing, _, trouble = read_judgement(settings.releases_dir)
    choice = choose_for_recovery(trip, standing, trouble, settings.clock.now(), switch.tripped)
    if choice.release:
        return ROLL_BACK, choice.reason
    made = read_any_judgement(judgement_folder(settings, newest, trip.onset_day)).judgement
    if made is None or not _stands(made, standing):
        return JUDGE, f"{choice.reason} The days up to {newest} are judged now."
    return "", f"{choice.reason} The days up to {newest} are judged already."


def _stands(made: Judgement, standing: Judgement | None) -> bool:
    """Return whether a judgement stands, or has been replaced by a later one."""
    return standing is not None and (standing.sha256 == made.sha256 or standing.made_at > made.made_at)
