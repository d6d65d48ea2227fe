"""Generated worlds for the scorer: events and labels in any order of arrival, nights, and the states that they make."""

from collections import Counter

import numpy as np

from antifraud.artifacts.state_export import Entity
from antifraud.clock import DAY_SECONDS, HOUR_SECONDS, day_of
from antifraud.features.buckets import EMPTY, bucket_of
from antifraud.features.labels import NO_HOUR, Change, Counts, LabelHistory, changes_of
from antifraud.keys.pseudonym import tokenise
from tests.serving.row_loop import Row, Said
from tests.serving.scene import DAY, KEY

DELAY_DAYS = 2
LATE_DAYS = 5
DAYS = 12
FIRST_DAY = DAY - DAYS
LATENESS = (0, 0, 0, 0, 1, 40, 900, 2 * HOUR_SECONDS, 20 * HOUR_SECONDS, DAY_SECONDS, int(4.9 * DAY_SECONDS))
"""Typical seconds between an event and its arrival."""
STATUSES = ("fraud", "legitimate", "legitimate", "unknown")


def generate_events(rng, count):
    """Events of `DAYS` days, some of them together, on the hour or at midnight."""
    times = rng.integers(FIRST_DAY * DAY_SECONDS, DAY * DAY_SECONDS, size=count)
    times[1::7] = times[0::7][: len(times[1::7])]
    times[2::11] -= times[2::11] % HOUR_SECONDS
    times[3::31] -= times[3::31] % DAY_SECONDS
    return [
        Row(
            number,
            int(time),
            tokenise(KEY, "customer", int(rng.integers(4))),
            tokenise(KEY, "terminal", int(rng.integers(3))),
            int(rng.integers(1, 50_000)),
        )
        for number, time in enumerate(times)
    ]


def generate_feed(rng, events):
    """The feed of the lake: most events, each with a label when it is due, and some corrections of labels."""
    feed, labels = [], []
    for row in events:
        if rng.random() < 0.12:  # the scorer knows of payments that the feed never delivers
            continue
        feed.append(row)
        told = row.time + DELAY_DAYS * DAY_SECONDS
        labels.append(Said(row.number, told, str(rng.choice(STATUSES))))
        if rng.random() < 0.2:
            later = told + int(rng.integers(4 * DAY_SECONDS))
            labels.append(Said(row.number, later, str(rng.choice(STATUSES))))
    return feed, labels


def generate_labels(rng, events):
    """Labels that clients post, with the time of arrival: early, late, corrected, and some of them twice."""
    for row in events:
        learned = row.time
        for _ in range(int(rng.integers(4))):
            # A later label may be of the same second; the order of arrival then decides.
            learned += int(rng.choice([0, 0, 600, 5_000, 90_000])) + int(rng.integers(2)) * int(rng.integers(90_000))
            said = Said(row.number, learned, str(rng.choice(STATUSES)))
            arrival = learned + int(rng.choice(LATENESS[3:9]))
            yield arrival, said
            if rng.random() < 0.4:
                yield arrival + int(rng.integers(2 * DAY_SECONDS)), said


def generate_cutoffs(rng):
    """A new cut-off at three in the morning; every fourth night comes a day late."""
    for day in range(FIRST_DAY + 1, DAY + 1):
        if rng.random() < 0.75:
            yield day * DAY_SECONDS + 3 * HOUR_SECONDS, day - 1


def generate_world(seed, count=240):
    """The feed, its labels, and everything that happens, as ``(time, event, label or cut-off)``, in order."""
    rng = np.random.default_rng(seed)
    events = generate_events(rng, count)
    feed, feed_labels = generate_feed(rng, events)
    happens = [(row.time + int(rng.choice(LATENESS)), row) for row in events]
    happens += [*generate_labels(rng, events), *generate_cutoffs(rng)]
    return feed, feed_labels, sorted(happens, key=lambda happening: happening[0])


def state_of(feed, feed_labels, cutoff, label_delay_days=DELAY_DAYS):
    """The state that the lake makes of a feed: buckets of closed days and of the cut-off day's hours, and labels."""
    entities = {}
    for row in feed:
        if not cutoff - 30 < day_of(row.time) <= cutoff:
            continue
        for token in (row.customer, row.terminal):
            days, hours, _ = entities.setdefault(token, ({}, {}, LabelHistory(cutoff)))
            _add(days, day_of(row.time), row)
            if day_of(row.time) == cutoff:
                _add(hours, row.time // HOUR_SECONDS, row)
    for terminal in {row.terminal for row in feed}:
        days, hours, _ = entities.get(terminal, ({}, {}, None))
        rows = [row for row in feed if row.terminal == terminal and day_of(row.time) <= cutoff]
        entities[terminal] = Entity(days, hours, _labels_of(rows, feed_labels, cutoff, label_delay_days))
    return entities


def _add(buckets, number, row):
    buckets[number] = buckets.get(number, EMPTY).plus(bucket_of(row.time, row.amount))


def _labels_of(rows, feed_labels, cutoff, label_delay_days):
    changes = []
    for row in rows:
        said = sorted((s.learned_at, s.status) for s in feed_labels if s.number == row.number)
        changes += changes_of(said, row.time, label_delay_days)
    closed = [c for c in changes if c.hour // 24 <= cutoff and c.since // 24 > cutoff - 30]
    news = [c for c in closed if c.since == c.hour]
    last_legit = max((c.hour for c in news if c.known > c.fraud), default=NO_HOUR)
    streak = Counter(c.hour for c in news if c.fraud and c.hour > last_legit)
    return LabelHistory.of(
        cutoff,
        _counts(closed, lambda change: change.since // 24),
        _counts([c for c in closed if c.since // 24 == cutoff], lambda change: change.since),
        last_legit,
        streak,
        _merged([c for c in changes if cutoff < c.hour // 24 <= cutoff + 2]),
    )


def _counts(changes, place):
    known, fraud = Counter(), Counter()
    for change in changes:
        known[place(change)] += change.known
        fraud[place(change)] += change.fraud
    return {number: Counts(known[number], fraud[number]) for number in known}


def _merged(changes):
    known, fraud = Counter(), Counter()
    for change in changes:
        known[change.hour, change.since] += change.known
        fraud[change.hour, change.since] += change.fraud
    return [Change(hour, since, known[hour, since], fraud[hour, since]) for hour, since in known]
