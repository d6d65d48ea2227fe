"""Labels that wait for the cohort of their transaction to mature, and the counts that they become.

The transactions of one day are a cohort. Frauds are reported sooner than honest payments are confirmed, so counting
early labels at once would bias the rate. A transaction counts once, with its latest label at that time. A decision with
an incomplete history, or without a release, never counts.
"""

import json
from collections.abc import Iterable, Iterator
from itertools import islice
from typing import Any, Final

import msgspec

from antifraud.clock import day_of
from serving.store.decisions import Contexts, read_decision
from serving.store.keys import NUMBER_BYTES, integer_of, key_of
from serving.store.labels import read_labels
from serving.store.port import BlockKey, Counts, EvidenceKey, Inspection, WaitingLabel
from serving.store.records import Label, pack
from serving.store.stubs import is_judged, mark_judged
from serving.store.switchboard import put_switch, read_switch
from serving.store.view import View

CURSOR: Final = "guard_label_cursor"
JUDGED: Final = "judged"
_unpack = msgspec.msgpack.Decoder(tuple[str, int, str, int, bool]).decode


def take_in_labels(view: View, contexts: Contexts, limit: int) -> int:
    """Make up to `limit` new labels wait, and return how many there were."""
    arrived = read_labels(view, view.number(CURSOR) + 1, limit)
    for _, label in arrived:
        _put_waiting(view, contexts, label)
    if arrived:
        view.set_number(CURSOR, arrived[-1][0])
    return len(arrived)


def _put_waiting(view: View, contexts: Contexts, label: Label) -> None:
    arrival = key_of(label.arrival)
    stub, decision = view.get("stubs", arrival), read_decision(view, contexts, arrival)
    # A transaction counts once: what is learnt after it has counted changes nothing.
    if stub is None or decision is None or is_judged(stub):
        return
    # The score of a late event is that of a vector with gaps, which say how late it came and nothing about the release.
    # Rules that decide alone say nothing about a release, either.
    if not decision.history_complete or not decision.context.release:
        return
    # The day comes first, so that matured labels lie at the beginning.
    key = key_of(day_of(decision.event_time)) + decision.terminal.encode() + arrival
    # Clients may send labels out of order: the one that was learnt last wins.
    earlier = view.get("pending", key)
    if earlier is not None and _unpack(earlier)[1] > label.learned_at:
        return
    context = decision.context
    # The model's own flag counts, whatever the policy or the control share made of it: the promise is the model's.
    flagged = decision.above_threshold
    view.put("pending", key, pack([label.status, label.learned_at, context.release, context.epoch, flagged]))


def matured_labels(view: View, last_day: int, limit: int) -> list[WaitingLabel]:
    """Return up to `limit` waiting labels of days up to `last_day`, oldest day first."""
    return list(islice(_read_matured(view, last_day), limit))


def _read_matured(view: View, last_day: int) -> Iterator[WaitingLabel]:
    for key, text in view.items("pending"):
        day, arrival = integer_of(key[:NUMBER_BYTES]), integer_of(key[-NUMBER_BYTES:])
        if day > last_day:
            return
        yield WaitingLabel(arrival, day, key[NUMBER_BYTES:-NUMBER_BYTES].decode(), *_unpack(text))


def _waiting_key(label: WaitingLabel) -> bytes:
    return key_of(label.day) + label.terminal.encode() + key_of(label.arrival)


def read_block_counts(view: View, keys: Iterable[BlockKey]) -> dict[BlockKey, Counts]:
    """Return the counts of blocks; (0, 0) for a block without any."""
    return {key: _counts(view, key) for key in keys}


def _counts(view: View, key: BlockKey) -> Counts:
    stored = view.get("blocks", _block_key(key))
    legit, flagged = json.loads(stored) if stored else (0, 0)
    return legit, flagged


def _block_key(key: BlockKey) -> bytes:
    day, epoch, release, terminal = key
    return key_of(day) + _evidence_key((epoch, f"{release}/{terminal}"))


def _evidence_key(key: EvidenceKey) -> bytes:
    epoch, release = key
    return key_of(epoch) + release.encode()


def read_evidence(view: View) -> dict[EvidenceKey, dict[str, Any]]:
    """Return the evidence about every release and epoch."""
    return {
        (integer_of(key[:NUMBER_BYTES]), key[NUMBER_BYTES:].decode()): json.loads(text)
        for key, text in view.items("evidence")
    }


def commit_inspection(view: View, inspection: Inspection) -> bool:
    """Make the guard's change; return False, and change nothing, if something has changed since it was read."""
    if _has_changed(view, inspection):
        return False
    for label in inspection.used:
        view.delete("pending", _waiting_key(label))
    for number in inspection.counted:
        stub = view.get("stubs", key_of(number))
        if stub is not None and not is_judged(stub):
            view.put("stubs", key_of(number), mark_judged(stub))
            view.next_number(JUDGED)
    for block, (_, counts) in inspection.blocks.items():
        view.put("blocks", _block_key(block), json.dumps(counts).encode())
    for subject, (_, evidence) in inspection.evidence.items():
        view.put("evidence", _evidence_key(subject), json.dumps(evidence).encode())
    if inspection.suspend is not None:
        put_switch(view, inspection.suspend)
    return True


def _has_changed(view: View, inspection: Inspection) -> bool:
    suspend = inspection.suspend
    return (
        (suspend is not None and read_switch(view).epoch + 1 != suspend.epoch)
        or any(_is_other_label(view, label) for label in inspection.used)
        or any(_counts(view, block) != before for block, (before, _) in inspection.blocks.items())
        or any(_evidence(view, subject) != before for subject, (before, _) in inspection.evidence.items())
    )


def _is_other_label(view: View, label: WaitingLabel) -> bool:
    stored = view.get("pending", _waiting_key(label))
    return stored is None or _unpack(stored) != tuple(label[3:])


def _evidence(view: View, key: EvidenceKey) -> Any:
    stored = view.get("evidence", _evidence_key(key))
    return json.loads(stored) if stored else None
