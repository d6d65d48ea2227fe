"""Labels in the decision store, in the order of arrival."""

from antifraud.errors import SchemaError
from serving.store.lmdb import Store, View, key_of
from serving.store.records import Label, LabelIn, pack, unpack_decision

SEQUENCE = "label_sequence"


def store_labels(store: Store, labels: list[LabelIn], *, source: str, now: int) -> list[int]:
    """Store labels in one transaction; return the ids that were never decided here, whose labels are dropped.

    Raises:
        SchemaError: A label was learnt in the future or before its event; nothing was stored.
    """
    with store.write() as view:
        return [
            label.transaction_id
            for place, label in enumerate(labels)
            if not _store_label(view, label, place, source, now)
        ]


def _store_label(view: View, label: LabelIn, place: int, source: str, now: int) -> bool:
    if label.learned_at > now:
        raise SchemaError(f"labels[{place}].learned_at is not valid: it lies in the future")
    decision = view.get("decisions", key_of(label.transaction_id))
    # Without its decision a label has no release and no vector, so it can never count.
    if decision is None:
        return False
    if label.learned_at < unpack_decision(decision).event_time:
        raise SchemaError(f"labels[{place}].learned_at is not valid: it lies before the event")
    stored = Label(label.transaction_id, label.status, label.learned_at, source)
    view.put("labels", key_of(view.next_number(SEQUENCE)), pack(stored))
    return True
