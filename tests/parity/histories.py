"""Generated transactions and their feature vectors, computed row by row without any of Spark's code."""

import random
from collections import defaultdict
from typing import NamedTuple

from antifraud.features.buckets import EMPTY, Buckets, History, bucket_of
from antifraud.features.labels import Risk
from antifraud.features.reference import feature_vector
from tests import naive

DAY = 86_400
HOUR = 3_600
LABEL_DELAY = 7
OFFSETS = (0, 1, 2, 6, 7, 8, 14, 27, 28, 29, 30, 31, 36, 37, 38, 39, 45)
"""Days after the first day: neighbours, and both sides of 7 days, 30 days, and 30 days after the label delay."""
EDGE_SECONDS = (0, 1, HOUR - 1, HOUR, DAY // 2, DAY - HOUR, DAY - 1)
AMOUNTS = (1, 2, 100, 7_091, 22_000, 10**9 - 1, 10**9)
STATUSES = ("fraud", "legitimate", "legitimate")
TWINS = 0.15
"""Share of events that repeat another event under another id."""
BUSY = 5
"""One in this many seeds has a single customer at a single terminal, with events in many hours of two days."""


class Label(NamedTuple):
    """A label of an event; of several, the latest by (learned_at, source, sequence) holds."""

    learned_at: int
    source: str
    sequence: int
    status: str


class Event(NamedTuple):
    """A transaction, sorted as transactions count; `number` is unique on its day only."""

    time: int
    number: int
    customer: int
    terminal: int
    amount: int
    labels: tuple[Label, ...]


def generate(seed, first_day, events):
    """Return transactions of two customers at two terminals, in order, with many ties, edge cases and long gaps."""
    draw = random.Random(seed)  # noqa: S311 - test data
    offsets, entities, hours = (OFFSETS[:2], 1, len(EDGE_SECONDS)) if seed % BUSY == 0 else (OFFSETS, 2, 1)
    found: list[Event] = []
    while len(found) < events:
        twin = draw.choice(found) if found and draw.random() < TWINS else None
        day = twin.time // DAY if twin else first_day + draw.choice(offsets)
        taken = {event.number for event in found if event.time // DAY == day}
        number = draw.choice([number for number in range(events) if number not in taken])
        full_hours = [draw.randrange(24) * HOUR for _ in range(hours)]
        second = draw.choice((*EDGE_SECONDS, draw.randrange(DAY), *full_hours))
        amount = draw.choice((*AMOUNTS, draw.randrange(1, 50_000), draw.randrange(1, 50_000)))
        new = (day * DAY + second, number, draw.randrange(entities), draw.randrange(entities), amount)
        what = (twin.time, number, *twin[2:5]) if twin else new
        found.append(Event(*what, labels_of(draw, what[0], number)))
    return sorted(found)


def labels_of(draw, time, number):
    """Return an event's labels: the feed's, and labels of others that correct it early, late or at the same moment.

    Some take a label back, and some say it again. Many are learnt in the first or the last second of an hour.
    """
    due = time + LABEL_DELAY * DAY
    feed = Label(due, "feed", number, draw.choice(STATUSES))
    wait = draw.randrange(draw.choice((DAY, LABEL_DELAY * DAY)))
    early = Label(max(at_edge(draw, time + wait), time), "desk", 1, draw.choice(STATUSES))
    late = Label(at_edge(draw, due + HOUR + draw.randrange(31 * DAY)), "desk", 2, draw.choice(STATUSES))
    again = late._replace(learned_at=late.learned_at + draw.randrange(3 * DAY), sequence=3, status="legitimate")
    soon = early._replace(learned_at=early.learned_at + draw.randrange(2 * HOUR), sequence=2, status="legitimate")
    gone = late._replace(status="unknown")
    cases = (
        (),
        (early,),
        (late,),
        (early, feed),
        (early, soon),
        (feed, late),
        (feed, gone),
        (feed, gone, again),
        (feed, late, again),
        (feed, feed),
        (feed, feed._replace(source="scheme", status="fraud")),
        (feed, feed._replace(source="aaa", status="unknown")),
    )
    return draw.choice((*cases, *[(feed,)] * len(cases)))


def at_edge(draw, time):
    """Return a time, or the first or the last second of its hour."""
    hour = time // HOUR * HOUR
    return draw.choice((time, hour, hour + HOUR - 1))


def vectors(events, label_delay_days):
    """Return the feature vector of every event, in order. Each entity's past is kept as a plain list."""
    past, found = defaultdict(list), []
    for event in events:
        keys = (("c", event.customer), ("t", event.terminal))
        histories = [history(past[key], event.time // DAY, label_delay_days) for key in keys]
        found.append(feature_vector(event.time, event.amount, *histories))
        for key in keys:
            past[key].append(event)
    return found


def history(past, today, label_delay_days):
    """Return an entity's past as an event of day `today` sees it: closed days, and hours of yesterday and today."""
    days, hours = defaultdict(lambda: EMPTY), defaultdict(lambda: EMPTY)
    for event in past:
        day = event.time // DAY
        if day < today:
            days[day] = days[day].plus(bucket_of(event.time, event.amount))
        if day >= today - 1:
            hours[event.time // HOUR] = hours[event.time // HOUR].plus(bucket_of(event.time, event.amount))
    # Labels come with the state: what is learnt of a payment on its own day counts from the next day on.
    labels = Labels(tuple(event for event in past if event.time // DAY < today), label_delay_days)
    return History(today - 1, Buckets.of(days), Buckets.of(hours), labels)


class Labels(NamedTuple):
    """The labels of a terminal's past, in place of a `LabelHistory`: every question goes through all of them."""

    past: tuple[Event, ...]
    label_delay_days: int

    def risk(self, time):
        """Return what an event at `time` sees; the labels hold in the order (learned_at, source, sequence)."""
        said = [
            (event.time, [(label.learned_at, label.status) for label in sorted(event.labels)]) for event in self.past
        ]
        return Risk(*naive.risk(said, time, self.label_delay_days))
