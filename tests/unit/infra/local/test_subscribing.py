"""A local run has one subscriber of webhooks, its own receiver, which keeps what verifies."""

import datetime as dt
import json

from standardwebhooks import Webhook

from antifraud.keys.subscribers import load_subscribers
from antifraud.settings.serving import GuardSettings
from infra.local.webhook import keep
from infra.local.world import SUBSCRIBER, subscribe


def subscriber_of(home):
    return load_subscribers(GuardSettings(home=home).subscribers_path, ())[SUBSCRIBER]


def test_a_later_run_moves_the_subscriber_to_its_port(tmp_path):
    """The secret stays, so the receiver of either run verifies what waits."""
    subscribe(tmp_path, "http://127.0.0.1:8090/events")
    first = subscriber_of(tmp_path)
    subscribe(tmp_path, "http://127.0.0.1:8091/events")
    subscribe(tmp_path, "http://127.0.0.1:8091/events")

    assert subscriber_of(tmp_path).url == "http://127.0.0.1:8091/events"
    assert subscriber_of(tmp_path).secrets == first.secrets


def test_the_receiver_keeps_a_signed_webhook_and_refuses_others(tmp_path):
    """The signature is checked with the secret of the run's subscriber."""
    subscribe(tmp_path, "http://127.0.0.1:8090/events")
    event = {"id": "switch-1", "type": "antifraud.switch.suspended", "time": "t", "data": {"mode": "SUSPENDED"}}
    body, now = json.dumps(event), dt.datetime.now(tz=dt.UTC)
    signature = Webhook(subscriber_of(tmp_path).secrets[0]).sign("switch-1", now, body)
    headers = {"webhook-id": "switch-1", "webhook-timestamp": str(int(now.timestamp()))}

    assert keep(tmp_path, {**headers, "webhook-signature": signature}, body.encode()) == 204
    assert json.loads((tmp_path / "webhooks" / "switch-1.json").read_text()) == event
    assert keep(tmp_path, {**headers, "webhook-signature": "v1,b3RoZXI="}, body.encode()) == 401
