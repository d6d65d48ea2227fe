"""Webhooks: send every change of the switch, signed and with retries, and keep what nobody takes as a dead letter.

The transaction that changes the switch also writes the notification, so a crash in between loses none. Delivery is at
least once; the id lets a subscriber drop a repeat. Signatures follow Standard Webhooks 1.0, bodies CloudEvents 1.0.
"""

import datetime as dt
import json
import threading
from typing import Any, Final

import httpx
from standardwebhooks import Webhook
from tenacity import (
    Retrying,
    retry_if_exception_type,
    sleep_using_event,
    stop_after_attempt,
    stop_when_event_set,
    wait_exponential,
)

from antifraud.errors import NotTaken, StoreError
from serving.store.port import DecisionStore

ATTEMPTS: Final = 10
LONGEST_WAIT_SECONDS: Final = 60
TIMEOUT_SECONDS: Final = 5.0
IDLE_SECONDS: Final = 0.2
EVENT_TYPE: Final = "antifraud.switch.changed"
SOURCE: Final = "/antifraud/scorer"


class Courier:
    """Delivers the notifications in the outbox, in a thread of its own so that it never holds up an inspection."""

    def __init__(self, store: DecisionStore, url: str, secret: str, log: Any, first_wait_seconds: float = 0.5) -> None:
        self._store, self._url, self._log = store, url, log
        self._webhook = Webhook(secret) if url else None
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="courier", daemon=True)
        self._retrying = Retrying(
            retry=retry_if_exception_type(NotTaken),
            stop=stop_after_attempt(ATTEMPTS) | stop_when_event_set(self._stop),
            wait=wait_exponential(multiplier=first_wait_seconds, max=LONGEST_WAIT_SECONDS),
            # A stop ends a pause at once, though pauses last up to a minute.
            sleep=sleep_using_event(self._stop),
            reraise=True,
        )

    def start(self) -> None:
        """Begin delivering."""
        self._thread.start()

    def stop(self) -> None:
        """Stop after the attempt under way; undelivered notifications stay in the outbox."""
        self._stop.set()
        self._thread.join()

    def _run(self) -> None:
        while not self._stop.wait(IDLE_SECONDS):
            try:
                self.deliver()
            except StoreError as error:
                self._log.error("outbox not usable", reason=str(error))

    def deliver(self) -> None:
        """Deliver every notification that is in the outbox now, or give it up; oldest first.

        Raises:
            StoreError: The store cannot be used.
        """
        for notification, text in self._store.notifications():
            if self._stop.is_set():
                return
            self._settle(notification, text)

    def _settle(self, notification: str, text: bytes) -> None:
        try:
            if self._webhook:
                self._retrying(self._send, notification, text)
        except NotTaken as error:
            if self._stop.is_set():  # a stop cut the retries short: the next start tries again
                return
            self._log.error("webhook given up", notification=notification, reason=str(error))
            self._store.settle_notification(notification, delivered=False)
        else:
            self._log.info("webhook delivered", notification=notification)
            self._store.settle_notification(notification, delivered=True)

    def _send(self, notification: str, text: bytes) -> None:
        assert self._webhook is not None  # noqa: S101 tells mypy what _settle has checked
        body = build_cloud_event(notification, json.loads(text))
        now = dt.datetime.now(tz=dt.UTC)
        headers = {
            "content-type": "application/cloudevents+json",
            "webhook-id": notification,
            "webhook-timestamp": str(int(now.timestamp())),
            "webhook-signature": self._webhook.sign(notification, now, body),
        }
        try:
            answer = httpx.post(self._url, content=body, headers=headers, timeout=TIMEOUT_SECONDS)
        except httpx.HTTPError as error:
            # Only the type is named: the text may hold the address, and an address may hold a secret.
            raise NotTaken(f"the subscriber could not be reached ({type(error).__name__})") from None
        if not answer.is_success:
            raise NotTaken(f"the subscriber answered {answer.status_code}, expected 2xx")


def build_cloud_event(notification: str, switch: dict[str, Any]) -> str:
    """Return the body of a webhook.

    >>> json.loads(build_cloud_event("switch-1", {"mode": "SUSPENDED", "at": 60}))["time"]
    '1970-01-01T00:01:00+00:00'
    """
    event = {
        "specversion": "1.0",
        "id": notification,
        "source": SOURCE,
        "type": EVENT_TYPE,
        "time": dt.datetime.fromtimestamp(switch["at"], tz=dt.UTC).isoformat(),
        "datacontenttype": "application/json",
        "data": switch,
    }
    return json.dumps(event)
