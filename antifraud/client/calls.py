"""The calls of the SDK as values: what is sent, and what an answer means. Nothing here knows a network.

Both clients send the same calls: `antifraud/client/scorer.py` waits for answers, `antifraud/client/async_scorer.py`
awaits them.
"""

import secrets
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Generic, Literal, TypeVar

import msgspec
from msgspec import UNSET

from antifraud.api.decisions import Answer, DecisionRequest
from antifraud.api.fields import Metadata, TransactionId, decode_transaction_id, encode_transaction_id
from antifraud.api.labels import CERTAIN, LabelIn, LabelsAnswer, LabelsRequest
from antifraud.api.operations import JSON
from antifraud.api.service import SwitchRequest
from antifraud.client.answers import Reply, decode_answer, require_success
from antifraud.errors import ClientError, Refused, SchemaError
from antifraud.keys.pseudonym import Key, tokenise
from antifraud.transaction_id import EXPECTED as EXPECTED_ID

DECIDE_SECONDS: Final = 2.0
"""Deadline of a decision: a payment waits for it."""
SECONDS: Final = 10.0
"""Deadline of the other calls: a thousand labels take longer than a decision."""
ID_BYTES: Final = 8
T = TypeVar("T")
AnyAnswer = dict[str, Any]


class Decision(Answer, frozen=True, kw_only=True):
    """The scorer's answer.

    `transaction_id` is text, also if an integer was sent. `score` and `threshold` are in ppm; `replayed` means that the
    id had been decided before. `decision` is ``review`` only if the active policy says so. While the service is
    suspended, a policy may decide alone: `source` is then ``rules``, and there is no score. `reasons` holds
    ``history_incomplete`` if the event came so late that some of its features are not known. `decision_id` is unique
    over all scorers, and `arrival` is the place of the decision among those of its scorer. Earlier scorers do not tell
    them, nor source, policy and propensity. `metadata` are those of the first request with this id.
    """

    source: Literal["model", "rules"] = "model"
    policy: int | None = None
    propensity: float = 1.0
    decision_id: str = ""
    arrival: int = 0
    metadata: Metadata = msgspec.field(default_factory=dict)
    replayed: bool = False


@dataclass(frozen=True, slots=True)
class Label:
    """The outcome of a transaction; `learned_at` is when the client learnt it, in UTC seconds.

    `propensity` is the probability that the transaction got a label: 1, or less for labels of a random sample.
    """

    transaction_id: int | str
    status: Literal["fraud", "legitimate", "unknown"]
    learned_at: int
    propensity: float = CERTAIN


@dataclass(frozen=True, slots=True)
class Call(Generic[T]):
    """One call: a request that can be repeated, its deadline in seconds, and how to read its answer."""

    method: str
    path: str
    body: bytes | None
    seconds: float
    decode: Callable[[Reply], T]
    request_id: str = field(default_factory=lambda: secrets.token_hex(ID_BYTES))
    """Sent as ``X-Request-Id`` with every attempt, so that the scorer's log shows them together."""

    @property
    def headers(self) -> dict[str, str]:
        """Headers of the request, without the token."""
        # A compressed answer could be larger than it looks.
        headers = {"Accept-Encoding": "identity", "X-Request-Id": self.request_id}
        return headers if self.body is None else {**headers, "Content-Type": JSON}

    def read(self, reply: Reply) -> T:
        """Return what a reply means.

        Raises:
            Suspended, Refused, BadAnswer: It is final.
            Unreachable: The same request can be sent again.
        """
        require_success(reply)
        return self.decode(reply)


def decide_call(
    key: Key | None,
    transaction_id: int | str,
    event_time: int,
    customer_id: int | str,
    terminal_id: int | str,
    amount_minor: int,
    metadata: Mapping[str, str] | None,
    seconds: float,
) -> Call[Decision]:
    """Return the call that asks for a decision.

    Raises:
        ClientError: There is no key, or an id is none.
    """
    request = decision_request(key, transaction_id, event_time, customer_id, terminal_id, amount_minor, metadata)
    return Call("POST", "/v1/decisions", encode(request), seconds, _decode_decision)


def decision_request(
    key: Key | None,
    transaction_id: int | str,
    event_time: int,
    customer_id: int | str,
    terminal_id: int | str,
    amount_minor: int,
    metadata: Mapping[str, str] | None,
) -> DecisionRequest:
    """Return the request for one decision, with tokens in place of identifiers.

    Raises:
        ClientError: There is no key, or an id is none.
    """
    if key is None:
        raise ClientError("this client has no key to make tokens with: give ScorerClient one")
    return DecisionRequest(
        transaction_id=spell_transaction_id(transaction_id),
        event_time=event_time,
        customer=_tokenise(key, "customer", customer_id),
        terminal=_tokenise(key, "terminal", terminal_id),
        amount=amount_minor,
        metadata=dict(metadata) if metadata else UNSET,
    )


def label_call(labels: Iterable[Label], seconds: float) -> Call[list[str]]:
    """Return the call that sends labels.

    Raises:
        ClientError: An id is none.
    """
    request = LabelsRequest(
        [
            LabelIn(spell_transaction_id(each.transaction_id), each.status, each.learned_at, each.propensity)
            for each in labels
        ]
    )
    return Call("POST", "/v1/labels", encode(request), seconds, _decode_unknown)


def status_call(seconds: float) -> Call[AnyAnswer]:
    """Return the call that asks what the service is doing."""
    return Call("GET", "/v1/status", None, seconds, _decode_any)


def switch_call(request: SwitchRequest, seconds: float) -> Call[AnyAnswer]:
    """Return the call that changes the switch."""
    return Call("POST", "/v1/switch", encode(request), seconds, _decode_any)


def _decode_decision(reply: Reply) -> Decision:
    decision = decode_answer(reply, Decision)
    replayed = reply.headers.get("Idempotent-Replayed") == "true"
    return msgspec.structs.replace(decision, replayed=replayed)


def _decode_unknown(reply: Reply) -> list[str]:
    answer = decode_answer(reply, LabelsAnswer)
    if answer.rejected:
        first, more = answer.rejected[0], len(answer.rejected) - 1
        others = f" (and {more} others)" if more else ""
        message = f"labels[{first.index}]{others} not stored, the rest was: {first.reason}"
        raise Refused(message, status=reply.status, kind="invalid")
    return answer.unknown_transactions


def _decode_any(reply: Reply) -> AnyAnswer:
    return decode_answer(reply, AnyAnswer)


def spell_transaction_id(transaction_id: int | str) -> TransactionId:
    """Return a transaction id as requests have it.

    Raises:
        ClientError: It is none.
    """
    try:
        return decode_transaction_id(TransactionId, transaction_id)
    except ValueError:
        raise ClientError(f"transaction_id is no id: expected an integer from 0 on, or {EXPECTED_ID}") from None


def _tokenise(key: Key, kind: Literal["customer", "terminal"], identifier: int | str) -> str:
    try:
        return tokenise(key, kind, identifier)
    except SchemaError as error:
        raise ClientError(str(error)) from None


def encode(request: msgspec.Struct) -> bytes:
    """Return a request as JSON.

    Raises:
        ClientError: It holds something else than whole numbers and texts.
    """
    try:
        return msgspec.json.encode(request, enc_hook=encode_transaction_id)
    except (TypeError, ValueError, OverflowError) as error:
        # Without the cause: its message may quote a value.
        raise ClientError(
            f"the request is no JSON ({type(error).__name__}): expected whole numbers and texts"
        ) from None
