"""The SDK for clients: ask the scorer, and check its webhooks.

from antifraud.client import ScorerClient
"""

from antifraud.client.scorer import Decision, Label, ScorerClient
from antifraud.client.webhooks import Event, verify_webhook
from antifraud.errors import Refused, Suspended, Unreachable

__all__ = ["Decision", "Event", "Label", "Refused", "ScorerClient", "Suspended", "Unreachable", "verify_webhook"]
