"""Labels in the decision store, in the order of arrival; those of young transactions also count for decisions."""

from antifraud.errors import SchemaError
from serving.store.keys import key_of, key_of_id
from serving.store.live_labels import add_live_label, remove_live_labels
from serving.store.lmdb import Store, View
from serving.store.records import Decision, Label, LabelIn, pack, unpack_decision

SEQUENCE = "label_sequence"


def store_labels(store: Store, labels: list[LabelIn], *, source: str, now: int, first_live_hour: int) -> list[str]:
    """Store labels in one transaction; return the ids that were never decided here, whose labels are dropped.

    Live labels of events before `first_live_hour` are removed, because no decision can count them any more.

    Raises:
        SchemaError: A label was learnt in the future or before its event; nothing was stored.
    """
    unknown: list[str] = []
    terminals: set[str] = set()
    with store.write() as view:
        for place, label in enumerate(labels):
            if label.learned_at > now:
                raise SchemaError(f"labels[{place}].learned_at is not valid: it lies in the future")
            decision = view.get("decisions", key_of_id(label.transaction_id))
            # Without its decision a label has no release and no vector, so it can never count.
            if decision is None:
                unknown.append(str(label.transaction_id))
                continue
            decided = unpack_decision(decision)
            if label.learned_at < decided.event_time:
                raise SchemaError(f"labels[{place}].learned_at is not valid: it lies before the event")
            _store_label(view, Label(str(label.transaction_id), label.status, label.learned_at, source), decided)
            terminals.add(decided.terminal)
        for terminal in terminals:
            remove_live_labels(view, terminal, first_live_hour)
    return unknown


def _store_label(view: View, label: Label, decision: Decision) -> None:
    # A repeated request changes nothing: otherwise its label would come after a correction of the same second.
    if add_live_label(view, decision.terminal, decision.event_time, label):
        view.put("labels", key_of(view.next_number(SEQUENCE)), pack(label))
