"""Decisions in the store: look up what one needs, commit it unless something has changed, read, ship."""

from collections.abc import Mapping
from itertools import islice
from typing import Final

from antifraud.errors import StoreError
from antifraud.features.labels import Change
from serving.store.customers import keep_customer
from serving.store.events import add_event
from serving.store.keys import integer_of, key_of
from serving.store.live_labels import CHANGES, span_of, stored_changes
from serving.store.port import NOTHING_PENDING, Commit, Seen, Wanted
from serving.store.records import Context, Decision, Entry, Place, unpack_changes
from serving.store.stubs import (
    context_number_of,
    decode_stub,
    encode_stub,
    event_time_of,
    key_of_place,
    pack_context,
    pack_entry,
    unpack_context,
    unpack_entry,
)
from serving.store.switchboard import NOW, switch_of
from serving.store.view import View

ARRIVAL: Final = "arrival"
IDENTITY: Final = b"identity"
SHIPPED: Final = "shipped"
SHIPPED_EVENT: Final = "shipped_event"
Stamp = tuple[bytes | None, bytes | None, bytes | None, list[tuple[int, bytes]], list[bytes], list[bytes]]
"""Stored records that a decision depends on: the switch, both live records, changes by live labels, and the live
records of the customer's and the terminal's other tokens."""


class Contexts:
    """The contexts of a store by number. A transaction that fails takes a new number back, so texts are compared."""

    def __init__(self) -> None:
        self._by_text: dict[bytes, Context] = {}
        self._numbers: dict[bytes, int] = {}
        self._packed: tuple[Context | None, bytes] = None, b""

    def get(self, view: View, number: int) -> Context:
        """Return a context."""
        text = view.get("contexts", key_of(number))
        # A stub is stored together with its context.
        assert text is not None  # noqa: S101 tells mypy
        if text not in self._by_text:
            self._by_text[text] = unpack_context(text)
        return self._by_text[text]

    def number(self, view: View, context: Context) -> int:
        """Return the number of a context, which is stored if it is new."""
        text = self._pack(context)
        number = self._numbers.get(text)
        if number is None or view.get("contexts", key_of(number)) != text:
            number = self._numbers[text] = self._find_number(view, text)
        return number

    def _pack(self, context: Context) -> bytes:
        # Nearly every decision has the context of the one before, and that of a policy names all of its rules.
        if self._packed[0] is not context:
            self._packed = context, pack_context(context)
        return self._packed[1]

    def _find_number(self, view: View, text: bytes) -> int:
        for key, stored in view.items("contexts"):
            if stored == text:
                return integer_of(key)
        number = view.count("contexts")
        view.put("contexts", key_of(number), text)
        return number


def look_up(view: View, contexts: Contexts, wanted: Wanted, pending: Mapping[str, bytes]) -> Seen:
    """Return what a decision needs of the store, as if the live records in `pending` had been written."""
    terminals = (wanted.terminal, *wanted.other_terminals)
    tokens = (wanted.customer, *wanted.other_customers, *terminals)
    view.prefetch(
        [("switch", NOW), ("ids", key_of_place(wanted.place)), *(("live", token.encode()) for token in tokens)],
        [span_of(CHANGES, terminal, wanted.label_hours) for terminal in terminals],
    )
    stamp = _read_stamp(view, wanted, pending)
    switch, live_customer, live_terminal, changes, other_customers, other_terminals = stamp
    return Seen(
        switch=switch_of(switch),
        earlier=find_decision(view, contexts, wanted.place),
        live_customer=live_customer,
        live_terminal=live_terminal,
        changes=[(hour, [Change(*change) for change in unpack_changes(text)]) for hour, text in changes],
        stamp=stamp,
        other_customers=other_customers,
        other_terminals=other_terminals,
    )


def _read_stamp(view: View, wanted: Wanted, pending: Mapping[str, bytes] = NOTHING_PENDING) -> Stamp:
    terminals = (wanted.terminal, *wanted.other_terminals)
    return (
        view.get("switch", NOW),
        _read_live(view, wanted.customer, pending),
        _read_live(view, wanted.terminal, pending),
        [change for terminal in terminals for change in stored_changes(view, terminal, wanted.label_hours)],
        [live for token in wanted.other_customers if (live := _read_live(view, token, pending))],
        [live for token in wanted.other_terminals if (live := _read_live(view, token, pending))],
    )


