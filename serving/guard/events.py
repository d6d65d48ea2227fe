"""The webhooks that subscribers get: bodies are CloudEvents 1.0, signatures follow Standard Webhooks 1.0."""

import datetime as dt
import json
from collections.abc import Iterable
from typing import Any, Final

from standardwebhooks import Webhook

ABOUT_SWITCH: Final = "antifraud.switch."
EARLIER_NEWS: Final = "changed"
"""The only kind that earlier versions queued."""
PING: Final = "antifraud.ping"
SOURCE: Final = "/antifraud/scorer"


def event_of(event_id: str, told: dict[str, Any]) -> str:
    """Return the body of a webhook about the switch; `told` is the switch after a change, and the kind of `news`.

    >>> json.loads(event_of("switch-1", {"mode": "SUSPENDED", "at": 60, "news": "suspended"}))["type"]
    'antifraud.switch.suspended'
    """
    switch = {name: value for name, value in told.items() if name != "news"}
    kind = told.get("news", EARLIER_NEWS)
    # Warnings and drills leave the time of the last change of the mode as it is, and have a note of their own.
    notes = [note for name in ("warned", "drilled") if (note := switch.get(name))]
    at = max(part["at"] for part in (switch, *notes))
    return build_event(event_id, f"{ABOUT_SWITCH}{kind}", at, switch)


def build_event(event_id: str, kind: str, at: int, data: dict[str, Any]) -> str:
    """Return the body of a webhook.

    >>> json.loads(build_event("switch-1", PING, 60, {"mode": "SUSPENDED"}))["time"]
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
