"""The state of the service, for people (``/v1/status``), supervisors (``/healthz``, ``/readyz``) and Prometheus."""

import dataclasses
import json
from typing import Any, Final

from flask import Blueprint, Response, jsonify

from antifraud.artifacts.pointer import read_pointer
from antifraud.artifacts.state_export import read_state_pointer
from antifraud.errors import DataError, ReleaseError, StoreError
from antifraud.killswitch.machine import Mode
from serving.api.auth import require_scope
from serving.api.problems import not_ready
from serving.store.lmdb import View
from serving.store.switchboard import read_switch
from serving.worker.reports import WALL_CLOCK, have_converged, read_workers
from serving.worker.services import Services, current_services

bp = Blueprint("status", __name__)

EXPOSITION: Final = "text/plain; version=0.0.4; charset=utf-8"
COUNTED: Final = ("decisions", "labels", "pending", "judged", "outbox", "dead")


@bp.get("/healthz")
def healthz() -> Response:
    """Answer 200 as long as the process lives."""
    return jsonify(status="alive")


@bp.get("/readyz")
def readyz() -> Response:
    """Answer 200 if this worker can decide; 503 if it cannot, or while the service is suspended."""
    services = current_services()
    try:
        with services.store.read() as view:
            switch = read_switch(view)
    except StoreError as error:
        raise not_ready(str(error)) from None
    if services.serving is None:
        raise not_ready("no release and state are loaded yet")
    # A suspended worker is healthy but must get no traffic.
    if switch.mode is Mode.SUSPENDED:
        raise not_ready("the service is suspended")
    return jsonify(status="ready")


@bp.get("/metrics")
def metrics() -> Response:
    """Answer 200 with Prometheus' text. It holds no identifier, so it needs no token."""
    return Response(current_services().metrics.render(), content_type=EXPOSITION)


@bp.get("/v1/status")
@require_scope("read")
def status() -> Response:
    """Answer 200 with switch, release, state, counts, evidence and reports of all workers; 401, 403; 503 no store."""
    services = current_services()
    with services.store.read() as view:
        stored = _read_stored(view)
    return jsonify(
        {
            **stored,
            **_describe_serving(services),
            "converged": _have_converged(services, stored["workers"], stored["switch"]["epoch"]),
            "time": services.clock.now(),
            "troubles": services.troubles,
        }
    )


def _read_stored(view: View) -> dict[str, Any]:
    # The guard reports into the same database as the workers.
    guard = view.get("workers", b"guard")
    workers = read_workers(view.items("workers"), WALL_CLOCK.now()).alive
    return {
        "switch": dataclasses.asdict(read_switch(view)),
        "counts": {name: view.count(name) for name in COUNTED},
        "workers": [worker for worker in workers if worker.get("role") != "guard"],
        "guard": json.loads(guard) if guard else None,
        "evidence": [json.loads(text) for _, text in view.items("evidence")],
    }


def _have_converged(services: Services, workers: list[dict[str, Any]], epoch: int) -> bool:
    settings = services.settings
    try:
        release, state = read_pointer(settings.releases_dir), read_state_pointer(settings.state_dir)
    except (ReleaseError, DataError):  # no worker can use what a broken pointer names; `troubles` tells about it
        return False
    return have_converged(workers, release, state, epoch)


def _describe_serving(services: Services) -> dict[str, Any]:
    serving = services.serving
    return {
        "release": serving and serving.release.release,
        "verdict": serving and serving.release.verdict,
        "threshold": serving and serving.release.threshold,
        "state_cutoff": serving and serving.state.cutoff_date,
    }