def _read_live(view: View, token: str, pending: Mapping[str, bytes]) -> bytes | None:
    return pending.get(token) or view.get("live", token.encode())


def commit_decision(view: View, contexts: Contexts, commit: Commit) -> int | None:
    """Store a decision and both live records, and return its arrival number; None if something has changed."""
    wanted, seen, new = commit
    place_key = key_of_place(wanted.place)
    if view.get("ids", place_key) is not None or _read_stamp(view, wanted) != seen.stamp:
        return None
    number = view.next_number(ARRIVAL)
    arrival = key_of(number)
    stub = encode_stub(new.decision, contexts.number(view, new.decision.context), place_key)
    view.replace("ids", place_key, None, arrival)
    view.append("stubs", arrival, stub)
    view.append("entries", arrival, pack_entry(new.entry))
    if new.live_customer is not None:
        view.replace("live", wanted.customer.encode(), seen.live_customer, new.live_customer)
    if new.live_terminal is not None:
        # A client may have sent one token for both, so `seen` may be out of date here.
        view.put("live", wanted.terminal.encode(), new.live_terminal)
        add_event(view, new.decision, wanted.customer, number)
    return number


def find_decision(view: View, contexts: Contexts, place: Place) -> Decision | None:
    """Return the decision about a transaction, or None."""
    arrival = view.get("ids", key_of_place(place))
    return None if arrival is None else read_decision(view, contexts, arrival)


def read_decision(view: View, contexts: Contexts, arrival: bytes) -> Decision | None:
    """Return the decision with an arrival number, given as a key; None if there is no such stub any more."""
    stub = view.get("stubs", arrival)
    if stub is None:
        return None
    return decode_stub(stub, integer_of(arrival), contexts.get(view, context_number_of(stub)))


def read_entries(view: View, contexts: Contexts, first: int, last: int, limit: int) -> list[tuple[Entry, Decision]]:
    """Return up to `limit` unshipped decisions with arrival numbers from `first` to `last`, in their order."""
    found: list[tuple[Entry, Decision]] = []
    stored = list(islice(view.items("entries", key_of(max(first, 0)), key_of(max(last, -1) + 1)), limit))
    view.prefetch([("stubs", arrival) for arrival, _ in stored])
    for arrival, text in stored:
        decision = read_decision(view, contexts, arrival)
        # An unshipped decision never loses its stub.
        assert decision is not None  # noqa: S101 tells mypy
        found.append((unpack_entry(text), decision))
    return found


def require_releasable(view: View, first: int, last: int) -> None:
    """Refuse a range that is empty, leaves a gap, or holds decisions that were never made.

    Raises:
        StoreError: It does.
    """
    shipped, newest = view.number(SHIPPED), view.number(ARRIVAL)
    if not 1 <= first <= min(last, shipped + 1) or last > newest:
        raise StoreError(
            f"decisions {first} to {last} cannot be released: shipped are 1 to {shipped}, decided 1 to {newest}; "
            f"begin with {shipped + 1}"
        )


def release_entries(view: View, first: int, last: int) -> None:
    """Note that the decisions `first` to `last` are shipped, and remove their entries."""
    newest_event, arrivals = view.number(SHIPPED_EVENT), [key_of(number) for number in range(first, last + 1)]
    view.prefetch([(database, arrival) for database in ("entries", "stubs") for arrival in arrivals])
    for arrival in arrivals:
        # Stubs of decisions that were shipped before may be gone.
        entry, stub = view.get("entries", arrival), view.get("stubs", arrival)
        if entry is not None and stub is not None:
            newest_event = max(newest_event, event_time_of(stub))
            keep_customer(view, arrival, entry)
            view.delete("entries", arrival)
    view.set_number(SHIPPED_EVENT, newest_event)
    view.set_number(SHIPPED, max(last, view.number(SHIPPED)))
