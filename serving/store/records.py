"""The msgspec structs of API and decision store: requests, answers, and their records.

Requests are decoded strictly: an unknown field, a bool for an integer or a float for an amount is refused.
"""

from typing import Annotated, Any, Final, Literal, NamedTuple

import msgspec
from msgspec import Meta, Struct

from antifraud.keys.pseudonym import TOKEN_PATTERN
from antifraud.killswitch.machine import Mode
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

    `decision_id` names this decision among those of all stores; `arrival` is its place in the order of all decisions of
    the store. `counted` is false if the state already covers the event's day. `reasons` then holds
    ``day_covered_by_state``. It holds ``history_incomplete`` if features are null because the history of the event's
    own time is not known.
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
    decision_id: str
    arrival: int


class Place(NamedTuple):
    """The place of a transaction: its id, in the namespace of the client's access entry."""

    namespace: str
    transaction_id: str


class Context(Struct, frozen=True, array_like=True):
    """Common to many decisions: release, threshold (ppm), mode and epoch of the switch, cut-off (a day number)."""

    release: str
    threshold: int
    mode: str
    epoch: int
    cutoff: int


class Decision(Struct, frozen=True):
    """A decision. `event_time` and `decided_at` are in UTC seconds, `amount` in minor units, `payload` is a hash.

    `history_complete` is false if features are null because the history of the event's own time was not known.
    `arrival` is 0 until the decision is stored.
    """

    context: Context
    score: int
    event_time: int
    decided_at: int
    terminal: str
    amount: int
    payload: bytes
    counted: bool
    history_complete: bool
    arrival: int = 0

    @property
    def above_threshold(self) -> bool:
        """Whether the score is above the threshold, also where nothing is flagged."""
        return self.score > self.context.threshold

    @property
    def flagged(self) -> bool:
        """Whether the client was told so."""
        return self.above_threshold and self.context.mode != Mode.OBSERVE


class Entry(Struct, frozen=True, array_like=True):
    """The part of a decision that is kept until it is shipped; `vector` is the features as little-endian doubles."""

    namespace: str
    transaction_id: str
    customer: str
    vector: bytes


class NewDecision(NamedTuple):
    """A decision to be stored; the live records are those after it, or None if it is not counted."""

    decision: Decision
    entry: Entry
    live_customer: bytes | None
    live_terminal: bytes | None


class LabelIn(Struct, frozen=True, forbid_unknown_fields=True):
    """A client's label of a transaction; `learned_at` is in UTC seconds."""

    transaction_id: TransactionId
    status: LabelStatus
    learned_at: Time


class LabelsRequest(Struct, frozen=True, forbid_unknown_fields=True):
    """Up to a thousand labels."""

    labels: Annotated[list[LabelIn], Meta(min_length=1, max_length=MAX_LABELS)]


class Label(Struct, frozen=True, array_like=True):
    """A label as it is stored; `source` is the client's name, `arrival` the number of the decision."""

    arrival: int
    namespace: str
    transaction_id: str
    status: LabelStatus
    learned_at: int
    source: str


class Delivery(Struct, frozen=True):
    """A notification on its way to one subscriber; `switch` is the switch after the change, as JSON.

    Times are wall time in seconds: retries go on in a replay of past days as they do today. `reason` says why the last
    attempt failed.
    """

    subscriber: str
    notification: str
    switch: bytes
    queued_at: float
    due: float
    attempts: int = 0
    reason: str = ""


class SwitchRequest(Struct, frozen=True, forbid_unknown_fields=True):
    """A requested change of the switch; `expected_epoch` is the epoch that the client has read."""

    action: Literal["suspend", "resume"]
    reason: Annotated[str, Meta(min_length=1, max_length=MAX_REASON)]
    expected_epoch: Annotated[int, Meta(ge=0, le=MAX_ID)]


pack = msgspec.msgpack.Encoder().encode
unpack_delivery = msgspec.msgpack.Decoder(Delivery).decode
unpack_label = msgspec.msgpack.Decoder(Label).decode
unpack_labels = msgspec.msgpack.Decoder(list[Label]).decode
unpack_changes = msgspec.msgpack.Decoder(list[tuple[int, int, int, int]]).decode
