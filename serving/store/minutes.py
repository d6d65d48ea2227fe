"""Decided and flagged decisions of the last minutes, each customer and terminal counting a few times at most.

The guard reads a minute when it is over, and keeps two numbers of it. Position and numbers change in one transaction,
so each decision counts once; what a minute needs in memory is read again after a kill. Only the last minutes are kept.
"""

from collections.abc import Iterator
from itertools import islice
from typing import Final, NamedTuple

import msgspec

from antifraud.killswitch.detectors.flagged_share import PERIODS, Minute, Seen
from serving.store.customers import customer_of
from serving.store.decisions import Contexts
from serving.store.keys import integer_of, key_of
from serving.store.records import pack
from serving.store.stubs import context_number_of, decided_at_of, decode_stub
from serving.store.tallies import counts_in_rates
from serving.store.view import View

MINUTES: Final = "minutes"
COUNTED: Final = "guard_minute_cursor"
"""Counter with the arrival number up to which decisions are counted by minutes."""
MINUTE_SECONDS: Final = 60
KEPT: Final = max(PERIODS)
SKIPPED: Final = 100_000
"""Most decisions of one step that are too old to count."""
_unpack = msgspec.msgpack.Decoder(tuple[int, int]).decode


class MinuteArrivals(NamedTuple):
    """Decisions of one minute after the guard's position: the last arrival number, and what they add."""

    position: int
    last: int
    minute: int
    added: Minute


def find_minute(view: View, contexts: Contexts, now: int) -> MinuteArrivals | None:
    """Return the oldest minute that is over and not counted; None if there is none."""
    position, present = view.number(COUNTED), now // MINUTE_SECONDS
    last, minute, seen = position, 0, list[Seen]()
    for number, (key, stub) in enumerate(view.items("stubs", key_of(position + 1))):
        decided = decided_at_of(stub) // MINUTE_SECONDS
        if decided == present or (minute and decided != minute) or number == SKIPPED:
            break
        last = integer_of(key)
        # A time ahead comes from a clock that is wrong; it must not hold the others up.
        if not present - KEPT <= decided < present:
            continue
        minute = decided
        seen += _see(view, contexts, key, stub)
    return MinuteArrivals(position, last, minute, Minute.of(seen)) if last > position else None


def _see(view: View, contexts: Contexts, key: bytes, stub: bytes) -> Iterator[Seen]:
    decision = decode_stub(stub, integer_of(key), contexts.get(view, context_number_of(stub)))
    if counts_in_rates(decision):
        yield Seen(customer_of(view, key).hex(), decision.terminal, decision.above_threshold)


def add_minute(view: View, found: MinuteArrivals, now: int) -> None:
    """Count a minute's decisions, unless somebody has counted them meanwhile, and forget what is too old."""
    if view.number(COUNTED) != found.position:
        return
    if found.added.decided:
        key = key_of(found.minute)
        decided, flagged = _unpack(view.get(MINUTES, key) or pack((0, 0)))
        view.put(MINUTES, key, pack((decided + found.added.decided, flagged + found.added.flagged)))
    for key in [key for key, _ in islice(view.items(MINUTES), 2 * KEPT)]:
        if integer_of(key) < now // MINUTE_SECONDS - KEPT:
            view.delete(MINUTES, key)
    view.set_number(COUNTED, found.last)


def read_minutes(view: View) -> dict[int, Minute]:
    """Return the counted minutes by their number."""
    return {integer_of(key): Minute(*_unpack(text)) for key, text in view.items(MINUTES)}
