"""Labels in the decision store, in the order of arrival; those of young transactions also count for decisions."""

from collections.abc import Sequence
from itertools import islice
from typing import Final

from antifraud.api.labels import LabelIn
from antifraud.errors import SchemaError
from serving.store.decisions import Contexts, find_decision
from serving.store.keys import integer_of, key_of
from serving.store.live_labels import add_live_label, remove_live_labels
from serving.store.records import Decision, Label, Place, pack, unpack_label
from serving.store.view import View

SEQUENCE: Final = "label_sequence"


def add_labels(
    view: View,
    contexts: Contexts,
    labels: Sequence[LabelIn],
    *,
    namespace: str,
    source: str,
    now: int,
    live_hour: int,
) -> list[str]:
    """Store labels; return the ids that were never decided in the namespace, whose labels are dropped.

    Live labels of events before `live_hour` are removed, because no decision can count them any more.

    Raises:
        SchemaError: A label was learnt in the future or before its event; nothing was stored.
    """
    decided = [find_decision(view, contexts, Place(namespace, label.transaction_id)) for label in labels]
    for place, (label, decision) in enumerate(zip(labels, decided, strict=True)):
        _require_possible(label, decision, now, f"labels[{place}].learned_at")
    for label, decision in zip(labels, decided, strict=True):
        # Without its decision a label has no release and no vector, so it can never count.
        if decision is not None:
            name, learned_at = str(label.transaction_id), label.learned_at
            _add_label(view, Label(decision.arrival, namespace, name, label.status, learned_at, source), decision)
    for terminal in {decision.terminal for decision in decided if decision}:
        remove_live_labels(view, terminal, live_hour)
    return [str(label.transaction_id) for label, decision in zip(labels, decided, strict=True) if decision is None]


def _require_possible(label: LabelIn, decision: Decision | None, now: int, field: str) -> None:
    if label.learned_at > now:
        raise SchemaError(f"{field} is not valid: it lies in the future")
    if decision is not None and label.learned_at < decision.event_time:
        raise SchemaError(f"{field} is not valid: it lies before the event")


def _add_label(view: View, label: Label, decision: Decision) -> None:
    # A repeated request changes nothing: otherwise its label would come after a correction of the same second.
    if add_live_label(view, decision.terminal, decision.event_time, label):
        view.append("labels", key_of(view.next_number(SEQUENCE)), pack(label))


def read_labels(view: View, first: int, limit: int) -> list[tuple[int, Label]]:
    """Return up to `limit` labels with their numbers, from number `first` on."""
    return [(integer_of(key), unpack_label(text)) for key, text in islice(view.items("labels", key_of(first)), limit)]
