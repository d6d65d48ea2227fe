"""The state of the service, for people (``/v1/status``), supervisors (``/healthz``, ``/readyz``) and Prometheus."""

import dataclasses
import ipaddress
from functools import lru_cache
from typing import Any, Final

from flask import Blueprint, Response, request

from antifraud.api.service import ProbeAnswer, StatusAnswer, SwitchAnswer
from antifraud.errors import StoreError, StoreForeign
from antifraud.killswitch.machine import Cause, Mode
from serving.api.auth import require_caller, require_scope
from serving.api.bodies import json_response
from serving.api.evidence import NO_EVIDENCE, describe_evidence
from serving.api.problems import Problem, not_ready
from serving.store.port import DecisionStore
from serving.store.signals import SIGNALS
from serving.worker.guard_watch import GUARD
from serving.worker.measuring import has_converged
from serving.worker.reports import WALL_CLOCK, describe_policy, read_measurements, read_workers
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
        raise not_ready("no release, state and policy are loaded yet")
    # The last report of this worker was written to the store a poll ago, or its trouble says why not.
    if trouble := store.fill().refusal or services.troubles.get("store") or services.troubles.get("report"):
        raise not_ready(trouble)
    # A suspended worker is healthy but must get no traffic, unless its rules decide alone.
    if switch.mode is Mode.SUSPENDED and not services.serving.policy.decides_alone:
        wait = {"Retry-After": str(services.settings.retry_after_seconds)}
        detail = "the service is suspended"
        raise Problem("not-ready", detail, headers=wait, cause=switch.cause, since=switch.at)
    return json_response(ProbeAnswer("ready", (*switch.warnings, *_warn_of_guard(services, store))))


def _warn_of_guard(services: Services, store: DecisionStore) -> tuple[str, ...]:
    """Warn of a dead guard. Decisions go on without it, as a service that refuses all of them helps nobody."""
    services.guard.listen(store.reports().get(GUARD))
    if not services.guard.warnings:
        return ()
    guard = services.guard.describe()
    return (f"guard silent since {guard['silent_since']}" if guard else "no guard has ever reported",)


@bp.get("/metrics")
def metrics() -> Response:
    """Answer 200 with Prometheus' text; 401, 403 unless the scorer listens on a loopback address only."""
    if not _is_loopback(request.environ["SERVER_NAME"]):
        require_caller("metrics")
    return Response(current_services().metrics.render(), content_type=EXPOSITION)


@lru_cache(8)
def _is_loopback(name: str) -> bool:
    """Return whether an address on which a server listens is reached from its own machine only."""
    try:
        return name == "localhost" or ipaddress.ip_address(name).is_loopback
    except ValueError:  # a socket in the file system
        return False


@bp.get("/v1/status")
@require_scope("read")
def status() -> Response:
    """Answer 200 with switch, release, state, counts, evidence and reports of all workers; 401, 403; 503 no store."""
    services = current_services()
    try:
        (stored, converged), evidence = _read_stored(services), describe_evidence(services.store)
    except StoreForeign as error:
        stored, converged, evidence = _describe_missing(str(error)), False, NO_EVIDENCE
    return json_response(
        StatusAnswer(
            **stored,
            **_describe_serving(services),
            **evidence,
            converged=converged,
            time=services.clock.now(),
            troubles=services.troubles,
        )
    )


def _read_stored(services: Services) -> tuple[dict[str, Any], bool]:
    """Return what the store tells, and whether all workers use what they should."""
    # The guard reports into the same place as the workers.
    store = services.store
    reports, now = store.reports(), WALL_CLOCK.now()
    services.guard.listen(reports.get(GUARD))
    fill, switch, workers = store.fill(), store.switch(), read_workers(reports.items(), now).alive
    stored = {
        "switch": SwitchAnswer(**dataclasses.asdict(switch)),
        "store": {"identity": store.identity, "used_bytes": fill.used, "limit_bytes": fill.limit, "fill": fill.share},
        "counts": store.sizes(),
        "workers": workers,
        "guard": services.guard.describe(),
        "signals": read_measurements(reports.get(SIGNALS)),
    }
    return stored, has_converged(services.settings, workers, switch)


def _describe_missing(reason: str) -> dict[str, Any]:
    """Return what is said while the service's own store is not there: suspended, and nothing else is known."""
    switch = SwitchAnswer(Mode.SUSPENDED, epoch=None, reason=reason, by="store", at=None, cause=Cause.STORE)
    return {"switch": switch, "store": None, "counts": {}, "workers": [], "guard": None, "signals": {}}


def _describe_serving(services: Services) -> dict[str, Any]:
    serving = services.serving
    release = serving and serving.release
    return {
        "release": release and release.release,
        "verdict": release and release.verdict,
        "threshold": release and release.threshold,
        "state_cutoff": serving and serving.state.cutoff_date,
        "policy": describe_policy(services),
    }
