"""Decisions as they are stored: a stub, which lasts, and an entry, which lasts until it is shipped.

The stub has all that the answer says, so a repeat gets the same answer for as long as there is a stub. It has at most
90 bytes, and the client's metadata if there is any. If a policy's rules had a say, there are two bytes more, and one
for each rule that was hit. The release, the threshold and the like are the same for many decisions; they are stored
once, as a context.
"""

import hashlib
import struct
from functools import lru_cache
from typing import Final

import msgspec

from antifraud.policy.ruling import pack_ruling, unpack_ruling
from serving.store.keys import key_of
from serving.store.records import Context, Decision, Entry, Place

_FIELDS: Final = struct.Struct("<IBIqiI16s16s")
"""Context, marks, score, event time, seconds from event to decision, amount, hash of the payload, key of the place."""
COUNTED, COMPLETE, RULED = 1, 2, 8
"""Marks of a stub; an earlier version has left another one, 4, in some."""
NO_SCORE: Final = (1 << 32) - 1
"""Stands for the score of a decision that the rules have made alone."""
METADATA_FOLLOWS: Final = b"\0"
"""Between the token of the terminal and the metadata: JSON writes this character otherwise."""
DIGEST_BYTES: Final = 16
_ID_BYTES: Final = 10

pack_context = msgspec.msgpack.Encoder().encode
unpack_context = msgspec.msgpack.Decoder(Context).decode
pack_entry = msgspec.msgpack.Encoder().encode
unpack_entry = msgspec.msgpack.Decoder(Entry).decode


@lru_cache(64)
def key_of_place(place: Place) -> bytes:
    """Return the key of a transaction: a hash, so that long ids cost no more than short ones.

    >>> key_of_place(Place("", "17")) != key_of_place(Place("till", "17"))
    True
    """
    # An id has no slash, so no two places have the same text.
    return hashlib.blake2b(f"{place.namespace}/{place.transaction_id}".encode(), digest_size=DIGEST_BYTES).digest()


def decision_id_of(identity: str, place_key: bytes, arrival: int) -> str:
    """Return the id of a decision: 20 hexadecimal digits, unlike those of any other decision of any store."""
    text = identity.encode() + place_key + key_of(arrival)
    return hashlib.blake2b(text, digest_size=_ID_BYTES).hexdigest()


def encode_stub(decision: Decision, context: int, place_key: bytes) -> bytes:
    """Pack a decision, without its arrival number, which is its key."""
    ruling = decision.ruling
    marks = COUNTED * decision.counted | COMPLETE * decision.history_complete | RULED * (ruling is not None)
    score = NO_SCORE if decision.score is None else decision.score
    offset = decision.decided_at - decision.event_time
    fields = context, marks, score, decision.event_time, offset, decision.amount, decision.payload, place_key
    ruled = pack_ruling(ruling) if ruling else b""
    stub = _FIELDS.pack(*fields) + ruled + decision.terminal.encode()
    return stub + METADATA_FOLLOWS + decision.metadata if decision.metadata else stub


def decode_stub(stub: bytes, arrival: int, context: Context) -> Decision:
    """Unpack what `encode_stub` packed."""
    _, marks, score, event_time, offset, amount, payload, _ = _FIELDS.unpack_from(stub)
    rest = stub[_FIELDS.size :]
    ruling, end = unpack_ruling(rest) if marks & RULED else (None, 0)
    terminal, _, metadata = rest[end:].partition(METADATA_FOLLOWS)
    return Decision(
        context=context,
        score=None if score == NO_SCORE else score,
        event_time=event_time,
        decided_at=event_time + offset,
        terminal=terminal.decode(),
        amount=amount,
        payload=payload,
        counted=bool(marks & COUNTED),
        history_complete=bool(marks & COMPLETE),
        arrival=arrival,
        metadata=metadata,
        ruling=ruling,
    )


def context_number_of(stub: bytes) -> int:
    """Return the number of a stub's context."""
    return int(_FIELDS.unpack_from(stub)[0])


def place_key_of(stub: bytes) -> bytes:
    """Return the key of a stub's place."""
    return bytes(stub[_FIELDS.size - DIGEST_BYTES : _FIELDS.size])


def event_time_of(stub: bytes) -> int:
    """Return the event time of a stub's decision."""
    return int(_FIELDS.unpack_from(stub)[3])


def decided_at_of(stub: bytes) -> int:
    """Return the business time of a stub's decision."""
    _, _, _, event_time, offset, *_ = _FIELDS.unpack_from(stub)
    return int(event_time + offset)
