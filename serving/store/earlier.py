"""A store that an earlier version has filled: `python -m serving.store init` turns it into one of this version.

Everything happens in one write transaction, so a killed process leaves the store as it was.
"""

import datetime as dt
from typing import Any, Final

import msgspec

from antifraud.artifacts.state_export import FORMAT
from antifraud.clock import day_number
from antifraud.killswitch.eras import FIRST
from serving.store.counting import COUNTED, CURSOR, JUDGED, PENDING
from serving.store.databases import DATABASES
from serving.store.decisions import ARRIVAL, Contexts, read_decision
from serving.store.events import EVENTS
from serving.store.keys import id_of, integer_of, key_of
from serving.store.live_labels import CHANGES, LABELS, add_live_label
from serving.store.missed import MISSED
from serving.store.records import Context, Decision, Entry, Label, Place, pack
from serving.store.stubs import encode_stub, key_of_place, pack_entry
from serving.store.switchboard import read_switch
from serving.store.tallies import CLOSED, COHORTS, put_eras
from serving.store.terminal_days import TERMINAL_DAYS
from serving.store.view import View

EARLIER_DATABASES: Final = ("decisions", "judged")
LIVE_FORMAT: Final = "live_format"
"""Counter with the format of the records of the database ``live``."""
EVIDENCE_FORMAT: Final = "evidence_format"
"""Counter with the format of counts and evidence; 0 means blocks of terminals, 1 counts without missed amounts."""
WITH_LOSS: Final = 2
ID_FORMAT: Final = "id_format"
"""Counter with the format of transaction ids; 0 means integers."""
_unpack = msgspec.msgpack.Decoder().decode


def has_these_formats(view: View) -> bool:
    """Return whether live records and evidence have the formats of this version."""
    return view.number(LIVE_FORMAT) == FORMAT and view.number(EVIDENCE_FORMAT) == WITH_LOSS


def empty_other_formats(view: View) -> None:
    """Remove live records and evidence of other formats."""
    empty_other_live_format(view)
    empty_other_evidence(view)


def empty_other_live_format(view: View) -> None:
    """Remove live records of another format, and their events; the state then has all that is counted."""
    # Asked again under the lock: another worker may have emptied it, and counted events since.
    if view.number(LIVE_FORMAT) != FORMAT:
        view.clear("live")
        view.clear(EVENTS)
        view.set_number(LIVE_FORMAT, FORMAT)


def is_filled(view: View) -> bool:
    """Return whether an earlier version has used the store. Its switch then stays as it is."""
    return any(view.count(database) for database in (*DATABASES, *EARLIER_DATABASES))


def empty_other_evidence(view: View) -> None:
    """Remove evidence of another format; the guard then counts all decisions and labels that are there anew."""
    if view.number(EVIDENCE_FORMAT) == WITH_LOSS:
        return
    for database in (PENDING, COHORTS, MISSED, TERMINAL_DAYS, "evidence"):
        view.clear(database)
    for counter in (COUNTED, CURSOR, JUDGED, CLOSED):
        view.set_number(counter, 0)
    # An earlier version may have suspended the service for these decisions, so they may only warn.
    put_eras(view, FIRST.begin(read_switch(view).epoch))
    view.set_number(EVIDENCE_FORMAT, WITH_LOSS)


def convert(view: View) -> None:
    """Turn the decisions and labels of an earlier version into those of this version; a new store has none."""
    arrivals = _convert_decisions(view)
    _convert_labels(view, arrivals)
    _convert_dead_letters(view)
    for database in EARLIER_DATABASES:
        view.clear(database)


def _convert_decisions(view: View) -> dict[str, int]:
    """Store the decisions of ``decisions`` in the order of their keys; return arrival numbers by transaction id."""
    contexts, arrivals = Contexts(), dict[str, int]()
    for key, text in view.items("decisions"):
        name, number = _id_of(view, key), len(arrivals) + 1
        decision, entry = _read_decision(name, _unpack(text))
        place_key = key_of_place(Place("", name))
        stub = encode_stub(decision, contexts.number(view, decision.context), place_key)
        view.put("ids", place_key, key_of(number))
        view.put("stubs", key_of(number), stub)
        view.put("entries", key_of(number), pack_entry(entry))
        arrivals[name] = number
    if arrivals:
        view.set_number(ARRIVAL, len(arrivals))
    return arrivals


def _id_of(view: View, key: bytes) -> str:
    return id_of(key) if view.number(ID_FORMAT) else str(integer_of(key))


def _read_decision(name: str, record: list[Any]) -> tuple[Decision, Entry]:
    payload, body, release, epoch, _, event_time, customer, terminal, amount, vector, *complete = record
    answer = msgspec.json.decode(body)
    cutoff = day_number(dt.date.fromisoformat(answer["state_cutoff"]))
    decision = Decision(
        context=Context(release, answer["threshold"], answer["mode"], epoch, cutoff),
        score=answer["score"],
        event_time=event_time,
        # It was not stored; an event is decided soon after it happens.
        decided_at=event_time,
        terminal=terminal,
        amount=amount,
        payload=payload,
        counted=answer["counted"],
        # Decisions of the oldest version have no such mark.
        history_complete=complete[0] if complete else True,
    )
    return decision, Entry("", name, customer, vector)


def _convert_labels(view: View, arrivals: dict[str, int]) -> None:
    for database in (LABELS, CHANGES):
        view.clear(database)
    contexts = Contexts()
    for key, text in list(view.items("labels")):
        name, status, learned_at, source = _unpack(text)
        label = Label(arrivals[str(name)], "", str(name), status, learned_at, source)
        decision = read_decision(view, contexts, key_of(label.arrival))
        assert decision is not None  # noqa: S101 tells mypy: it was stored above
        add_live_label(view, decision.terminal, decision.event_time, label)
        view.put("labels", key, pack(label))


def _convert_dead_letters(view: View) -> None:
    """Make news that nobody has got wait for the subscribers again; a dead letter then had no subscriber."""
    letters = list(view.items("dead"))
    view.clear("dead")
    for notification, switch in letters:
        view.put("outbox", notification, switch)
