"""``/v1/switch``: an admin suspends or resumes the service."""

import dataclasses
from typing import Final

from flask import Blueprint, Response, g

from antifraud.api.service import SwitchAnswer, SwitchRequest
from antifraud.killswitch.machine import Mode
from serving.api.auth import require_scope
from serving.api.bodies import json_response, parse
from serving.worker.services import current_services

bp = Blueprint("switch", __name__, url_prefix="/v1/switch")

MODE_AFTER: Final = {"suspend": Mode.SUSPENDED, "resume": Mode.SERVING}


@bp.post("")
@require_scope("admin")
def change_switch() -> Response:
    """Answer 200 with the changed switch; 400, 401, 403; 409 stale epoch or impossible change; 422; 503."""
    services = current_services()
    wanted = parse(SwitchRequest)
    after = services.store.change_switch(
        MODE_AFTER[wanted.action],
        expected_epoch=wanted.expected_epoch,
        reason=wanted.reason,
        by=g.client,
        at=services.clock.now(),
    )
    services.log.warning("switch changed", mode=after.mode, epoch=after.epoch, by=after.by)
    return json_response(SwitchAnswer(**dataclasses.asdict(after)))
