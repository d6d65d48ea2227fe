"""Steady traffic for the scorer's tests: clients that repeat a request under the same id until it is decided."""

import threading
import time
from contextlib import contextmanager
from dataclasses import dataclass, field

import httpx

from tests.serving.scene import transaction

CLIENTS = 4
PAUSE_SECONDS = 0.02
PATIENCE_SECONDS = 60


@dataclass
class Traffic:
    """Answers and failures, as the clients saw them.

    `answers` are decisions by id, and `refusals` status codes of answers that were no decisions. `broken` counts
    connections without an answer, and `lost` are ids that were not decided in `PATIENCE_SECONDS`.
    """

    answers: dict = field(default_factory=dict)
    refusals: list = field(default_factory=list)
    broken: int = 0
    lost: list = field(default_factory=list)

    @property
    def errors(self):
        """Share of attempts that a client had to repeat."""
        failures = len(self.refusals) + self.broken
        return failures / (len(self.answers) + failures)


@contextmanager
def steady_traffic(gunicorn, first_id):
    """Send transactions from several clients until the block ends; yield what they see."""
    traffic, stop = Traffic(), threading.Event()
    clients = [
        threading.Thread(target=_send, args=(gunicorn, first_id + 100_000 * n, traffic, stop)) for n in range(CLIENTS)
    ]
    for client in clients:
        client.start()
    try:
        yield traffic
    finally:
        stop.set()
        for client in clients:
            client.join()


def _send(gunicorn, number, traffic, stop):
    headers = {"Authorization": f"Bearer {gunicorn.tokens['client']}"}
    with httpx.Client(base_url=gunicorn.url, headers=headers, timeout=30) as client:
        while not stop.is_set():
            _decide(client, number, traffic)
            number += 1
            time.sleep(PAUSE_SECONDS)


def _decide(client, number, traffic):
    deadline = time.monotonic() + PATIENCE_SECONDS
    while time.monotonic() < deadline:
        try:
            answer = client.post("/v1/decisions", json=transaction(transaction_id=number))
        except httpx.TransportError:
            traffic.broken += 1
        else:
            if answer.status_code == 200:
                traffic.answers[number] = answer.content
                return
            traffic.refusals.append(answer.status_code)
        time.sleep(0.05)
    traffic.lost.append(number)
