"""Labels in the decision store, in the order of arrival; those of young transactions also count for decisions."""

from collections.abc import Sequence
from itertools import islice, takewhile
from typing import Final

from msgspec import structs

from antifraud.api.fields import LabelStatus
from antifraud.api.labels import LabelIn, RejectedLabel
from antifraud.errors import StoreError
from serving.store.decisions import ARRIVAL, Contexts, find_decision, read_decision
from serving.store.keys import integer_of, key_of
from serving.store.live_labels import add_live_label, remove_live_labels
from serving.store.records import AddedLabels, Decision, Label, Place, StoredLabel, pack, unpack_label
from serving.store.view import View

SEQUENCE: Final = "label_sequence"
SHIPPED: Final = "shipped_labels"


def add_labels(
    view: View,
    contexts: Contexts,
    labels: Sequence[LabelIn],
    *,
    namespace: str,
    source: str,
    now: int,
    live_hour: int,
) -> AddedLabels:
    """Store the labels that are possible; a label of an id that was never decided in the namespace is dropped.

    Live labels of events before `live_hour` are removed, because no decision can count them any more.
    """
    added, terminals = AddedLabels([], [], []), set()
    for index, label in enumerate(labels):
        name = str(label.transaction_id)
        decision = find_decision(view, contexts, Place(namespace, name))
        # Without its decision a label has no release and no vector, so it can never count.
        if decision is None:
            added.unknown.append(name)
        elif reason := _find_fault(label, decision, now):
            added.rejected.append(RejectedLabel(index, name, reason))
        else:
            said = Label(decision.arrival, namespace, name, label.status, label.learned_at, source, label.propensity)
            added.stored.extend(_add_label(view, said, decision, now))
            terminals.add(decision.terminal)
    for terminal in terminals:
        remove_live_labels(view, terminal, live_hour)
    return added


def _find_fault(label: LabelIn, decision: Decision, now: int) -> str:
    if label.learned_at > now:
        return "learned_at lies in the future: send the label again later"
    if label.learned_at < decision.event_time:
        return "learned_at lies before the event: correct it"
    return ""


def _add_label(view: View, label: Label, decision: Decision, now: int) -> list[LabelStatus]:
    """Store a label; return its status if it is new."""
    # A repeated request changes nothing: otherwise its label would come after a correction of the same second.
    if not add_live_label(view, decision.terminal, decision.event_time, label):
        return []
    # The time of arrival is no part of what was said: a repeat at another time is still a repeat.
    stored = StoredLabel(
        **structs.asdict(label),
        received_at=now,
        after=view.latest_number(ARRIVAL),
        event_time=decision.event_time,
        terminal=decision.terminal,
    )
    view.append("labels", key_of(view.next_number(SEQUENCE)), pack(stored))
    return [label.status]


def read_labels(view: View, first: int, limit: int) -> list[tuple[int, StoredLabel]]:
    """Return up to `limit` labels with their numbers, from number `first` on."""
    return [(integer_of(key), unpack_label(text)) for key, text in islice(view.items("labels", key_of(first)), limit)]


def read_labels_to_ship(view: View, contexts: Contexts, numbers: range, limit: int) -> list[tuple[int, StoredLabel]]:
    """Return up to `limit` labels with these numbers, and what a replay needs of each.

    A label of an earlier version takes place and time from its decision. It is left out if that is gone.
    """
    read = ((integer_of(key), text) for key, text in view.items("labels", key_of(numbers.start)))
    wanted = takewhile(lambda row: row[0] in numbers, read)
    labels = ((number, _complete(view, contexts, unpack_label(text))) for number, text in wanted)
    return list(islice(((number, label) for number, label in labels if label), limit))


def _complete(view: View, contexts: Contexts, label: StoredLabel) -> StoredLabel | None:
    if label.terminal:
        return label
    decision = read_decision(view, contexts, key_of(label.arrival))
    if decision is None:
        return None
    return structs.replace(label, after=label.arrival, event_time=decision.event_time, terminal=decision.terminal)


def release_labels(view: View, last: int) -> None:
    """Note that the labels up to number `last` are shipped.

    Raises:
        StoreError: There are fewer.
    """
    if last > (newest := view.number(SEQUENCE)):
        raise StoreError(f"labels up to {last} cannot be released: the newest is {newest}")
    view.set_number(SHIPPED, max(last, view.number(SHIPPED)))
