"""The guard counts decisions and labels, each once, in the order of their arrival.

It follows decisions by their arrival numbers, so counting costs a decision nothing. Each step changes counts and the
guard's position in one transaction: a killed guard counts nothing twice and misses nothing.
"""

import struct
from itertools import islice
from typing import Final, NamedTuple

from antifraud.clock import day_of
from antifraud.killswitch.eras import Eras
from serving.store.customers import digest_of
from serving.store.decisions import Contexts
from serving.store.keys import integer_of, key_of
from serving.store.labels import read_labels
from serving.store.missed import note_missed
from serving.store.records import Decision, StoredLabel
from serving.store.stubs import context_number_of, decode_stub
from serving.store.tallies import (
    DECIDED,
    FIELDS,
    FLAGGED,
    MISSED,
    SQUARES,
    THOUSANDTHS,
    CohortKey,
    Tally,
    close_time,
    counts_in_rates,
    is_closed,
    put_tallies,
    read_eras,
    read_tallies,
)
from serving.store.terminal_days import (
    TerminalDay,
    add_terminal_decisions,
    put_terminal,
    read_terminal,
)
from serving.store.view import View

COUNTED: Final = "guard_arrival_cursor"
"""Counter with the arrival number up to which decisions are counted."""
CURSOR: Final = "guard_label_cursor"
JUDGED: Final = "judged"
"""Counter of the decisions with a label that the guard has counted."""
PENDING: Final = "pending"
"""The database of the labels that count, for as long as a later one can correct them."""
CELLS: Final = {("legitimate", True): 2, ("legitimate", False): 3, ("fraud", True): 4, ("fraud", False): 5}
"""Places in a tally by status, and by whether the decision was flagged."""
STATUSES: Final = ("", "unknown", "legitimate", "fraud")
_SAID: Final = struct.Struct("<BqI")
"""Status, seconds from the event until the label was learnt, and thousandths of a decision that it stands for."""


class Arrivals(NamedTuple):
    """Decisions after the guard's position: how many, the last arrival number, and what they add to the tallies.

    `terminals` has the timely decisions of each terminal's day, and the flagged ones among them.
    """

    position: int
    found: int
    last: int
    added: dict[CohortKey, tuple[Tally, Tally]]
    terminals: dict[TerminalDay, tuple[int, int]]


class Said(NamedTuple):
    """The label that counts for a decision; no text stands for no label."""

    status: str = ""
    learned: int = 0
    weight: int = 0


NOTHING_SAID: Final = Said()


def find_arrivals(view: View, contexts: Contexts, delay_days: int, limit: int) -> Arrivals:
    """Return up to `limit` decisions that the guard has not counted yet."""
    position, eras = view.number(COUNTED), read_eras(view)
    found, last = 0, position
    added, terminals = dict[CohortKey, tuple[Tally, Tally]](), dict[TerminalDay, tuple[int, int]]()
    for key, stub in islice(view.items("stubs", key_of(position + 1)), limit):
        found, last = found + 1, integer_of(key)
        decision = decode_stub(stub, last, contexts.get(view, context_number_of(stub)))
        if not counts_in_rates(decision):
            continue
        cohort = _cohort_of(decision, eras)
        tallies = added.setdefault(cohort, ([0] * FIELDS, [0] * FIELDS))
        is_timely = decision.decided_at < close_time(cohort.day, delay_days)
        for tally in tallies if is_timely else tallies[1:]:
            tally[DECIDED] += 1
            tally[FLAGGED] += decision.above_threshold
        if is_timely:
            terminal = _terminal_of(decision, cohort)
            decided, flagged = terminals.get(terminal, (0, 0))
            terminals[terminal] = decided + 1, flagged + decision.above_threshold
    return Arrivals(position, found, last, added, terminals)


def _terminal_of(decision: Decision, cohort: CohortKey) -> TerminalDay:
    return TerminalDay(cohort.day, cohort.era, digest_of(decision.terminal))


def _cohort_of(decision: Decision, eras: Eras) -> CohortKey:
    context = decision.context
    return CohortKey(day_of(decision.event_time), eras.era_of(context.epoch), context.release)


