"""The state of the service, for people (``/v1/status``), supervisors (``/healthz``, ``/readyz``) and Prometheus."""

import dataclasses
import json
from typing import Any, Final

from flask import Blueprint, Response

from antifraud.api.service import ProbeAnswer, StatusAnswer, SwitchAnswer
from antifraud.errors import StoreError, StoreForeign
from antifraud.killswitch.machine import Mode
from serving.api.auth import require_scope
from serving.api.bodies import json_response
from serving.api.problems import not_ready
from serving.store.port import DecisionStore
from serving.worker.measuring import has_converged
from serving.worker.reports import GUARD, WALL_CLOCK, read_workers
from serving.worker.services import Services, current_services

bp = Blueprint("status", __name__)

EXPOSITION: Final = "text/plain; version=0.0.4; charset=utf-8"


@bp.get("/healthz")
def healthz() -> Response:
    """Answer 200 as long as the process lives."""
    return json_response(ProbeAnswer("alive"))


@bp.get("/readyz")
def readyz() -> Response:
    """Answer 200 if this worker can decide; 503 if it cannot, or while the service is suspended."""
    services = current_services()
    try:
        store = services.store
        switch = store.switch()
    except StoreError as error:
        raise not_ready(str(error)) from None
    if services.serving is None:
        raise not_ready("no release and state are loaded yet")
    # The last report of this worker was written to the store a poll ago, or its trouble says why not.
    if trouble := store.fill().refusal or services.troubles.get("store") or services.troubles.get("report"):
        raise not_ready(trouble)
    # A suspended worker is healthy but must get no traffic.
    if switch.mode is Mode.SUSPENDED:
        raise not_ready("the service is suspended")
    return json_response(ProbeAnswer("ready"))


@bp.get("/metrics")
def metrics() -> Response:
    """Answer 200 with Prometheus' text. It holds no identifier, so it needs no token."""
    return Response(current_services().metrics.render(), content_type=EXPOSITION)


@bp.get("/v1/status")
@require_scope("read")
def status() -> Response:
    """Answer 200 with switch, release, state, counts, evidence and reports of all workers; 401, 403; 503 no store."""
    services = current_services()
    try:
        stored = _read_stored(services.store)
    except StoreForeign as error:
        stored = _describe_missing(str(error))
    return json_response(
        StatusAnswer(
            **stored,
            **_describe_serving(services),
            converged=has_converged(services.settings, stored["workers"], stored["switch"].epoch),
            time=services.clock.now(),
            troubles=services.troubles,
        )
    )


def _read_stored(store: DecisionStore) -> dict[str, Any]:
    reports = store.reports()
    # The guard reports into the same place as the workers.
    guard = reports.get(GUARD)
    workers = read_workers(reports.items(), WALL_CLOCK.now()).alive
    fill = store.fill()
    return {
        "switch": SwitchAnswer(**dataclasses.asdict(store.switch())),
        "store": {"identity": store.identity, "used_bytes": fill.used, "limit_bytes": fill.limit, "fill": fill.share},
        "counts": store.sizes(),
        "workers": [worker for worker in workers if worker.get("role") != GUARD],
        "guard": json.loads(guard) if guard else None,
        "evidence": list(store.evidence().values()),
    }


def _describe_missing(reason: str) -> dict[str, Any]:
    """Return what is said while the service's own store is not there: suspended, and nothing else is known."""
    switch = SwitchAnswer(Mode.SUSPENDED, epoch=None, reason=reason, by="store", at=None)
    return {"switch": switch, "store": None, "counts": {}, "workers": [], "guard": None, "evidence": []}


def _describe_serving(services: Services) -> dict[str, Any]:
    serving = services.serving
    return {
        "release": serving and serving.release.release,
        "verdict": serving and serving.release.verdict,
        "threshold": serving and serving.release.threshold,
        "state_cutoff": serving and serving.state.cutoff_date,
    }
