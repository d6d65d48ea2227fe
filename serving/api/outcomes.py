"""``/v1/outcomes``: take the outcomes of payments that were decided."""

from flask import Blueprint, Response, g

from antifraud.api.outcomes import OutcomesAnswer, OutcomesRequest
from antifraud.features.outcomes import REMOVED, RESTORED
from serving.api.auth import require_scope
from serving.api.bodies import json_response, parse
from serving.api.problems import not_ready
from serving.store.outcome_port import AddedOutcomes, OutcomeRequest
from serving.worker.services import current_services

bp = Blueprint("outcomes", __name__, url_prefix="/v1/outcomes")


@bp.post("")
@require_scope("decide")
def add_outcomes() -> Response:
    """Answer 200 with counts, unknown ids and rejected outcomes; 400, 401, 403, 413; 422 field; 503 no store, state."""
    services = current_services()
    outcomes = parse(OutcomesRequest).outcomes
    loaded = services.loaded
    # Only the state says which days are closed; without it, a decline would come too late without being late.
    if loaded is None:
        raise not_ready("no state is loaded yet, which says whether a payment's day is closed")
    request = OutcomeRequest(g.namespace, g.client, services.clock.now(), loaded.state.cutoff)
    added = services.store.outcomes.add(request, outcomes)
    services.metrics.count_outcomes(added)
    return json_response(_answer_of(added))


def _answer_of(added: AddedOutcomes) -> OutcomesAnswer:
    effects = [effect for _, effect in added.effects]
    return OutcomesAnswer(
        accepted=len(effects),
        removed=effects.count(REMOVED),
        restored=effects.count(RESTORED),
        late=effects.count("late"),
        repeated=effects.count("repeated"),
        unknown_transactions=added.unknown,
        rejected=added.rejected,
    )
