"""The webhooks that subscribers get: bodies are CloudEvents 1.0, signatures follow Standard Webhooks 1.0."""

import datetime as dt
import json
from collections.abc import Iterable
from typing import Any, Final

from standardwebhooks import Webhook

CHANGED: Final = "antifraud.switch.changed"
PING: Final = "antifraud.ping"
SOURCE: Final = "/antifraud/scorer"


def build_event(event_id: str, kind: str, at: int, data: dict[str, Any]) -> str:
    """Return the body of a webhook.

    >>> json.loads(build_event("switch-1", CHANGED, 60, {"mode": "SUSPENDED"}))["time"]
    '1970-01-01T00:01:00+00:00'
    """
    event = {
        "specversion": "1.0",
        "id": event_id,
        "source": SOURCE,
        "type": kind,
        "time": dt.datetime.fromtimestamp(at, tz=dt.UTC).isoformat(),
        "datacontenttype": "application/json",
        "data": data,
    }
    return json.dumps(event)


def sign(secrets: Iterable[str], event_id: str, body: str, now: float) -> dict[str, str]:
    """Return the headers of a webhook, with a signature by each secret."""
    at = dt.datetime.fromtimestamp(now, tz=dt.UTC)
    return {
        "content-type": "application/cloudevents+json",
        "webhook-id": event_id,
        "webhook-timestamp": str(int(now)),
        "webhook-signature": " ".join(Webhook(secret).sign(event_id, at, body) for secret in secrets),
    }
