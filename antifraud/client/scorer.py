"""The client of the scorer: turn raw identifiers into tokens, send requests, retry safely.

    client = ScorerClient("https://scorer", token, load_active_key(path))
    decision = client.decide(transaction_id, event_time, customer_id, terminal_id, amount_minor)

A raw identifier never leaves `decide`: requests, log lines and errors hold tokens at most. httpx and tenacity are
imported where they are called, so that the core does not need them.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields
from types import TracebackType
from typing import TYPE_CHECKING, Any, Final, Literal, Self

from antifraud.errors import ClientError, Refused, Suspended, Unreachable
from antifraud.keys.pseudonym import Key, tokenise

if TYPE_CHECKING:
    import httpx
    from tenacity import RetryCallState

ATTEMPTS: Final = 5
FIRST_WAIT_SECONDS: Final = 0.2
LONGEST_WAIT_SECONDS: Final = 5.0
TIMEOUT_SECONDS: Final = 5.0
SUSPENDED: Final = "urn:antifraud:problem:suspended"
BAD_GATEWAY: Final = 502
UNAVAILABLE: Final = 503


@dataclass(frozen=True, slots=True)
class Decision:
    """The scorer's answer.

    `transaction_id` is text, also if an integer was sent. `score` and `threshold` are in ppm; `replayed` means that the
    id had been decided before. `reasons` holds ``history_incomplete`` if the event came so late that some of its
    features are not known. `decision_id` is unique over all scorers, and `arrival` is the place of the decision among
    those of its scorer.
    """

    transaction_id: str
    decision: Literal["approve", "flag"]
    score: int
    threshold: int
    release: str
    mode: str
    state_cutoff: str
    counted: bool
    reasons: tuple[str, ...]
    replayed: bool
    decision_id: str = ""
    arrival: int = 0


@dataclass(frozen=True, slots=True)
class Label:
    """The outcome of a transaction; `learned_at` is when the client learnt it, in UTC seconds."""

    transaction_id: int | str
    status: Literal["fraud", "legitimate", "unknown"]
    learned_at: int


class ScorerClient:
    """A connection to one scorer. Close it, or use it in a ``with``."""

    def __init__(
        self, url: str, token: str, key: Key | None = None, transport: "httpx.BaseTransport | None" = None
    ) -> None:
        """Connect with the bearer token `token`; `key` turns identifiers into tokens, and only `decide` needs it."""
        import httpx

        headers = {"Authorization": f"Bearer {token}"}
        self._http = httpx.Client(base_url=url, headers=headers, timeout=TIMEOUT_SECONDS, transport=transport)
        self._key = key

    def __repr__(self) -> str:
        return f"ScorerClient({str(self._http.base_url)!r})"

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()

    def close(self) -> None:
        """Close the connections."""
        self._http.close()

    def decide(
        self, transaction_id: int | str, event_time: int, customer_id: int, terminal_id: int, amount_minor: int
    ) -> Decision:
        """Ask for a decision. Retries are safe: the scorer decides an id once.

        An id is 1 to 64 letters, digits, dots, underscores, colons and hyphens; an integer stands for its decimal text.
        If your ids restart every day, send ``<day>:<id>``, which `antifraud.transaction_id.scoped_id` makes.

        Raises:
            Suspended: The service is suspended.
            Unreachable: The scorer did not answer after several attempts.
            Refused: The scorer refuses this request.
            ClientError: This client has no key.
        """
        if self._key is None:
            raise ClientError("this client has no key to make tokens with: give ScorerClient one")
        body = {
            "transaction_id": str(transaction_id),
            "event_time": event_time,
            "customer": tokenise(self._key, "customer", customer_id),
            "terminal": tokenise(self._key, "terminal", terminal_id),
            "amount": amount_minor,
        }
        answer = self._send("POST", "/v1/decisions", body)
        # Fields that this version does not know are ignored, so that a newer scorer can add some.
        known = {field.name for field in fields(Decision)}
        values = {name: value for name, value in answer.json().items() if name in known}
        replayed = answer.headers.get("Idempotent-Replayed") == "true"
        return Decision(**{**values, "reasons": tuple(values["reasons"]), "replayed": replayed})

    def label(self, labels: Iterable[Label]) -> list[str]:
        """Send up to 1,000 labels; return the ids that the scorer never decided.

        A label counts for later events at its terminal, from the hour after `learned_at` on, until the feed tells it.
        Retries are safe: a label that arrives twice counts once.

        Raises:
            Unreachable, Refused: As `decide`. A suspended service accepts labels all the same.
        """
        body = {
            "labels": [
                {"transaction_id": str(label.transaction_id), "status": label.status, "learned_at": label.learned_at}
                for label in labels
            ]
        }
        return list(self._send("POST", "/v1/labels", body).json()["unknown_transactions"])

    def status(self) -> dict[str, Any]:
        """Return what the service is doing: switch, release, threshold, cut-off, counts, workers, evidence.

        Raises:
            Unreachable, Refused: As `decide`.
        """
        return dict(self._send("GET", "/v1/status").json())

    def suspend(self, reason: str, expected_epoch: int) -> dict[str, Any]:
        """Suspend the service and return the switch; `expected_epoch` is the switch's epoch in `status`.

        Raises:
            Refused: The switch has changed since then, or cannot be suspended; read `status` again.
        """
        return self._change_switch("suspend", reason, expected_epoch)

    def resume(self, reason: str, expected_epoch: int) -> dict[str, Any]:
        """Resume the service and return the switch; see `suspend`."""
        return self._change_switch("resume", reason, expected_epoch)

    def _change_switch(self, action: str, reason: str, expected_epoch: int) -> dict[str, Any]:
        body = {"action": action, "reason": reason, "expected_epoch": expected_epoch}
        return dict(self._send("POST", "/v1/switch", body).json())

    def _send(self, method: str, path: str, body: Mapping[str, Any] | None = None) -> "httpx.Response":
        """Send a request, and retry while the scorer cannot be reached or asks to wait."""
        # Every request can be repeated: the scorer decides an id once, and a change of the switch names its epoch.
        from tenacity import Retrying, retry_if_exception_type, stop_after_attempt

        retrying = Retrying(
            retry=retry_if_exception_type(Unreachable), stop=stop_after_attempt(ATTEMPTS), wait=_pause, reraise=True
        )
        return retrying(self._send_once, method, path, body)

    def _send_once(self, method: str, path: str, body: Mapping[str, Any] | None) -> "httpx.Response":
        import httpx

        try:
            answer = self._http.request(method, path, json=body)
        except httpx.TransportError as error:
            # Only the type is named: httpx repeats the address in its message, and an address can hold a password.
            raise Unreachable(f"the scorer did not answer ({type(error).__name__})") from None
        if not answer.is_success:
            raise _error_of(answer)
        return answer


def _error_of(answer: "httpx.Response") -> ClientError:
    """Return the error that an answer other than 2xx stands for."""
    try:
        problem = answer.json()
        kind, detail = str(problem["type"]), str(problem["detail"])
    except (ValueError, KeyError, TypeError):
        kind, detail = "", "no problem document"
    wait = answer.headers.get("Retry-After")
    retry_after = float(wait) if wait and wait.isdigit() else None
    if kind == SUSPENDED:
        return Suspended(retry_after or LONGEST_WAIT_SECONDS)
    # Without a Retry-After a 503 is no promise to recover, so it is not retried.
    if answer.status_code == BAD_GATEWAY or (answer.status_code == UNAVAILABLE and retry_after is not None):
        return Unreachable(f"the scorer answered {answer.status_code}: {detail}", retry_after)
    return Refused(answer.status_code, f"the scorer refused with {answer.status_code}: {detail}")


def _pause(state: "RetryCallState") -> float:
    """Return the seconds until the next attempt: as the scorer asked, else doubling; at most `LONGEST_WAIT_SECONDS`."""
    error = state.outcome.exception() if state.outcome else None
    wished = error.retry_after if isinstance(error, Unreachable) else None
    doubling = FIRST_WAIT_SECONDS * 2.0 ** (state.attempt_number - 1)
    return float(min(LONGEST_WAIT_SECONDS, doubling if wished is None else wished))
