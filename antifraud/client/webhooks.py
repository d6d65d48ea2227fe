"""Receiving webhooks: check the signature before believing anything.

standardwebhooks is imported where it is called.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from antifraud.errors import ClientError


@dataclass(frozen=True, slots=True)
class Event:
    """A change of the switch that was signed by the scorer's guard. Drop an event whose `id` was seen before."""

    id: str
    type: str
    time: str
    switch: Mapping[str, Any]


def verify_webhook(secret: str, headers: Mapping[str, str], body: bytes) -> Event:
    """The event in a webhook whose signature (Standard Webhooks) and age, at most five minutes, hold.

    Raises:
        ClientError: The signature does not hold, or the body is not an event; nothing of it is to be believed.
    """
    from standardwebhooks import Webhook, WebhookVerificationError

    try:
        Webhook(secret).verify(body, dict(headers), json_parse=False)
        event = json.loads(body)
        return Event(event["id"], event["type"], event["time"], event["data"])
    except (WebhookVerificationError, ValueError, KeyError, TypeError) as error:
        raise ClientError(f"this webhook does not verify ({type(error).__name__}): ignore it") from None
