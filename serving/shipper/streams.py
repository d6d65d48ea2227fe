"""The streams of a decision store: what is shipped to which table, in which order, and when the store lets go of it.

A stream numbers its records: decisions by arrival, labels and outcomes in their own orders, changes of the switch by
epoch.
"""

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final, NamedTuple

import numpy as np

from antifraud.clock import date_of, day_of
from antifraud.files import hash_of
from antifraud.killswitch.eras import Eras
from antifraud.lake.outcome_table import OUTCOMES
from antifraud.lake.shipped_tables import CLIENT_LABELS, DECISIONS, SWITCH_HISTORY
from antifraud.lake.table_format import Table
from serving.store.port import DecisionStore
from serving.store.records import Decision, Entry, Place, StoredLabel, StoredOutcome


class Record(NamedTuple):
    """A record of a stream: its number, a mark by which it is known again, and the values of the table's columns."""

    number: int
    mark: str
    row: tuple[Any, ...]


@dataclass(frozen=True, slots=True)
class Stream:
    """Records of a store, and the table that they are shipped to.

    Attributes:
        table: Table of the lake.
        newest: Returns the largest number in the store.
        let_go: Returns the number up to which the store has let go.
        read: Returns up to a number of records, from a first to a last one.
        release: Lets the store go up to a number.
    """

    table: Table
    newest: Callable[[DecisionStore], int]
    let_go: Callable[[DecisionStore], int]
    read: Callable[[DecisionStore, int, int, int], list[Record]]
    release: Callable[[DecisionStore, int], None]


def _read_decisions(store: DecisionStore, first: int, last: int, limit: int) -> list[Record]:
    # A later era begins with a later epoch, so it changes nothing for the decisions at hand.
    eras = store.eras()
    return [_decision_record(store, eras, *pair) for pair in store.entries(first, last, limit)]


def _decision_record(store: DecisionStore, eras: Eras, entry: Entry, decision: Decision) -> Record:
    context, number = decision.context, decision.arrival
    name = store.decision_id(Place(entry.namespace, entry.transaction_id), number)
    row = (
        date_of(day_of(decision.event_time)),
        store.identity,
        number,
        name,
        entry.namespace,
        entry.transaction_id,
        decision.event_time,
        decision.decided_at,
        entry.customer,
        decision.terminal,
        decision.amount,
        np.frombuffer(entry.vector, "<f8"),
        context.release,
        decision.score,
        context.threshold,
        str(context.mode),
        context.epoch,
        date_of(context.cutoff),
        decision.above_threshold,
        decision.said == "flag",
        decision.said,
        context.policy,
        ",".join(decision.hits),
        decision.propensity,
        decision.counted,
        decision.history_complete,
        eras.era_of(context.epoch),
    )
    # A restored store could decide this differently under the same number. Columns of later versions are left out.
    return Record(number, hash_of(name, decision.payload.hex(), decision.score, decision.decided_at), row)


def _release_decisions(store: DecisionStore, last: int) -> None:
    if last > (let_go := store.shipped().arrival):
        store.release(let_go + 1, last)


def _read_labels(store: DecisionStore, first: int, last: int, limit: int) -> list[Record]:
    return [_label_record(store, *pair) for pair in store.shipping.labels(first, last, limit)]


def _label_record(store: DecisionStore, number: int, label: StoredLabel) -> Record:
    row = (
        date_of(day_of(label.event_time)),
        store.identity,
        number,
        label.namespace,
        label.transaction_id,
        label.event_time,
        label.terminal,
        label.arrival,
        label.after,
        label.status,
        label.learned_at,
        label.source,
        label.propensity,
        label.received_at,
    )
    return Record(number, hash_of(label.arrival, label.status, label.learned_at, label.source), row)


def _read_outcomes(store: DecisionStore, first: int, last: int, limit: int) -> list[Record]:
    return [_outcome_record(store, *pair) for pair in store.outcomes.read(first, limit) if pair[0] <= last]


def _outcome_record(store: DecisionStore, number: int, outcome: StoredOutcome) -> Record:
    row = (
        date_of(day_of(outcome.event_time)),
        store.identity,
        number,
        outcome.namespace,
        outcome.transaction_id,
        outcome.event_time,
        outcome.arrival,
        outcome.after,
        outcome.outcome,
        outcome.happened_at,
        outcome.received_at,
        outcome.source,
        outcome.effect,
    )
    return Record(number, hash_of(outcome.arrival, outcome.outcome, outcome.happened_at, outcome.source), row)


def _read_switch_history(store: DecisionStore, first: int, last: int, limit: int) -> list[Record]:
    return [_switch_record(store, *pair) for pair in store.shipping.switch_history(first, last, limit)]


def _switch_record(store: DecisionStore, epoch: int, text: bytes) -> Record:
    switch = json.loads(text)
    said = switch["at"], switch["mode"], switch["reason"], switch["by"]
    row = date_of(day_of(switch["at"])), store.identity, epoch, *said, text.decode()
    return Record(epoch, hash_of(epoch, *said), row)


def _keep_switch_history(_: DecisionStore, __: int) -> None:
    """Let nothing go: the store keeps the history of the switch."""


STREAMS: Final = (
    Stream(
        SWITCH_HISTORY,
        newest=lambda store: store.switch().epoch,
        let_go=lambda _: 0,
        read=_read_switch_history,
        release=_keep_switch_history,
    ),
    Stream(
        CLIENT_LABELS,
        newest=lambda store: store.newest_label(),
        let_go=lambda store: store.shipping.shipped_label(),
        read=_read_labels,
        release=lambda store, last: store.shipping.release_labels(last),
    ),
    Stream(
        OUTCOMES,
        newest=lambda store: store.outcomes.newest(),
        let_go=lambda store: store.outcomes.shipped(),
        read=_read_outcomes,
        release=lambda store, last: store.outcomes.release(last),
    ),
    Stream(
        DECISIONS,
        newest=lambda store: store.newest_arrival(),
        let_go=lambda store: store.shipped().arrival,
        read=_read_decisions,
        release=_release_decisions,
    ),
)
"""In the order in which they are shipped: a decision comes after all labels and outcomes that it can have seen."""
