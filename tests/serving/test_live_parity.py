"""The live path computes the features of the definition: over a naive history, and across a change of the cut-off."""

import json

import numpy as np

from antifraud.artifacts.state_export import decode_entity
from antifraud.clock import DAY_SECONDS, HOUR_SECONDS, day_of
from antifraud.features.buckets import bucket_of
from antifraud.features.labels import Change, Counts, LabelHistory, Risk
from antifraud.features.reference import feature_inputs, feature_vector
from antifraud.features.registry import WINDOWS
from antifraud.keys.pseudonym import tokenise
from serving.worker.poller import WALL_CLOCK
from tests.serving.scene import DAY, KEY, NO_LABELS, NOON, export_state, stored, view_of

FIRST_DAY = DAY - 8
LABEL_HOURS = 7
"""Every terminal learns one label in so many hours; of five labels, the first two are frauds."""


def generated_events(rng, *, customers=4, terminals=3, count=400):
    """In-order events of ten days with ties, midnights and a few busy entities."""
    times = np.sort(rng.integers(FIRST_DAY * DAY_SECONDS, (DAY + 1) * DAY_SECONDS, size=count))
    times[1::7] = times[0::7][: len(times[1::7])]  # ties
    times[2::31] = (times[2::31] // DAY_SECONDS) * DAY_SECONDS  # midnights
    times = np.sort(np.minimum(times, NOON))
    return [
        (
            number,
            int(time),
            tokenise(KEY, "customer", int(rng.integers(customers))),
            tokenise(KEY, "terminal", int(rng.integers(terminals))),
            int(rng.integers(1, 50_000)),
        )
        for number, time in enumerate(times)
    ]


def learnt_labels(first_day, last_day):
    """The hour and whether it is a fraud, of each label that a terminal learns on these days."""
    every = enumerate(range((FIRST_DAY - 33) * 24, (last_day + 1) * 24, LABEL_HOURS))
    return [(hour, number % 5 < 2) for number, hour in every if hour >= first_day * 24]


def labels_of(cutoff):
    """These labels as the state of a cut-off holds them."""
    closed = learnt_labels(cutoff - 29, cutoff)
    days = {day: [is_fraud for hour, is_fraud in closed if hour // 24 == day] for day in range(cutoff - 29, cutoff + 1)}
    last_legit = max(hour for hour, is_fraud in closed if not is_fraud)
    return LabelHistory.of(
        cutoff,
        {day: Counts(len(labels), sum(labels)) for day, labels in days.items()},
        {hour: Counts(1, int(is_fraud)) for hour, is_fraud in closed if hour // 24 == cutoff},
        last_legit,
        {hour: 1 for hour, _ in closed if hour > last_legit},
        [Change(hour, hour, 1, int(is_fraud)) for hour, is_fraud in learnt_labels(cutoff + 1, cutoff + 2)],
    )


class NaiveLabels:
    """The labels of a terminal in a list, up to the second day after the cut-off; a count is a filter over the list."""

    def __init__(self, cutoff):
        self.labels = learnt_labels(cutoff - 40, cutoff + 2)

    def risk(self, time):
        """Labels learnt before the event's hour, in the windows of the definition."""
        hour, today = time // HOUR_SECONDS, day_of(time)
        month = [(at, is_fraud) for at, is_fraud in self.labels if (today - 30) * 24 <= at < hour]
        week = [(at, is_fraud) for at, is_fraud in month if at >= (today - 7) * 24]
        day = [(at, is_fraud) for at, is_fraud in month if at >= hour - 24]
        counts = [count for window in (day, week, month) for count in (len(window), sum(dict(window).values()))]
        legit = max(at for at, is_fraud in month if not is_fraud)
        streak = [at for at, _ in month if at > legit]
        return Risk(*counts, len(streak), hour - streak[0] if streak else 0, hour - legit)


class NaiveHistory:
    """All earlier events of an entity in a list; a window is a filter over the list, as in the definition."""

    def __init__(self, events, labels):
        self.events, self.labels = events, labels

    def windows(self, time):
        """All windows."""
        return [self.window(time, days) for days in WINDOWS]

    def window(self, time, days):
        """The sawtooth window: one day in hops of an hour, longer ones in hops of a day."""
        hop = HOUR_SECONDS if days == 1 else DAY_SECONDS
        start = (time - days * DAY_SECONDS) // hop * hop
        inside = [(t, amount) for t, amount in self.events if t >= start]
        if not inside:
            return bucket_of(0, 0)._replace(tx_count=0, last_time=-1)
        amounts = [amount for _, amount in inside]
        squares = sum(amount * amount for amount in amounts)
        return bucket_of(0, 0)._replace(
            tx_count=len(inside),
            amount_sum=sum(amounts),
            amount_sum_sq=squares,
            amount_max=max(amounts),
            last_time=max(t for t, _ in inside),
        )


def state_of(events, cutoff):
    """The lake's state at a cut-off: day buckets of 30 days, hour buckets of the cut-off day, labels of terminals."""
    entities = {}
    for _, time, customer, terminal, amount in events:
        if day_of(time) > cutoff:
            continue
        for token, labels in ((customer, NO_LABELS), (terminal, labels_of(cutoff))):
            days, hours, _ = entities.setdefault(token, ({}, {}, labels))
            add(days, day_of(time), time, amount)
            if day_of(time) == cutoff:
                add(hours, time // HOUR_SECONDS, time, amount)
    return entities


def add(buckets, number, time, amount):
    bucket = bucket_of(time, amount)
    buckets[number] = buckets[number].plus(bucket) if number in buckets else bucket


def test_logged_vectors_equal_the_definition_across_cutoffs(scorer, home):
    """400 events in order while the cut-off advances three times: every vector has the bits of a naive history."""
    events = generated_events(np.random.default_rng(11))
    cutoffs = {0: FIRST_DAY - 1, 120: FIRST_DAY, 200: FIRST_DAY + 3, 300: FIRST_DAY + 4}
    known_terminals = set()
    for number, (identifier, time, customer, terminal, amount) in enumerate(events):
        if number in cutoffs:
            # The first export is of the time before all events; a later one may lag behind the traffic by days.
            cutoff = min(cutoffs[number], day_of(time) - 1)
            entities = state_of(events, cutoff)
            known_terminals = {token for token, (_, _, labels) in entities.items() if labels.days}
            terminal_labels = NaiveLabels(cutoff)
            export_state(home / "state", cutoff, entities, sequence=2 + number, moved_back=number == 0)
            scorer.poller.poll()
        answer = scorer.decide(
            transaction_id=identifier, event_time=time, customer=customer, terminal=terminal, amount=amount
        )
        assert (answer.status_code, answer.json["counted"]) == (200, True)

        earlier = events[:number]
        labels = terminal_labels if terminal in known_terminals else NO_LABELS
        expected = feature_vector(
            time,
            amount,
            NaiveHistory([(t, a) for _, t, c, _, a in earlier if c == customer], NO_LABELS),
            NaiveHistory([(t, a) for _, t, _, s, a in earlier if s == terminal], labels),
        )
        assert logged_vector(scorer, identifier) == np.array(expected, dtype="<f8").tobytes()


def logged_vector(scorer, identifier):
    return stored(scorer.store, identifier)[1].vector


def test_the_naive_history_is_not_trivial():
    """The generated events fill every window of an entity that is seen often."""
    events = generated_events(np.random.default_rng(11))
    customer = events[0][2]
    history = NaiveHistory([(t, a) for _, t, c, _, a in events if c == customer], NO_LABELS)

    inputs = feature_inputs(NOON, 100, history, history)

    counts = [inputs[f"customer_{days}d_tx_count"] for days in WINDOWS]
    assert 0 < counts[0] < counts[1] < counts[2]


def test_live_days_are_dropped_only_when_no_worker_needs_them(scorer, home):
    """An event drops its entity's buckets before the oldest cut-off that a worker has reported."""
    lagging = {"pid": 1, "at": WALL_CLOCK.now(), "cutoff": DAY - 8}
    scorer.store.report("worker-1", json.dumps(lagging).encode())
    decide_on(scorer, home, DAY - 7)
    decide_on(scorer, home, DAY - 3)
    assert live_days(scorer) == [DAY - 7, DAY - 3]

    scorer.store.report("worker-1", json.dumps({**lagging, "cutoff": DAY - 4}).encode())
    decide_on(scorer, home, DAY - 1)
    assert live_days(scorer) == [DAY - 3, DAY - 1]

    scorer.store.report("worker-1", json.dumps({**lagging, "at": WALL_CLOCK.now() - 61}).encode())
    decide_on(scorer, home, DAY)
    assert live_days(scorer) == [DAY - 1, DAY]


def decide_on(scorer, home, day):
    """Export a state up to the day before and decide an event of the day."""
    export_state(home / "state", day - 1, {}, sequence=day, moved_back=True)
    scorer.poller.poll()
    assert scorer.decide(transaction_id=day, event_time=day * DAY_SECONDS).json["counted"]


def live_days(scorer):
    with view_of(scorer.store) as view:
        hours = {hour for _, record in view.items("live") for hour in decode_entity(record, DAY).hours}
    return sorted({hour // 24 for hour in hours})
