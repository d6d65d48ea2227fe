"""Requests that are sent when they are due, whether earlier ones were answered or not.

A time of an answer counts from the moment when its request was due. So a scorer that stops for a second is charged for
every request of that second.
"""

import http.client
import itertools
import json
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final

from bench.serving.processes import ScorerProcess

SENDERS: Final = 64
"""Most requests on their way at once; later ones then leave late, and are still timed from when they were due."""
ANSWER_SECONDS: Final = 30.0
NO_ANSWER: Final = 0


@dataclass(frozen=True, slots=True)
class Timed:
    """The number of a request, its status, and the seconds from when it was due to the end of its answer."""

    number: int
    status: int
    seconds: float


def send_all(send: Callable[[int], int], numbers: Sequence[int], rate: float, senders: int = SENDERS) -> list[Timed]:
    """Send requests, `rate` of them a second; `send` returns the status of a request, by its number."""
    start, places, timed = time.monotonic(), itertools.count(), list[Timed]()

    def send_share() -> None:
        # Taking the next place is one step of the interpreter, so no place is taken twice.
        while (place := next(places)) < len(numbers):
            due = start + place / rate
            time.sleep(max(0.0, due - time.monotonic()))
            status = send(numbers[place])
            timed.append(Timed(numbers[place], status, time.monotonic() - due))

    threads = [threading.Thread(target=send_share) for _ in range(senders)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return timed


class Client:
    """Sends decisions over one connection a thread, which is opened again when the scorer has closed it."""

    def __init__(self, scorer: ScorerProcess, make: Callable[[int], dict[str, Any]]) -> None:
        self._port, self._make = scorer.port, make
        self._headers = {"Authorization": f"Bearer {scorer.token()}", "Content-Type": "application/json"}
        self._local = threading.local()

    def send(self, number: int) -> int:
        """Send a decision, and return the status of the answer."""
        connection = self._connection()
        try:
            connection.request("POST", "/v1/decisions", json.dumps(self._make(number)), self._headers)
            answer = connection.getresponse()
            answer.read()
        except (OSError, http.client.HTTPException):
            connection.close()
            return NO_ANSWER
        return answer.status

    def _connection(self) -> http.client.HTTPConnection:
        if not hasattr(self._local, "connection"):
            self._local.connection = http.client.HTTPConnection("127.0.0.1", self._port, timeout=ANSWER_SECONDS)
        connection: http.client.HTTPConnection = self._local.connection
        return connection
