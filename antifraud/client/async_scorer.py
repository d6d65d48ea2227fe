"""The client of the scorer for asyncio: the calls of `ScorerClient`, with the same rules."""

import asyncio
from collections.abc import Iterable, Mapping
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self, TypeVar

from msgspec import UNSET

from antifraud.api.outcomes import OutcomesAnswer
from antifraud.api.service import SwitchRequest
from antifraud.client.address import connection_options
from antifraud.client.answers import MOST_BYTES, Reply
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


class AsyncScorerClient:
    """A connection to one scorer, for the tasks of one event loop. Close it, or use it in an ``async with``."""

    def __init__(
        self, url: str, token: str, key: Key | None = None, transport: "httpx.AsyncBaseTransport | None" = None
    ) -> None:
        """Connect as `ScorerClient` does."""
        import httpx

        options = connection_options(url, token)
        self._http = httpx.AsyncClient(**options, verify=httpx.create_ssl_context(), transport=transport)
        self._key = key

    def __repr__(self) -> str:
        return f"AsyncScorerClient({str(self._http.base_url)!r})"

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None
    ) -> None:
        await self.aclose()

    async def aclose(self) -> None:
        """Close the connections."""
        await self._http.aclose()

    async def decide(
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
        """Ask for a decision; see `ScorerClient.decide`."""
        return await self._run(
            decide_call(
                self._key, transaction_id, event_time, customer_id, terminal_id, amount_minor, metadata, seconds
            )
        )

    async def decide_all(
        self, payments: Iterable[Payment], *, seconds: float = BATCH_SECONDS
    ) -> list[Decision | ClientError]:
        """Ask for up to 1,000 decisions; see `ScorerClient.decide_all`."""
        return await self._run(batch_call(self._key, payments, seconds))

    async def tell_outcomes(self, outcomes: Iterable[Outcome], *, seconds: float = SECONDS) -> OutcomesAnswer:
        """Tell up to 1,000 outcomes; see `ScorerClient.tell_outcomes`."""
        return await self._run(outcome_call(outcomes, seconds))

    async def label(self, labels: Iterable[Label], *, seconds: float = SECONDS) -> list[str]:
        """Send up to 1,000 labels; see `ScorerClient.label`."""
        return await self._run(label_call(labels, seconds))

    async def status(self, *, seconds: float = SECONDS) -> dict[str, Any]:
        """Return what the service is doing; see `ScorerClient.status`."""
        return await self._run(status_call(seconds))

    async def suspend(
        self, reason: str, expected_epoch: int, *, drill: bool = False, seconds: float = SECONDS
    ) -> dict[str, Any]:
        """Suspend the service and return the switch; see `ScorerClient.suspend`."""
        return await self._run(switch_call(SwitchRequest("suspend", reason, expected_epoch, drill=drill), seconds))

    async def resume(
        self,
        reason: str,
        expected_epoch: int,
        *,
        report: str | None = None,
        force: bool = False,
        seconds: float = SECONDS,
    ) -> dict[str, Any]:
        """Resume the service and return the switch; see `ScorerClient.resume`."""
        request = SwitchRequest("resume", reason, expected_epoch, report=report or UNSET, force=force)
        return await self._run(switch_call(request, seconds))

    async def observe(self, reason: str, expected_epoch: int, *, seconds: float = SECONDS) -> dict[str, Any]:
        """Let the service observe and return the switch; see `ScorerClient.observe`."""
        return await self._run(switch_call(SwitchRequest("observe", reason, expected_epoch), seconds))

    async def roll_back(
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
        """Serve an earlier release and return the switch; see `ScorerClient.roll_back`."""
        request = SwitchRequest(
            "roll_back", reason, expected_epoch, release=release, report=report or UNSET, drill=drill, force=force
        )
        return await self._run(switch_call(request, seconds))

    async def _run(self, call: Call[T]) -> T:
        attempts = Attempts(call.seconds)
        while True:
            try:
                return call.read(await self._send(call, attempts.limit()))
            except Unreachable as error:
                pause = attempts.pause_after(error)
            await asyncio.sleep(pause)

    async def _send(self, call: Call[T], limit: float) -> Reply:
        import httpx

        try:
            # The limit of httpx is one of each read; this one ends everything, also the look-up of a name.
            async with asyncio.timeout(limit):
                return await self._exchange(call, limit)
        except (httpx.HTTPError, TimeoutError) as error:
            # Only the type is named: httpx repeats the address in its message, and an address can hold a password.
            raise Unreachable(f"the scorer did not answer ({type(error).__name__})") from None

    async def _exchange(self, call: Call[T], limit: float) -> Reply:
        content = bytearray()
        async with self._http.stream(
            call.method, call.path, content=call.body, headers=call.headers, timeout=limit
        ) as answer:
            # Nothing is unpacked: a few bytes can become gigabytes.
            if "Content-Encoding" in answer.headers:
                return Reply(answer.status_code, answer.headers, b"")
            async for piece in answer.aiter_bytes():
                content += piece
                if len(content) > MOST_BYTES:
                    break
        return Reply(answer.status_code, answer.headers, bytes(content))
