"""The calls of the SDK for many payments: a batch of decisions, and outcomes."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Final

import msgspec

from antifraud.api.batches import BatchRequest
from antifraud.api.fields import OutcomeKind
from antifraud.api.outcomes import OutcomeIn, OutcomesAnswer, OutcomesRequest
from antifraud.api.problems import TYPE_PREFIX
from antifraud.client.answers import Document, Reply, decode_answer, error_of
from antifraud.client.calls import Call, Decision, decision_request, encode, spell_transaction_id
from antifraud.errors import BadAnswer, ClientError, Refused
from antifraud.keys.pseudonym import Key

BATCH_SECONDS: Final = 40.0
"""Deadline of a batch: the scorer works for ten seconds at most, and an attempt takes half of what is left."""


@dataclass(frozen=True, slots=True)
class Payment:
    """A transaction to be decided, with the arguments of `ScorerClient.decide`."""

    transaction_id: int | str
    event_time: int
    customer_id: int | str
    terminal_id: int | str
    amount_minor: int
    metadata: Mapping[str, str] | None = None


@dataclass(frozen=True, slots=True)
class Outcome:
    """The outcome of a payment; `happened_at` is when it happened, in UTC seconds."""

    transaction_id: int | str
    outcome: OutcomeKind
    happened_at: int


class _Item(msgspec.Struct):
    """The result of one payment as it is read: an `antifraud.api.batches.BatchItem`."""

    index: int
    status: int
    decision: Decision | None = None
    problem: Document | None = None
    replayed: bool = False


class _Results(msgspec.Struct):
    """The results of a batch as they are read."""

    results: list[_Item]


def batch_call(key: Key | None, payments: Iterable[Payment], seconds: float) -> Call[list[Decision | ClientError]]:
    """Return the call that asks for many decisions.

    Raises:
        ClientError: There is no key, or an id is none.
    """
    requests = [
        decision_request(
            key, each.transaction_id, each.event_time, each.customer_id, each.terminal_id, each.amount_minor,
            each.metadata,
        )
        for each in payments
    ]  # fmt: skip
    decode = partial(_decode_batch, len(requests))
    return Call("POST", "/v1/decisions/batch", encode(BatchRequest(requests)), seconds, decode)


def outcome_call(outcomes: Iterable[Outcome], seconds: float) -> Call[OutcomesAnswer]:
    """Return the call that tells outcomes.

    Raises:
        ClientError: An id is none.
    """
    told = [OutcomeIn(spell_transaction_id(each.transaction_id), each.outcome, each.happened_at) for each in outcomes]
    return Call("POST", "/v1/outcomes", encode(OutcomesRequest(told)), seconds, _decode_outcomes)


def _decode_batch(count: int, reply: Reply) -> list[Decision | ClientError]:
    results = decode_answer(reply, _Results).results
    if [item.index for item in results] != list(range(count)):
        raise BadAnswer(f"the answer to a batch of {count} has other results: send it again", status=reply.status)
    return [_read_item(item) for item in results]


def _read_item(item: _Item) -> Decision | ClientError:
    if item.decision is not None:
        return msgspec.structs.replace(item.decision, replayed=item.replayed)
    problem = item.problem or Document("", "no problem document")
    return error_of(item.status, problem.type.removeprefix(TYPE_PREFIX), problem.detail)


def _decode_outcomes(reply: Reply) -> OutcomesAnswer:
    answer = decode_answer(reply, OutcomesAnswer)
    if answer.rejected:
        first, more = answer.rejected[0], len(answer.rejected) - 1
        others = f" (and {more} others)" if more else ""
        message = f"outcomes[{first.index}]{others} not stored, the rest was: {first.reason}"
        raise Refused(message, status=reply.status, kind=first.fault)
    return answer
