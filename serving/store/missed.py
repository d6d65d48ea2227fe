"""Frauds that were not flagged, one by one: episodes need to know who and where, the cohorts only have their sums.

Each keeps the history of its amount, by the time at which labels came. So the missed fraud of a day is the one that was
known when the day closed, however late the guard looks. A record goes when its day of episodes has closed.
"""

from typing import Final

import msgspec

from antifraud.clock import day_of
from antifraud.killswitch.detectors.missed_rate import MissedFraud
from serving.store.customers import customer_of, digest_of
from serving.store.guard_port import StoredFraud
from serving.store.keys import NUMBER_BYTES, integer_of, key_of
from serving.store.records import Decision, pack
from serving.store.tallies import THOUSANDTHS
from serving.store.view import View

MISSED: Final = "missed"
_unpack = msgspec.msgpack.Decoder(tuple[int, bytes, bytes, list[tuple[int, int]]]).decode


def note_missed(view: View, decision: Decision, era: int, amount: int, known_at: int) -> None:
    """Note that `amount` is missed by a decision from now on, in thousandths of minor units; 0: it was no fraud."""
    arrival = key_of(decision.arrival)
    key = key_of(day_of(decision.event_time)) + arrival
    stored = view.get(MISSED, key)
    if stored is None:
        if not amount:
            return
        known = era, customer_of(view, arrival), digest_of(decision.terminal), list[tuple[int, int]]()
    else:
        known = _unpack(stored)
    view.put(MISSED, key, pack((*known[:3], [*known[3], (known_at, amount)])))


def read_missed(view: View, known_before: int) -> list[StoredFraud]:
    """Return the missed frauds as they were known at a time (UTC seconds), oldest day first."""
    found = []
    for key, text in view.items(MISSED):
        era, customer, terminal, history = _unpack(text)
        amount = next((amount for at, amount in reversed(history) if at < known_before), 0)
        if amount:
            fraud = MissedFraud(day_of_missed(key), amount / THOUSANDTHS, customer.hex(), terminal.hex())
            found.append(StoredFraud(era, fraud))
    return found


def day_of_missed(key: bytes) -> int:
    """Return the day of a record's key."""
    return integer_of(key[:NUMBER_BYTES])
