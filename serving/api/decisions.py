"""``/v1/decisions``: one transaction in, one decision out."""

from time import perf_counter
from typing import Final, Self

from flask import Blueprint, Response, g
from werkzeug.exceptions import HTTPException

from antifraud.api.decisions import DecisionRequest
from antifraud.errors import StoreForeign
from antifraud.transaction_id import is_transaction_id
from serving.api.auth import require_scope
from serving.api.bodies import parse
from serving.api.deciding import REFUSALS, decider_of, moment_of, problem_of
from serving.api.problems import Problem
from serving.api.scorer import Answer
from serving.decisions.answers import answer_of, encode_answer
from serving.decisions.decide import Outcome, decide
from serving.store.records import Place
from serving.worker.metrics import Metrics
from serving.worker.services import Services, current_services

bp = Blueprint("decisions", __name__, url_prefix="/v1/decisions")

UNAVAILABLE: Final = ("suspended", "not-ready")
"""Problems that are outcomes of their own."""
REPLAYED: Final = {"Idempotent-Replayed": "true"}


@bp.post("")
@require_scope("decide")
def make_decision() -> Response:
    """Answer 200 decision; 400 not JSON; 401, 403 token; 409 id of another payload; 413 large; 422 field, key; 503."""
    services = current_services()
    with _Timed(services.metrics) as timed:
        outcome = _decide(services, parse(DecisionRequest))
        timed.outcome = outcome.answer.decision if outcome.answer else "replay"
    if outcome.answer is None:
        services.metrics.replays.inc()
        return _json_response(outcome.body, REPLAYED)
    services.metrics.count_decision(outcome.answer)
    return _json_response(outcome.body)


@bp.get("/<transaction_id>")
@require_scope("read")
def get_decision(transaction_id: str) -> Response:
    """Answer 200 with the stored decision, also while suspended; 404 if there is none."""
    store, place = current_services().store, Place(g.namespace, transaction_id)
    # Another text can have no decision.
    stored = store.decision_of(place) if is_transaction_id(transaction_id) else None
    if stored is None:
        raise Problem("not-found", "no decision was made for this transaction id")
    return _json_response(encode_answer(answer_of(store, place, stored)))


class _Timed:
    """The time of a request for a decision, by its outcome; whatever is not known otherwise has failed."""

    __slots__ = ("_began", "_metrics", "outcome")

    def __init__(self, metrics: Metrics) -> None:
        self._metrics, self.outcome, self._began = metrics, "failed", perf_counter()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, _: object, error: BaseException | None, __: object) -> None:
        if isinstance(error, Problem):
            self.outcome = error.kind if error.kind in UNAVAILABLE else "refused"
        elif isinstance(error, HTTPException):
            self.outcome = "refused"
        elif isinstance(error, StoreForeign):
            self.outcome = "suspended"
        self._metrics.time_decision(self.outcome, perf_counter() - self._began)


def _decide(services: Services, request: DecisionRequest) -> Outcome:
    try:
        return decide(decider_of(services), g.namespace, request, moment_of(services))
    except REFUSALS as error:
        raise problem_of(services, error) from None


def _json_response(body: bytes, headers: dict[str, str] | None = None) -> Response:
    return Answer(body, headers=headers, content_type="application/json")
