"""``/v1/switch``: an admin suspends, resumes or rolls back the service, or lets it only observe.

The recovery from a trip may change it, too, within `serving.api.recovering`.
"""

import dataclasses
from contextlib import nullcontext
from typing import Final

from flask import Blueprint, Response, g

from antifraud.api.service import SwitchAnswer, SwitchRequest
from antifraud.artifacts.bundle import open_release
from antifraud.artifacts.pointer import read_champion
from antifraud.errors import AntifraudError, TransitionRefused
from antifraud.files import exclusive
from antifraud.killswitch.machine import Cause, Mode, Order
from serving.api.auth import require_scope
from serving.api.bodies import EXPECTED, json_response, parse
from serving.api.problems import Problem
from serving.api.recovering import is_recovering, require_recovery
from serving.worker.services import Services, current_services

bp = Blueprint("switch", __name__, url_prefix="/v1/switch")

MODE_AFTER: Final = {
    "suspend": Mode.SUSPENDED,
    "resume": Mode.SERVING,
    "observe": Mode.OBSERVE,
    "roll_back": Mode.ROLLED_BACK,
}
FIELDS_OF: Final = {
    "suspend": {"drill"},
    "resume": {"report", "force"},
    "observe": set(),
    "roll_back": {"release", "report", "drill", "force"},
}
"""Fields that an action may have besides those of every action."""


@bp.post("")
@require_scope("admin", "judge")
def change_switch() -> Response:
    """Answer 200 with the changed switch; 400, 401, 403; 409 stale epoch or impossible change; 422; 503."""
    services = current_services()
    store, wanted = services.store, parse(SwitchRequest)
    _require_fitting(wanted)
    # A clean-up of releases holds the same lock while it asks the switch and removes what nobody needs.
    with exclusive(services.settings.releases_dir) if wanted.action == "roll_back" else nullcontext():
        after = g.switch = store.change_switch(_order_of(services, wanted))
    # This worker follows at once, the others with their next decision.
    services.wake.set()
    services.log.warning("switch changed", mode=after.mode, epoch=after.epoch, by=after.by)
    return json_response(SwitchAnswer(**dataclasses.asdict(after)))


def _require_fitting(wanted: SwitchRequest) -> None:
    """Refuse fields that say nothing about the action, and a roll-back to nowhere.

    Raises:
        Problem: 422 with the field.
    """
    given = {field for field in ("release", "report", "drill", "force") if getattr(wanted, field)}
    missing = {"release"} - given if wanted.action == "roll_back" else set()
    for field in sorted(missing | (given - FIELDS_OF[wanted.action])):
        raise Problem("invalid", f"{field} is not valid: expected {EXPECTED[field]}", field)


def _order_of(services: Services, wanted: SwitchRequest) -> Order:
    evidence: dict[str, object] = {"report": wanted.report} if wanted.report else {}
    # If the switch changes after it was read here, the order names an epoch that is over.
    champion = read_champion(services.settings.releases_dir, services.store.switch())
    if is_recovering():
        require_recovery(services, wanted, champion)
    return Order(
        mode=MODE_AFTER[wanted.action],
        expected_epoch=wanted.expected_epoch,
        reason=wanted.reason,
        by=g.client,
        at=services.clock.now(),
        cause=Cause.PASS if wanted.report else Cause.ADMIN,
        release=_release_after(services, wanted, champion),
        champion=champion,
        drill=wanted.drill,
        forced=wanted.force,
        recovers=is_recovering(),
        evidence={**evidence, "forced": True} if wanted.force else evidence,
        label_delay_days=services.settings.label_delay_days,
    )


def _release_after(services: Services, wanted: SwitchRequest, champion: str | None) -> str | None:
    """Return the release that the change puts into service, which this worker has to have loaded.

    Raises:
        TransitionRefused: There is no champion, or it cannot be used.
        Problem: 422 if the named release cannot be used.
    """
    if wanted.action == "suspend":
        return None
    if wanted.action == "roll_back":
        return _load_named(services, str(wanted.release))
    if champion is None:
        raise TransitionRefused("the pointer names no release that could serve: promote one first")
    try:
        return services.releases.load(champion).release
    except AntifraudError as error:
        raise TransitionRefused(f"the release that would serve cannot be used: {error}") from None


def _load_named(services: Services, name: str) -> str:
    try:
        # A worker may have loaded it before it was removed or damaged, and its successor could not.
        open_release(services.settings, name)
        return services.releases.load(name).release
    except AntifraudError as error:
        # The message would repeat the client's value.
        services.log.warning("not usable", kind="rolled back", reason=str(error))
        raise Problem("invalid", f"release is not valid: expected {EXPECTED['release']}", "release") from None
