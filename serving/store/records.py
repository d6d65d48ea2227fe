"""The msgspec structs of API and decision store: requests, answers, and their records.

Requests are decoded strictly: an unknown field, a bool for an integer or a float for an amount is refused.
"""

from typing import Annotated, Any, Final, Literal

import msgspec
from msgspec import Meta, Struct

from antifraud.keys.pseudonym import TOKEN_PATTERN
from antifraud.transaction_id import is_transaction_id

MAX_ID: Final = (1 << 63) - 1
MAX_TIME: Final = 1 << 40
MAX_AMOUNT: Final = 10**9
MAX_LABELS: Final = 1_000
MAX_REASON: Final = 500

Time = Annotated[int, Meta(ge=0, le=MAX_TIME)]
Token = Annotated[str, Meta(pattern=rf"\A{TOKEN_PATTERN}\Z", max_length=40)]
LabelStatus = Literal["fraud", "legitimate", "unknown"]


class TransactionId(str):
    """The id of a transaction in a request."""

    __slots__ = ()


def decode_transaction_id(_: type[TransactionId], value: Any) -> TransactionId:
    """Return a JSON value as an id; an integer stands for its decimal text.

    Raises:
        ValueError: The value is no id; msgspec adds the path of the field.
    """
    # In Python, true and false are integers, too.
    is_number = isinstance(value, int) and not isinstance(value, bool) and value >= 0
    if not (is_number or isinstance(value, str)) or not is_transaction_id(text := str(value)):
        raise ValueError("no transaction id")
    return TransactionId(text)


class DecisionRequest(Struct, frozen=True, forbid_unknown_fields=True):
    """One transaction. `event_time` is in UTC seconds, `amount` in minor units, and the parties are tokens."""

    transaction_id: TransactionId
    event_time: Time
    customer: Token
    terminal: Token
    amount: Annotated[int, Meta(ge=1, le=MAX_AMOUNT)]


class Answer(Struct, frozen=True):
    """The answer to a client. `transaction_id` is text, also if the request had an integer.

    `counted` is false if the state already covers the event's day. `reasons` then holds ``day_covered_by_state``. It
    holds ``history_incomplete`` if features are null because the history of the event's own time is not known.
    """

    transaction_id: str
    decision: Literal["approve", "flag"]
    score: int
    threshold: int
    release: str
    mode: str
    state_cutoff: str
    counted: bool
    reasons: list[str]


class Decision(Struct, frozen=True, array_like=True):
    """A decision as it is stored: the answer's bytes for repeated requests, and the inputs of evidence and replay.

    `vector` is the features as little-endian doubles, `epoch` the epoch of the switch at the time. `history_complete`
    is false if features are null because the history of the event's own time was not known.
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
    # Decisions of a store that an earlier version has filled have no such mark.
    history_complete: bool = True


class LabelIn(Struct, frozen=True, forbid_unknown_fields=True):
    """A client's label of a transaction; `learned_at` is in UTC seconds."""

    transaction_id: TransactionId
    status: LabelStatus
    learned_at: Time


class LabelsRequest(Struct, frozen=True, forbid_unknown_fields=True):
    """Up to a thousand labels."""

    labels: Annotated[list[LabelIn], Meta(min_length=1, max_length=MAX_LABELS)]


class Label(Struct, frozen=True, array_like=True):
    """A label as it is stored; `source` is the client's name."""

    transaction_id: str
    status: LabelStatus
    learned_at: int
    source: str


class SwitchRequest(Struct, frozen=True, forbid_unknown_fields=True):
    """A requested change of the switch; `expected_epoch` is the epoch that the client has read."""

    action: Literal["suspend", "resume"]
    reason: Annotated[str, Meta(min_length=1, max_length=MAX_REASON)]
    expected_epoch: Annotated[int, Meta(ge=0, le=MAX_ID)]


pack = msgspec.msgpack.Encoder().encode
unpack_decision = msgspec.msgpack.Decoder(Decision).decode
unpack_label = msgspec.msgpack.Decoder(Label).decode
unpack_labels = msgspec.msgpack.Decoder(list[Label]).decode
unpack_changes = msgspec.msgpack.Decoder(list[tuple[int, int, int, int]]).decode
