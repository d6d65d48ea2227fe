"""``/v1/labels``: take labels of transactions that were decided."""

from flask import Blueprint, Response, g

from antifraud.api.labels import LabelsAnswer, LabelsRequest
from antifraud.errors import SchemaError
from serving.api.auth import require_scope
from serving.api.bodies import json_response, parse
from serving.api.problems import Problem
from serving.worker.retention import oldest_label_hour
from serving.worker.services import current_services

bp = Blueprint("labels", __name__, url_prefix="/v1/labels")


@bp.post("")
@require_scope("label")
def add_labels() -> Response:
    """Answer 200 with the number of stored labels and the unknown ids; 400, 401, 403, 413; 422 field; 503 no store."""
    services = current_services()
    labels = parse(LabelsRequest).labels
    now = services.clock.now()
    live_hour = oldest_label_hour(services, services.serving.state) if services.serving else 0
    try:
        unknown = services.store.add_labels(g.namespace, labels, source=g.client, now=now, live_hour=live_hour)
    except SchemaError as error:
        # The message begins with the path of the field, such as labels[3].learned_at.
        raise Problem("invalid", str(error), str(error).partition(" ")[0]) from None
    for status in ("fraud", "legitimate", "unknown"):
        services.metrics.labels.labels(status).inc(sum(label.status == status for label in labels))
    return json_response(LabelsAnswer(len(labels) - len(unknown), unknown))
