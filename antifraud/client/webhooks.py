"""The receiver of webhooks: check the signature before anything else.

standardwebhooks is imported where it is called, so that the core does not need it.
"""

import base64
import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from antifraud.client.errors import ClientError

_SECRET: Final = re.compile(r"whsec_[A-Za-z0-9+/]+={0,2}")


@dataclass(frozen=True, slots=True)
class Event:
    """An event that the scorer's guard has signed. Drop an event if its `id` was seen before.

    `switch` is the switch after the change, and empty in a test ping. Events may arrive in another order than that of
    the changes: a smaller `switch["epoch"]` is older news.
    """

    id: str
    type: str
    time: str
    switch: Mapping[str, Any]


def verify_webhook(secrets: str | Iterable[str], headers: Mapping[str, str], body: bytes) -> Event:
    """Return the event in a webhook, if a signature (Standard Webhooks) holds and it is at most five minutes old.

    During a rotation the guard signs with the old and the new secret. Either of them is enough here, and `secrets` may
    hold both.

    Raises:
        ClientError: No signature holds, the webhook is too old, the body is not an event, or a secret is malformed.
    """
    from standardwebhooks import WebhookVerificationError

    known = [secrets] if isinstance(secrets, str) else list(secrets)
    if not all(map(_is_secret, known)):
        raise ClientError("a secret of webhooks is malformed: expected whsec_ and base64, without spaces and line ends")
    try:
        # The signature covers the raw bytes, so the body is parsed only after it holds.
        _require_signature(known, headers, body)
        event = json.loads(body)
        return Event(event["id"], event["type"], event["time"], event["data"])
    except (WebhookVerificationError, ValueError, KeyError, TypeError, RecursionError) as error:
        raise ClientError(f"this webhook does not verify ({type(error).__name__}): ignore it") from None


def _is_secret(text: str) -> bool:
    """Return whether a text is a secret; the library would take an empty key out of much that is none."""
    try:
        return _SECRET.fullmatch(text) is not None and bool(
            base64.b64decode(text.removeprefix("whsec_"), validate=True)
        )
    except ValueError:
        return False


def _require_signature(secrets: Iterable[str], headers: Mapping[str, str], body: bytes) -> None:
    from standardwebhooks import Webhook, WebhookVerificationError

    refusal = WebhookVerificationError("there is no secret to verify with")
    for secret in secrets:
        try:
            Webhook(secret).verify(body, dict(headers), json_parse=False)
        except WebhookVerificationError as error:
            refusal = error
        else:
            return
    raise refusal
