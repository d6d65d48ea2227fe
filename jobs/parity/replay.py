"""The replay of a log in the order of arrival: each vector is computed anew from what had arrived before.

A vector depends on its state, on the counted events with smaller arrival numbers, and on the labels and outcomes that
had come by then. If the replay gives another vector, the scorer has counted something else than it has logged.
"""

from bisect import bisect_left, insort
from collections import defaultdict, deque
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import reduce

import numpy as np

from antifraud.clock import HOUR_SECONDS
from antifraud.features.buckets import EMPTY, Bucket, Buckets, History, bucket_of, join_buckets
from antifraud.features.labels import Change, changes_of
from antifraud.features.live_labels import NEVER_DUE, add_up_changes, changes_before_due, first_counted_hour
from antifraud.features.outcomes import RESTORED
from antifraud.features.reference import feature_vector
from antifraud.features.registry import FEATURE_NAMES
from jobs.parity.log import Applied, Arrival, Checked, SaidLabel, StoreLog
from jobs.parity.states import State, States

VECTOR_BYTES = 8 * len(FEATURE_NAMES)


@dataclass(slots=True)
class Replayed:
    """The outcome of a replay.

    Attributes:
        same: Decisions with the same bits.
        mismatches: Arrival numbers of the others.
        without_state: Decisions from states that are not exported any more.
        other_features: Decisions with vectors of another feature set.
    """

    same: int = 0
    mismatches: list[int] = field(default_factory=list)
    without_state: int = 0
    other_features: int = 0


def replay(log: StoreLog, states: States) -> Replayed:
    """Compute the vector of each decision to be checked anew, and compare it bit by bit."""
    live, found = LiveState(log.labels, log.applied), Replayed()
    for event in log.arrivals:
        live.take_in(event.arrival)
        if decision := log.checked.get(event.arrival):
            _check(event, decision, live, states.of(decision.cutoff), found)
        live.count(event)
    return found


def _check(event: Arrival, decision: Checked, live: "LiveState", states: Sequence[State], found: Replayed) -> None:
    if len(decision.vector) != VECTOR_BYTES:
        found.other_features += 1
    elif not states:
        found.without_state += 1
    elif any(live.vector_of(event, state) == decision.vector for state in states):
        found.same += 1
    else:
        found.mismatches.append(event.arrival)


class LiveState:
    """The knowledge of a store after each arrival: live buckets of customers and terminals, and labels of clients."""

    def __init__(self, labels: Sequence[SaidLabel], applied: Sequence[Applied]) -> None:
        """Begin without any event; labels and outcomes are in the order of their arrival."""
        self._buckets: dict[str, Buckets] = defaultdict(Buckets)
        self._labels, self._applied = LiveLabels(labels), deque(applied)
        self._events: dict[int, Arrival] = {}
        self._counting: dict[tuple[str, int], dict[int, Arrival]] = defaultdict(dict)

    def take_in(self, arrival: int) -> None:
        """Take in the labels and outcomes that the decision with an arrival number can have seen."""
        self._labels.take_in(arrival)
        while self._applied and self._applied[0].after < arrival:
            outcome = self._applied.popleft()
            # A payment of a day that every state of the log brings is not in the log.
            if event := self._events.get(outcome.arrival):
                self._set_counts(event, counts=outcome.effect == RESTORED)

    def _set_counts(self, event: Arrival, *, counts: bool) -> None:
        """Make the buckets of an event's hour anew, with or without it."""
        hour = event.event_time // HOUR_SECONDS
        for token in {event.customer, event.terminal}:
            counting = self._counting[token, hour]
            if counts:
                counting[event.arrival] = event
            else:
                counting.pop(event.arrival, None)
            made = (bucket_of(each.event_time, each.amount) for each in counting.values())
            self._buckets[token] = self._buckets[token].replacing(hour, reduce(Bucket.plus, made, EMPTY))

    def vector_of(self, event: Arrival, state: State) -> bytes:
        """Return the vector of an event that arrives now, as little-endian doubles."""
        hour = event.event_time // HOUR_SECONDS
        hours = range(first_counted_hour(state.cutoff, state.label_delay_days, hour), hour)
        said = [change for name in state.names(event.terminal) for change in self._labels.changes(name, hours)]
        changes = changes_before_due(said, state.label_delay_days)
        customer = self._history(event.customer, state, [])
        terminal = self._history(event.terminal, state, changes)
        return np.array(feature_vector(event.event_time, event.amount, customer, terminal), "<f8").tobytes()

    def _history(self, token: str, state: State, changes: Sequence[Change]) -> History:
        days, hours, labels = state.entity(token)
        if changes:
            labels = replace(labels, changes=labels.changes.adding(changes))
        live = join_buckets(self._buckets[name] for name in state.names(token))
        return History(state.cutoff, days, hours, labels, live)

    def count(self, event: Arrival) -> None:
        """Add an event to the buckets of its customer and its terminal, if the store has."""
        if event.counted:
            bucket, hour = bucket_of(event.event_time, event.amount), event.event_time // HOUR_SECONDS
            self._events[event.arrival] = event
            for token in {event.customer, event.terminal}:
                self._buckets[token] = self._buckets[token].adding(hour, bucket)
                self._counting[token, hour][event.arrival] = event


class LiveLabels:
    """The labels of clients that had come before an arrival, as changes by terminal and hour of the event."""

    def __init__(self, labels: Sequence[SaidLabel]) -> None:
        """Take nothing in yet; `labels` are in the order of their arrival."""
        self._waiting = deque(labels)
        self._said: dict[tuple[str, int], dict[int, list[SaidLabel]]] = {}
        self._hours: dict[str, list[int]] = defaultdict(list)

    def take_in(self, arrival: int) -> None:
        """Take in the labels that the decision with an arrival number can have seen."""
        while self._waiting and self._waiting[0].after < arrival:
            label = self._waiting.popleft()
            place = label.terminal, label.event_time // HOUR_SECONDS
            if place not in self._said:
                self._said[place] = defaultdict(list)
                insort(self._hours[label.terminal], place[1])
            self._said[place][label.arrival].append(label)

    def changes(self, terminal: str, hours: range) -> list[tuple[int, list[Change]]]:
        """Return each hour of `hours` with labelled events, and the changes that their labels make."""
        known = self._hours.get(terminal, [])
        wanted = known[bisect_left(known, hours.start) : bisect_left(known, hours.stop)]
        return [(hour, self._changes_of_hour(terminal, hour)) for hour in wanted]

    def _changes_of_hour(self, terminal: str, hour: int) -> list[Change]:
        made: list[Change] = []
        for labels in self._said[terminal, hour].values():
            said = sorted(((label.learned_at, label.status) for label in labels), key=lambda each: each[0])
            made += changes_of(said, labels[0].event_time, NEVER_DUE)
        return add_up_changes(made)