def add_arrivals(view: View, arrivals: Arrivals) -> None:
    """Count decisions, unless somebody has counted them meanwhile."""
    if view.number(COUNTED) != arrivals.position:
        return
    for key, (more_timely, more) in arrivals.added.items():
        timely, latest = read_tallies(view, key)
        # A day that a guard with a fast clock has closed does not change any more.
        for tally, added in ((latest, more),) if is_closed(view, key.day) else ((timely, more_timely), (latest, more)):
            tally[DECIDED] += added[DECIDED]
            tally[FLAGGED] += added[FLAGGED]
        put_tallies(view, key, timely, latest)
    still_open = {key: counts for key, counts in arrivals.terminals.items() if not is_closed(view, key.day)}
    add_terminal_decisions(view, still_open)
    view.set_number(COUNTED, arrivals.last)


def take_in_labels(view: View, contexts: Contexts, delay_days: int, limit: int) -> int:
    """Count up to `limit` new labels, and return how many there were."""
    arrived = read_labels(view, view.number(CURSOR) + 1, limit)
    eras = read_eras(view)
    arrivals = [key_of(label.arrival) for _, label in arrived]
    view.prefetch([(database, arrival) for database in ("stubs", PENDING) for arrival in arrivals])
    for _, label in arrived:
        stub = view.get("stubs", key_of(label.arrival))
        if stub is None:
            continue
        decision = decode_stub(stub, label.arrival, contexts.get(view, context_number_of(stub)))
        if counts_in_rates(decision):
            _count_label(view, _cohort_of(decision, eras), decision, label, delay_days)
    if arrived:
        view.set_number(CURSOR, arrived[-1][0])
    return len(arrived)


def _count_label(view: View, cohort: CohortKey, decision: Decision, label: StoredLabel, delay_days: int) -> None:
    arrival = key_of(label.arrival)
    stored = view.get(PENDING, arrival)
    timely, latest = _read_said(stored)
    weight = round(THOUSANDTHS / _chance_of(decision, label))
    new = Said(label.status, label.learned_at - decision.event_time, weight)
    is_timely = label.received_at < close_time(cohort.day, delay_days) and not is_closed(view, cohort.day)
    after = _later(timely, new) if is_timely else timely, _later(latest, new)
    if after == (timely, latest):
        return
    tallies = read_tallies(view, cohort)
    for tally, old, now in zip(tallies, (timely, latest), after, strict=True):
        _replace(tally, decision, old, now)
    put_tallies(view, cohort, *tallies)
    if after[0] != timely:
        key = _terminal_of(decision, cohort)
        tally = read_terminal(view, key)
        _replace(tally, decision, timely, after[0])
        put_terminal(view, key, tally)
    if (amount := _missed(decision, after[1])) != _missed(decision, latest):
        note_missed(view, decision, cohort.era, amount, label.received_at)
    view.replace(PENDING, arrival, stored, b"".join(map(_pack_said, after)))
    if stored is None:
        view.next_number(JUDGED)


def _chance_of(decision: Decision, label: StoredLabel) -> float:
    """Return the probability that such a decision gets a label, by the client's word and by the control share."""
    let_through = decision.effective_ruling.let_through
    return label.propensity * (decision.propensity if let_through else 1.0)


def _later(before: Said, new: Said) -> Said:
    """Return the label that was learnt last; clients may send labels out of order."""
    return before if before.status and before.learned > new.learned else new


def _replace(tally: Tally, decision: Decision, before: Said, now: Said) -> None:
    """Count a decision's label instead of the one from before."""
    for said, sign in ((before, -1), (now, 1)):
        _move(tally, decision, said, sign)


def _move(tally: Tally, decision: Decision, said: Said, sign: int) -> None:
    """Add a label to a tally, or take it away; an unknown one says nothing."""
    cell = CELLS.get((said.status, decision.above_threshold))
    if cell is None:
        return
    tally[cell] += sign * said.weight
    tally[MISSED] += sign * _missed(decision, said)
    if decision.above_threshold and said.status == "legitimate":
        tally[SQUARES] += sign * said.weight**2


def _missed(decision: Decision, said: Said) -> int:
    """Return the missed amount that a label stands for, in thousandths of minor units."""
    return decision.amount * said.weight if said.status == "fraud" and not decision.above_threshold else 0


def _read_said(stored: bytes | None) -> tuple[Said, Said]:
    """Return the timely and the latest label of a decision."""
    if stored is None:
        return NOTHING_SAID, NOTHING_SAID
    timely, latest = (Said(STATUSES[status], *rest) for status, *rest in _SAID.iter_unpack(stored))
    return timely, latest


def _pack_said(said: Said) -> bytes:
    return _SAID.pack(STATUSES.index(said.status), said.learned, said.weight)
