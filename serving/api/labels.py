"""``/v1/labels``: take labels of transactions that were decided."""

from flask import Blueprint, Response, g, jsonify

from antifraud.clock import DAY_HOURS, HOUR_SECONDS
from antifraud.errors import SchemaError
from serving.api.auth import require_scope
from serving.api.bodies import parse
from serving.api.problems import Problem
from serving.decisions.live import first_counted_hour
from serving.store.labels import store_labels
from serving.store.records import LabelsRequest
from serving.worker.services import Services, current_services

bp = Blueprint("labels", __name__, url_prefix="/v1/labels")


@bp.post("")
@require_scope("label")
def add_labels() -> Response:
    """Answer 200 with the number of stored labels and the unknown ids; 400, 401, 403, 413; 422 field; 503 no store."""
    services = current_services()
    labels = parse(LabelsRequest).labels
    now = services.clock.now()
    try:
        unknown = store_labels(
            services.store, labels, source=g.client, now=now, first_live_hour=_first_live_hour(services, now)
        )
    except SchemaError as error:
        # The message begins with the path of the field, such as labels[3].learned_at.
        raise Problem(422, "invalid", str(error), str(error).partition(" ")[0]) from None
    for status in ("fraud", "legitimate", "unknown"):
        services.metrics.labels.labels(status).inc(sum(label.status == status for label in labels))
    return jsonify(accepted=len(labels) - len(unknown), unknown_transactions=unknown)


def _first_live_hour(services: Services, now: int) -> int:
    """Return the first hour of events whose live labels a decision can still count."""
    # The state says which labels of the feed it tells. Without a state nothing is removed.
    if services.serving is None:
        return 0
    oldest_event_hour = now // HOUR_SECONDS - services.settings.late_event_days * DAY_HOURS
    return first_counted_hour(services.serving.state, oldest_event_hour)
