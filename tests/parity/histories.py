"""Generated transactions, and their feature vectors row by row: an implementation that shares no code with Spark's."""

import random
from collections import defaultdict

from antifraud.buckets import EMPTY, History, Risk, bucket_of
from antifraud.reference import feature_vector

DAY = 86_400
HOUR = 3_600
EDGE_SECONDS = (0, 1, HOUR - 1, HOUR, DAY // 2, DAY - HOUR, DAY - 1)
AMOUNTS = (1, 2, 100, 7_091, 22_000, 10**9 - 1, 10**9)


def generate(seed, first_day, days, events):
    """`events` transactions (time, id, customer, terminal, amount, is_fraud) with many ties, edges and long gaps."""
    draw = random.Random(seed)  # noqa: S311 - test data
    rows = []
    for number in range(events):
        day = first_day + draw.choice((0, 1, 7, 29, 30, 31, days - 1, draw.randrange(days))) % days
        second = draw.choice((*EDGE_SECONDS, draw.randrange(DAY), draw.randrange(24) * HOUR))
        amount = draw.choice((*AMOUNTS, draw.randrange(1, 50_000), draw.randrange(1, 50_000)))
        rows.append((day * DAY + second, number, draw.randrange(2), draw.randrange(2), amount, draw.random() < 0.3))
    return sorted(rows)


def vectors(rows, label_delay_days):
    """Feature vector of every row by id, for rows in order; each entity's past is kept as plain lists."""
    past, found = defaultdict(list), {}
    for time, number, customer, terminal, amount, is_fraud in rows:
        histories = [history(past[key], time // DAY, label_delay_days) for key in (("c", customer), ("t", terminal))]
        found[number] = feature_vector(time, amount, *histories)
        for key in (("c", customer), ("t", terminal)):
            past[key].append((time, amount, is_fraud))
    return found


def history(past, today, label_delay_days):
    """The past of an entity as an event of day `today` sees it: closed days, then hours of yesterday and today."""
    days, hours = defaultdict(lambda: EMPTY), defaultdict(lambda: EMPTY)
    for time, amount, _ in past:
        day = time // DAY
        if day < today:
            days[day] = days[day].plus(bucket_of(time, amount))
        if day >= today - 1:
            hours[time // HOUR] = hours[time // HOUR].plus(bucket_of(time, amount))
    return History(today - 1, dict(days), dict(hours), risk(past, today, label_delay_days))


def risk(past, today, label_delay_days):
    """Labels of the days that have matured by `today`: every transaction of these days is labelled by then."""
    last, counts = today - 1 - label_delay_days, []
    for window in (1, 7, 30):
        seen = [is_fraud for time, _, is_fraud in past if last - window < time // DAY <= last]
        counts += [len(seen), sum(seen)]
    labels = [(time // DAY, is_fraud) for time, _, is_fraud in past if last - 30 < time // DAY <= last]
    return Risk(*counts, *streak(labels, today))


def streak(labels, today):
    """Frauds after the last day with a legitimate row, age in days of the first of them, age of that day."""
    legit_day = max((day for day, is_fraud in labels if not is_fraud), default=None)
    frauds = [day for day, is_fraud in labels if is_fraud and (legit_day is None or day > legit_day)]
    return len(frauds), today - min(frauds) if frauds else 0, 0 if legit_day is None else today - legit_day
