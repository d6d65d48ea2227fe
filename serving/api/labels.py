"""``/v1/labels``: take labels of transactions that were decided."""

from flask import Blueprint, Response, g

from antifraud.api.labels import LabelsAnswer, LabelsRequest
from serving.api.auth import require_scope
from serving.api.bodies import json_response, parse
from serving.worker.retention import oldest_label_hour
from serving.worker.services import current_services

bp = Blueprint("labels", __name__, url_prefix="/v1/labels")


@bp.post("")
@require_scope("label")
def add_labels() -> Response:
    """Answer 200 with stored labels, unknown ids and rejected labels; 400, 401, 403, 413; 422 field; 503 no store."""
    services = current_services()
    labels = parse(LabelsRequest).labels
    now = services.clock.now()
    live_hour = oldest_label_hour(services, services.loaded.state) if services.loaded else 0
    added = services.store.add_labels(g.namespace, labels, source=g.client, now=now, live_hour=live_hour)
    for status in added.stored:
        services.metrics.labels.labels(status).inc()
    accepted = len(labels) - len(added.unknown) - len(added.rejected)
    return json_response(LabelsAnswer(accepted, added.unknown, added.rejected))
