"""Clients that send decisions at a steady rate, repeat each one under the same id until it is answered, and take notes.

The clients are threads of this process with plain sockets: a scorer that shares the machine keeps most of it.
"""

import http.client
import json
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Self

from bench.serving.processes import ScorerProcess

PATIENCE_SECONDS: Final = 30.0
"""Time after which a client gives an id up."""
PAUSE_SECONDS: Final = 0.1
ANSWER_SECONDS: Final = 10.0
REFUSED: Final = 0
"""Status of an attempt without an answer: the connection was refused or cut."""


@dataclass(frozen=True, slots=True)
class Attempt:
    """One request: the clock when it began and when it ended, the status, and the answer's body."""

    began: float
    ended: float
    status: int
    body: bytes
    headers: Mapping[str, str]

    @property
    def replayed(self) -> bool:
        """Whether the answer was a stored one."""
        return self.headers.get("idempotent-replayed") == "true"


@dataclass(slots=True)
class Notes:
    """All attempts by transaction id, in order."""

    sent: dict[str, dict[str, Any]] = field(default_factory=dict)
    attempts: dict[str, list[Attempt]] = field(default_factory=dict)

    def every(self) -> Iterator[Attempt]:
        """Yield all attempts."""
        for attempts in list(self.attempts.values()):
            yield from attempts

    @property
    def unanswered(self) -> list[str]:
        """Ids that no attempt has decided."""
        return [each for each, attempts in self.attempts.items() if not any(a.status == 200 for a in attempts)]

    def answers(self) -> dict[str, bytes]:
        """Return the first decision of each id."""
        return {
            each: next(attempt.body for attempt in attempts if attempt.status == 200)
            for each, attempts in self.attempts.items()
            if any(attempt.status == 200 for attempt in attempts)
        }


def attempt(scorer: ScorerProcess, body: Mapping[str, Any], token: str, patience: float = ANSWER_SECONDS) -> Attempt:
    """Send one decision once."""
    connection = http.client.HTTPConnection("127.0.0.1", scorer.port, timeout=patience)
    headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
    began = time.monotonic()
    try:
        connection.request("POST", "/v1/decisions", json.dumps(body), headers)
        answer = connection.getresponse()
        said = {name.lower(): value for name, value in answer.getheaders()}
        return Attempt(began, time.monotonic(), answer.status, answer.read(), said)
    except (OSError, http.client.HTTPException):
        return Attempt(began, time.monotonic(), REFUSED, b"", {})
    finally:
        connection.close()


class Load:
    """A steady load by some clients; `make` returns the body of each number, and each number is sent once."""

    def __init__(
        self, scorer: ScorerProcess, make: Callable[[int], dict[str, Any]], *, rate: float, clients: int = 8,
        first: int = 0,
    ) -> None:  # fmt: skip
        self.notes = Notes()
        self._scorer, self._make, self._pause = scorer, make, clients / rate
        self._token = scorer.token()
        self._stop = threading.Event()
        self._threads = [
            threading.Thread(target=self._send_all, args=(first + place, clients), name=f"client-{place}")
            for place in range(clients)
        ]

    def __enter__(self) -> Self:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        for thread in self._threads:
            thread.join()

    def _send_all(self, number: int, step: int) -> None:
        due = time.monotonic()
        while not self._stop.is_set():
            self._send(self._make(number))
            number += step
            # A client that was held up does not catch up: the load stays steady.
            due = max(due + self._pause, time.monotonic() - self._pause)
            self._stop.wait(max(0.0, due - time.monotonic()))

    def _send(self, body: dict[str, Any]) -> None:
        """Send a decision until it is answered, for at most `PATIENCE_SECONDS`."""
        key = str(body["transaction_id"])
        self.notes.sent[key] = body
        attempts = self.notes.attempts.setdefault(key, [])
        give_up = time.monotonic() + PATIENCE_SECONDS
        while time.monotonic() < give_up:
            attempts.append(attempt(self._scorer, body, self._token))
            if attempts[-1].status == 200:
                return
            time.sleep(PAUSE_SECONDS)


def share_of_errors(notes: Notes, began: float, ended: float) -> float:
    """Return the share of attempts that began in a span and were not answered with a decision."""
    inside = [attempt for attempt in notes.every() if began <= attempt.began <= ended]
    return sum(attempt.status != 200 for attempt in inside) / len(inside) if inside else 0.0


def percentile(seconds: list[float], share: float) -> float:
    """Return the smallest value that at least `share` of the values do not exceed.

    >>> percentile([0.1, 0.4, 0.2, 0.3], 0.5), percentile([0.1, 0.4, 0.2, 0.3], 0.99)
    (0.2, 0.4)
    """
    ordered = sorted(seconds)
    return ordered[max(0, -(-len(ordered) * round(share * 1_000) // 1_000) - 1)]
