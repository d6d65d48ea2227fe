"""The receiver of webhooks: check the signature before anything else.

standardwebhooks is imported where it is called, so that the core does not need it.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from antifraud.errors import ClientError


@dataclass(frozen=True, slots=True)
class Event:
    """A change of the switch, signed by the scorer's guard. Drop an event if its `id` was seen before."""

    id: str
    type: str
    time: str
    switch: Mapping[str, Any]


def verify_webhook(secret: str, headers: Mapping[str, str], body: bytes) -> Event:
    """Return the event in a webhook, if the signature (Standard Webhooks) holds and it is at most five minutes old.

    Raises:
        ClientError: The signature does not hold, the webhook is too old, or the body is not an event.
    """
    from standardwebhooks import Webhook, WebhookVerificationError

    try:
        # The signature covers the raw bytes, so the body is parsed only after it holds.
        Webhook(secret).verify(body, dict(headers), json_parse=False)
        event = json.loads(body)
        return Event(event["id"], event["type"], event["time"], event["data"])
    except (WebhookVerificationError, ValueError, KeyError, TypeError) as error:
        raise ClientError(f"this webhook does not verify ({type(error).__name__}): ignore it") from None
