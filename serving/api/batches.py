"""``/v1/decisions/batch``: many transactions in, a result for each of them out."""

from collections.abc import Sequence
from typing import Annotated, Final

import msgspec
from flask import Blueprint, Response, g
from msgspec import Meta, Raw, Struct

from antifraud.api.batches import MAX_DECISIONS, BatchAnswer, BatchItem
from antifraud.api.decisions import Answer, DecisionRequest
from serving.api.auth import require_scope
from serving.api.bodies import decode_item, json_response, parse
from serving.api.deciding import decider_of, moment_of, problem_of
from serving.api.problems import Problem
from serving.decisions.batch import Result, begin_batch, concerns_all, decide_all
from serving.decisions.decide import Outcome
from serving.worker.services import Services, current_services

bp = Blueprint("batches", __name__, url_prefix="/v1/decisions/batch")

OK: Final = 200
_decode_answer: Final = msgspec.json.Decoder(Answer).decode


class Items(Struct, forbid_unknown_fields=True):
    """A `BatchRequest` whose transactions are not decoded yet, so that a bad one spoils no other."""

    decisions: Annotated[list[Raw], Meta(min_length=1, max_length=MAX_DECISIONS)]


@bp.post("")
@require_scope("decide")
def make_decisions() -> Response:
    """Answer 200 with a result for each transaction; 400, 401, 403, 413, 422 if the whole body is wrong; 429; 503."""
    services = current_services()
    # Otherwise batches could take all threads of this worker, and single decisions would wait for them.
    if not services.batches.acquire(blocking=False):
        detail = "this scorer works on other batches: send this one again"
        raise Problem("too-many-requests", detail, headers={"Retry-After": "1"})
    try:
        response = json_response(_decide_items(services))
    except BaseException:
        services.batches.release()
        raise
    # A client that reads a long answer slowly has its thread until then.
    response.call_on_close(services.batches.release)
    return response


def _decide_items(services: Services) -> BatchAnswer:
    items = parse(Items, limit=services.settings.max_batch_bytes, is_nested=True).decisions
    requests = [_decode(item) for item in items]
    good = [request for request in requests if isinstance(request, DecisionRequest)]
    results = iter(_decide_all(services, good))
    answers = [
        _refused(index, request) if isinstance(request, Problem) else _item(services, index, next(results))
        for index, request in enumerate(requests)
    ]
    for answer in answers:
        services.metrics.count_item(answer.status)
    return BatchAnswer(sum(answer.status == OK for answer in answers), answers)


def _decode(item: Raw) -> DecisionRequest | Problem:
    try:
        return decode_item(item, DecisionRequest)
    except Problem as problem:
        return problem


def _decide_all(services: Services, requests: Sequence[DecisionRequest]) -> list[Result]:
    """Return the results of the requests.

    Raises:
        Problem: The service as a whole refuses, and nothing was decided.
    """
    results: list[Result] = []
    batch = begin_batch(decider_of(services), g.namespace, moment_of(services))
    for chunk in decide_all(batch, requests):
        services.metrics.batch_chunks.inc()
        results += chunk
    refusal = next(filter(concerns_all, results), None)
    if refusal is not None and not any(isinstance(result, Outcome) for result in results):
        raise problem_of(services, refusal)
    return results


def _item(services: Services, index: int, result: Result) -> BatchItem:
    if not isinstance(result, Outcome):
        return _refused(index, problem_of(services, result))
    if result.answer is None:
        services.metrics.replays.inc()
        return BatchItem(index, OK, _decode_answer(result.body), replayed=True)
    services.metrics.count_decision(result.answer)
    return BatchItem(index, OK, result.answer)


def _refused(index: int, problem: Problem) -> BatchItem:
    document = problem.document
    return BatchItem(index, document.status, problem=document)
