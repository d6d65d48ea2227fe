"""Counted events of the days that are still open: amount and time of each, so that a declined payment can be taken out.

Count and sums of an hour can be subtracted. Its largest amount and its last time cannot: they are then made anew from
the hour's events. An event that was taken out stays here, because a later outcome can put it back.
"""

import struct
from collections.abc import Iterator
from functools import reduce
from typing import Final, NamedTuple

from antifraud.artifacts.state_export import decode_hours, encode_hours
from antifraud.clock import HOUR_SECONDS
from antifraud.features.buckets import EMPTY, Bucket, Buckets, bucket_of
from serving.store.records import Decision
from serving.store.view import View

EVENTS: Final = "events"
LIVE: Final = "live"
_HOUR: Final = struct.Struct(">I")
_PLACE: Final = struct.Struct(">HQ")
_VALUE: Final = struct.Struct(">?I")


class Event(NamedTuple):
    """An event of one entity. `customer` is the token of the event's customer in the record of its terminal."""

    key: bytes
    time: int
    amount: int
    counts: bool
    customer: str


def _key(token: str, time: int, arrival: int) -> bytes:
    hour, second = divmod(time, HOUR_SECONDS)
    return _HOUR.pack(hour) + token.encode() + _PLACE.pack(second, arrival)


def hour_of(key: bytes) -> int:
    """Return the hour of an event's key."""
    return int(_HOUR.unpack_from(key)[0])


def arrival_of(key: bytes) -> int:
    """Return the arrival number of an event's key."""
    return int(_PLACE.unpack(key[-_PLACE.size :])[1])


def add_event(view: View, decision: Decision, customer: str, arrival: int) -> None:
    """Keep a counted event under both of its entities."""
    time, value = decision.event_time, _VALUE.pack(True, decision.amount)
    # A client may have sent one token for both; their common record then has the event once.
    if customer != decision.terminal:
        view.replace(EVENTS, _key(customer, time, arrival), None, value)
    view.replace(EVENTS, _key(decision.terminal, time, arrival), None, value + customer.encode())


def find_event(view: View, decision: Decision) -> Event | None:
    """Return the event of a decision as its terminal's record has it; None if it is not kept."""
    key = _key(decision.terminal, decision.event_time, decision.arrival)
    value = view.get(EVENTS, key)
    return None if value is None else _read(key, decision.event_time // HOUR_SECONDS, value)


def _read(key: bytes, hour: int, value: bytes) -> Event:
    counts, amount = _VALUE.unpack_from(value)
    second, _ = _PLACE.unpack(key[-_PLACE.size :])
    return Event(key, hour * HOUR_SECONDS + second, amount, counts, value[_VALUE.size :].decode())


def _events_of(view: View, token: str, hour: int) -> Iterator[Event]:
    prefix = _HOUR.pack(hour) + token.encode()
    for key, value in view.items(EVENTS, prefix):
        if not key.startswith(prefix):
            return
        yield _read(key, hour, value)


def set_counts(view: View, decision: Decision, event: Event, *, counts: bool) -> bool:
    """Take an event out of the live records of its entities, or put it back; False, and no change, if that fails.

    It fails if a live record does not have the event's hour any more, or counts events that are not kept here.
    """
    hour, records = decision.event_time // HOUR_SECONDS, dict[str, bytes]()
    for token in {event.customer, decision.terminal}:
        stored = view.get(LIVE, token.encode())
        hours = decode_hours(stored) if stored else Buckets()
        before = hours.total(hour, hour)
        after = _with(before, event) if counts else _without(view, token, before, event)
        if after is None:
            return False
        records[token] = encode_hours(hours.replacing(hour, after))
    for token, record in records.items():
        view.put(LIVE, token.encode(), record)
        _mark(view, _key(token, event.time, decision.arrival), counts=counts)
    return True


def _with(bucket: Bucket, event: Event) -> Bucket:
    return bucket.plus(bucket_of(event.time, event.amount))


def _without(view: View, token: str, bucket: Bucket, event: Event) -> Bucket | None:
    """Return the bucket of an hour without one of its events; None if its events are not all kept."""
    if not bucket.tx_count:
        return None
    # A busy terminal has thousands of events in an hour, and few of them are its largest or its last.
    if rest := bucket.without(event.time, event.amount):
        return rest
    arrival, hour = arrival_of(event.key), hour_of(event.key)
    others = [each for each in _events_of(view, token, hour) if each.counts and arrival_of(each.key) != arrival]
    # Events that an earlier version has counted are in the bucket and not here.
    return reduce(_with, others, EMPTY) if len(others) + 1 == bucket.tx_count else None


def _mark(view: View, key: bytes, *, counts: bool) -> None:
    value = view.get(EVENTS, key)
    # Each event of an open day is kept under both entities.
    assert value is not None  # noqa: S101 tells mypy
    view.replace(EVENTS, key, value, bytes([counts]) + value[1:])
