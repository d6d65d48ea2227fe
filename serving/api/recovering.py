"""The scope `judge`: the recovery from a trip may roll back and resume, and only as the evidence allows.

A token of this scope lies with the scheduler of the jobs. Whoever has it must not be able to let any release serve, so
the scorer checks the evidence itself instead of believing the request.
"""

from typing import Final

from flask import g

from antifraud.api.service import SwitchRequest
from antifraud.artifacts.bundle import open_release
from antifraud.artifacts.judgement import read_judgement
from antifraud.errors import AntifraudError, TransitionRefused
from antifraud.killswitch.machine import Switch
from antifraud.killswitch.recovery import choose_for_recovery, may_resume, span_of
from antifraud.killswitch.trips import Trip
from serving.api.problems import Problem
from serving.worker.services import Services

ACTIONS: Final = frozenset({"roll_back", "resume"})


def is_recovering() -> bool:
    """Return whether the client of the request only recovers the service from a trip."""
    return "admin" not in g.scopes


def require_recovery(services: Services, wanted: SwitchRequest, champion: str | None) -> None:
    """Refuse whatever the recovery from a trip must not do; `champion` is the release that the pointer names.

    Raises:
        Problem: 403 for another action, a drill, a use of force, or a change without a report.
        TransitionRefused: The service does not recover by itself, or the evidence does not allow the change.
    """
    if wanted.action not in ACTIONS or wanted.drill or wanted.force or not wanted.report:
        raise Problem("forbidden", "the scope judge rolls back and resumes after a trip, by a report, and nothing else")
    switch = services.store.switch()
    if switch.trip is None:
        raise TransitionRefused("the service does not recover from a trip by itself: an admin decides what serves")
    if wanted.action == "roll_back":
        _require_judged(services, wanted, switch, switch.trip)
    else:
        _require_certified(services, switch.trip, champion)


def _require_judged(services: Services, wanted: SwitchRequest, switch: Switch, trip: Trip) -> None:
    """Refuse a release that the standing judgement does not let serve, and a request that names another judgement."""
    judgement, _, trouble = read_judgement(services.settings.releases_dir)
    if judgement is None or judgement.sha256 != wanted.report:
        raise TransitionRefused("report is not the hash of the standing judgement, so read that again")
    others = {each.release for each in judgement.releases} - {wanted.release}
    choice = choose_for_recovery(trip, judgement, trouble, services.clock.now(), others | {*switch.tripped})
    if choice.release is None:
        raise TransitionRefused(f"the standing judgement does not let this release serve ({choice.reason}): judge anew")


def _require_certified(services: Services, trip: Trip, champion: str | None) -> None:
    """Refuse a release without a PASS on enough days after the onset; its manifest is signed."""
    try:
        manifest = open_release(services.settings, str(champion)).manifest
        is_certified = manifest["verdict"] == "PASS" and may_resume(trip, span_of(manifest["windows"]))
    except (AntifraudError, KeyError, TypeError, ValueError):
        is_certified = False
    if not is_certified:
        raise TransitionRefused(
            f"the release that would serve has no PASS on enough days after the onset on {trip.onset}: promote another "
            "one, or let an admin resume"
        )
