"""The SDK for clients: ask the scorer, and check its webhooks.

from antifraud.client import ScorerClient
"""

from antifraud.client.async_scorer import AsyncScorerClient
from antifraud.client.calls import Decision, Label
from antifraud.client.payments import Outcome, Payment
from antifraud.client.scorer import ScorerClient
from antifraud.client.webhooks import Event, verify_webhook
from antifraud.errors import BadAnswer, ClientError, Refused, Suspended, Unreachable

__all__ = [
    "AsyncScorerClient",
    "BadAnswer",
    "ClientError",
    "Decision",
    "Event",
    "Label",
    "Outcome",
    "Payment",
    "Refused",
    "ScorerClient",
    "Suspended",
    "Unreachable",
    "verify_webhook",
]
