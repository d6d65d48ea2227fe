"""The live path computes the features of the definition: over a naive history, and across a change of the cut-off."""

import json

import numpy as np

from antifraud.artifacts.state_export import decode_entity
from antifraud.clock import DAY_SECONDS, HOUR_SECONDS, day_of
from antifraud.features.buckets import NO_RISK, Risk, bucket_of
from antifraud.features.reference import feature_inputs, feature_vector
from antifraud.features.registry import WINDOWS
from antifraud.keys.pseudonym import tokenise
from serving.store.lmdb import key_of
from serving.store.records import unpack_decision
from serving.worker.poller import WALL_CLOCK
from tests.serving.scene import DAY, KEY, NOON, export_state

FIRST_DAY = DAY - 8
RISK = Risk(100, 3, 700, 21, 3_000, 90, 2, 11, 12)


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


class NaiveHistory:
    """All earlier events of an entity in a list; a window is a filter over the list, as in the definition."""

    def __init__(self, events, risk):
        self.events, self.risk = events, risk

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
    """The lake's state at a cut-off: day buckets of 30 days, hour buckets of the cut-off day, risk of terminals."""
    entities = {}
    for _, time, customer, terminal, amount in events:
        if day_of(time) > cutoff:
            continue
        for token, risk in ((customer, NO_RISK), (terminal, RISK)):
            days, hours, _ = entities.setdefault(token, ({}, {}, risk))
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
            known_terminals = {token for token, (_, _, risk) in entities.items() if risk is RISK}
            export_state(home / "state", cutoff, entities, sequence=2 + number)
            scorer.poller.poll()
        answer = scorer.decide(
            transaction_id=identifier, event_time=time, customer=customer, terminal=terminal, amount=amount
        )
        assert (answer.status_code, answer.json["counted"]) == (200, True)

        earlier = events[:number]
        risk = RISK if terminal in known_terminals else NO_RISK
        expected = feature_vector(
            time,
            amount,
            NaiveHistory([(t, a) for _, t, c, _, a in earlier if c == customer], NO_RISK),
            NaiveHistory([(t, a) for _, t, _, s, a in earlier if s == terminal], risk),
        )
        assert logged_vector(scorer, identifier) == np.array(expected, dtype="<f8").tobytes()


def logged_vector(scorer, identifier):
    with scorer.store.read() as view:
        return unpack_decision(view.get("decisions", key_of(identifier))).vector


def test_the_naive_history_is_not_trivial():
    """The generated events fill every window of an entity that is seen often."""
    events = generated_events(np.random.default_rng(11))
    customer = events[0][2]
    history = NaiveHistory([(t, a) for _, t, c, _, a in events if c == customer], NO_RISK)

    inputs = feature_inputs(NOON, 100, history, history)

    counts = [inputs[f"customer_{days}d_tx_count"] for days in WINDOWS]
    assert 0 < counts[0] < counts[1] < counts[2]


def test_live_days_are_dropped_only_when_no_worker_needs_them(scorer, home):
    """An event drops its entity's buckets before the oldest cut-off that a worker has reported."""
    lagging = {"pid": 1, "at": WALL_CLOCK.now(), "cutoff": DAY - 8}
    with scorer.store.write() as view:
        view.put("workers", b"worker-1", json.dumps(lagging).encode())
    decide_on(scorer, home, DAY - 7)
    decide_on(scorer, home, DAY - 3)
    assert live_days(scorer) == [DAY - 7, DAY - 3]

    with scorer.store.write() as view:
        view.put("workers", b"worker-1", json.dumps({**lagging, "cutoff": DAY - 4}).encode())
    decide_on(scorer, home, DAY - 1)
    assert live_days(scorer) == [DAY - 3, DAY - 1]

    with scorer.store.write() as view:
        view.put("workers", b"worker-1", json.dumps({**lagging, "at": WALL_CLOCK.now() - 61}).encode())
    decide_on(scorer, home, DAY)
    assert live_days(scorer) == [DAY - 1, DAY]


def decide_on(scorer, home, day):
    """Export a state up to the day before and decide an event of the day."""
    export_state(home / "state", day - 1, {}, sequence=day)
    scorer.poller.poll()
    assert scorer.decide(transaction_id=day, event_time=day * DAY_SECONDS).json["counted"]


def live_days(scorer):
    with scorer.store.read() as view:
        hours = {hour for _, record in view.items("live") for hour in decode_entity(record)[1]}
    return sorted({hour // 24 for hour in hours})
