"""What the decision store and the API hold, as msgspec structs: the request, the answer, records of both, labels.

Requests are decoded strictly: an unknown field, a bool for an integer or a float for an amount is refused.
"""

from typing import Annotated, Final, Literal

import msgspec
from msgspec import Meta, Struct

from antifraud.keys.pseudonym import TOKEN_PATTERN

MAX_ID: Final = (1 << 63) - 1
MAX_TIME: Final = 1 << 40
MAX_AMOUNT: Final = 10**9
MAX_LABELS: Final = 1_000
MAX_REASON: Final = 500

TransactionId = Annotated[int, Meta(ge=0, le=MAX_ID)]
Time = Annotated[int, Meta(ge=0, le=MAX_TIME)]
Token = Annotated[str, Meta(pattern=rf"\A{TOKEN_PATTERN}\Z", max_length=40)]
LabelStatus = Literal["fraud", "legitimate", "unknown"]


class DecisionRequest(Struct, frozen=True, forbid_unknown_fields=True):
    """One transaction. `event_time` is UTC seconds, `amount` minor units, the parties are tokens."""

    transaction_id: TransactionId
    event_time: Time
    customer: Token
    terminal: Token
    amount: Annotated[int, Meta(ge=1, le=MAX_AMOUNT)]


class Answer(Struct, frozen=True):
    """What a client is told. `counted` is false where the state already covers the event's day."""

    transaction_id: int
    decision: Literal["approve", "flag"]
    score: int
    threshold: int
    release: str
    mode: str
    state_cutoff: str
    counted: bool
    reasons: list[str]


class Decision(Struct, frozen=True, array_like=True):
    """A decision as stored: the answer's bytes for repeats, and what labels, evidence and replay need.

    `vector` is the features as little-endian doubles, `epoch` the switch's when it was made.
    """

    payload: bytes
    answer: bytes
    release: str
    epoch: int
    flagged: bool
    event_time: int
    customer: str
    terminal: str
    amount: int
    vector: bytes


class LabelIn(Struct, frozen=True, forbid_unknown_fields=True):
    """What a client learnt about a transaction, and when (UTC seconds)."""

    transaction_id: TransactionId
    status: LabelStatus
    learned_at: Time


class LabelsRequest(Struct, frozen=True, forbid_unknown_fields=True):
    """Up to a thousand labels."""

    labels: Annotated[list[LabelIn], Meta(min_length=1, max_length=MAX_LABELS)]


class Label(Struct, frozen=True, array_like=True):
    """A label as stored, in the order of arrival."""

    transaction_id: int
    status: LabelStatus
    learned_at: int
    source: str


class SwitchRequest(Struct, frozen=True, forbid_unknown_fields=True):
    """A change of the switch by somebody who has read `expected_epoch`."""

    action: Literal["suspend", "resume"]
    reason: Annotated[str, Meta(min_length=1, max_length=MAX_REASON)]
    expected_epoch: Annotated[int, Meta(ge=0, le=MAX_ID)]


pack = msgspec.msgpack.Encoder().encode
unpack_decision = msgspec.msgpack.Decoder(Decision).decode
unpack_label = msgspec.msgpack.Decoder(Label).decode
