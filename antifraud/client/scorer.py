"""The client of the scorer: turn raw identifiers into tokens, send requests, retry safely.

    client = ScorerClient("https://scorer", token, load_active_key(path))
    decision = client.decide(transaction_id, event_time, customer_id, terminal_id, amount_minor)

A raw identifier never leaves `decide`: requests, log lines and errors hold tokens at most. httpx is imported where it
is called, so that the core does not need it.
"""

import time
from collections.abc import Iterable, Mapping
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self, TypeVar

from msgspec import UNSET

from antifraud.api.outcomes import OutcomesAnswer
from antifraud.api.service import SwitchRequest
from antifraud.client.address import connection_options
from antifraud.client.answers import Reply
from antifraud.client.attempts import Attempts
from antifraud.client.calls import (
    DECIDE_SECONDS,
    SECONDS,
    Call,
    Decision,
    Label,
    decide_call,
    label_call,
    status_call,
    switch_call,
)
from antifraud.client.payments import BATCH_SECONDS, Outcome, Payment, batch_call, outcome_call
from antifraud.errors import ClientError, Unreachable
from antifraud.keys.pseudonym import Key

if TYPE_CHECKING:
    import httpx

T = TypeVar("T")


class ScorerClient:
    """A connection to one scorer, for any number of threads. Close it, or use it in a ``with``.

    Every call ends within its `seconds`, attempts and pauses included. Connection errors and answers with 408, 425, 429
    or 5xx are retried until then: the scorer decides an id once, and a change of the switch names its epoch.
    """

    def __init__(
        self, url: str, token: str, key: Key | None = None, transport: "httpx.BaseTransport | None" = None
    ) -> None:
        """Connect with the bearer token `token`; `key` turns identifiers into tokens, and only `decide` needs it.

        Another `transport` has to keep time limits of its own.

        Raises:
            ClientError: The URL or the token can never work.
        """
        import httpx

        from antifraud.client.deadline import DeadlineTransport

        options = connection_options(url, token)
        self._http = httpx.Client(**options, transport=transport or DeadlineTransport())
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
        self,
        transaction_id: int | str,
        event_time: int,
        customer_id: int | str,
        terminal_id: int | str,
        amount_minor: int,
        *,
        metadata: Mapping[str, str] | None = None,
        seconds: float = DECIDE_SECONDS,
    ) -> Decision:
        """Ask for a decision. Retries are safe: the scorer decides an id once.

        A transaction id is 1 to 64 letters, digits, dots, underscores, colons and hyphens; an integer stands for its
        decimal text. If your ids restart every day, send ``<day>:<id>``, which `antifraud.transaction_id.scoped_id`
        makes. A customer or a terminal is an integer or its digits. `metadata` are at most 20 short texts, which come
        back with the decision; the first request with an id sets them.

        Raises:
            Suspended: The service is suspended: decide without it.
            Unreachable: The scorer did not answer in time.
            Refused: The scorer refuses this request.
            BadAnswer: Something else than the scorer has answered.
            ClientError: This client has no key, or an id is none.
        """
        return self._run(
            decide_call(
                self._key, transaction_id, event_time, customer_id, terminal_id, amount_minor, metadata, seconds
            )
        )

    def decide_all(
        self, payments: Iterable[Payment], *, seconds: float = BATCH_SECONDS
    ) -> list[Decision | ClientError]:
        """Ask for up to 1,000 decisions in one request; return a decision or an error for each payment, in their order.

        Errors of single payments are returned, not raised: `Refused` says that one is wrong, and `Unreachable` or
        `Suspended` that it can be sent again. Retries are safe, also of the whole batch.

        Raises:
            Suspended, Unreachable, Refused, BadAnswer, ClientError: As `decide`, for the whole batch.
        """
        return self._run(batch_call(self._key, payments, seconds))

    def tell_outcomes(self, outcomes: Iterable[Outcome], *, seconds: float = SECONDS) -> OutcomesAnswer:
        """Tell the outcomes of up to 1,000 payments; return the counts, and the ids that the scorer never decided.

        A declined payment counts no more in the features of later events, if this is told before its day is closed.
        Retries are safe: an outcome that arrives twice counts once.

        Raises:
            Refused: An outcome is impossible; the others are stored. The message names the first such outcome.
            Unreachable, BadAnswer, ClientError: As `decide`. A suspended service takes outcomes all the same.
        """
        return self._run(outcome_call(outcomes, seconds))

    def label(self, labels: Iterable[Label], *, seconds: float = SECONDS) -> list[str]:
        """Send up to 1,000 labels; return the ids that the scorer never decided.

        A label counts for later events at its terminal, from the hour after `learned_at` on, until the feed tells it.
        Retries are safe: a label that arrives twice counts once.

        Raises:
            Refused: A label is impossible; the others are stored. The message names the first such label.
            Unreachable, BadAnswer, ClientError: As `decide`. A suspended service accepts labels all the same.
        """
        return self._run(label_call(labels, seconds))

    def status(self, *, seconds: float = SECONDS) -> dict[str, Any]:
        """Return what the service is doing: switch, release, threshold, cut-off, counts, workers, evidence.

        Raises:
            Unreachable, Refused, BadAnswer: As `decide`.
        """
        return self._run(status_call(seconds))

    def suspend(
        self, reason: str, expected_epoch: int, *, drill: bool = False, seconds: float = SECONDS
    ) -> dict[str, Any]:
        """Suspend the service and return the switch; `expected_epoch` is the switch's epoch in `status`.

        `drill` marks the suspension as an exercise.

        Raises:
            Refused: The switch has changed since then, or cannot be suspended; read `status` again.
        """
        return self._run(switch_call(SwitchRequest("suspend", reason, expected_epoch, drill=drill), seconds))

    def resume(
        self,
        reason: str,
        expected_epoch: int,
        *,
        report: str | None = None,
        force: bool = False,
        seconds: float = SECONDS,
    ) -> dict[str, Any]:
        """Resume the service with the release that the pointer names, and return the switch; see `suspend`.

        A release that has tripped needs the SHA-256 of a `report` by which it passes today. Once in 30 days an admin
        may resume it without one; afterwards only by `force`.
        """
        request = SwitchRequest("resume", reason, expected_epoch, report=report or UNSET, force=force)
        return self._run(switch_call(request, seconds))

    def observe(self, reason: str, expected_epoch: int, *, seconds: float = SECONDS) -> dict[str, Any]:
        """Let the service score and log without flagging, and return the switch; see `suspend`."""
        return self._run(switch_call(SwitchRequest("observe", reason, expected_epoch), seconds))

    def roll_back(
        self,
        release: str,
        reason: str,
        expected_epoch: int,
        *,
        report: str | None = None,
        drill: bool = False,
        force: bool = False,
        seconds: float = SECONDS,
    ) -> dict[str, Any]:
        """Serve an earlier release and return the switch; see `suspend` and `resume`.

        Raises:
            Refused: The release cannot be loaded, or the switch cannot be changed.
        """
        request = SwitchRequest(
            "roll_back", reason, expected_epoch, release=release, report=report or UNSET, drill=drill, force=force
        )
        return self._run(switch_call(request, seconds))

    def _run(self, call: Call[T]) -> T:
        attempts = Attempts(call.seconds)
        while True:
            try:
                return call.read(self._send(call, attempts.limit()))
            except Unreachable as error:
                time.sleep(attempts.pause_after(error))

    def _send(self, call: Call[T], limit: float) -> Reply:
        import httpx

        try:
            answer = self._http.request(call.method, call.path, content=call.body, headers=call.headers, timeout=limit)
        except httpx.HTTPError as error:
            # Only the type is named: httpx repeats the address in its message, and an address can hold a password.
            raise Unreachable(f"the scorer did not answer ({type(error).__name__})") from None
        return Reply(answer.status_code, answer.headers, answer.content)
