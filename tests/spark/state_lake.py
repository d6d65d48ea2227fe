"""A lake of made-up transactions and labels, published without raw files, to make totals, states and features from."""

import datetime as dt
import random

from antifraud.clock import DAY_SECONDS, HOUR_SECONDS, day_number
from antifraud.lake.schemas import CLEAN, LABELS
from jobs.publishing.publish import Batch, publish, record

FIRST = dt.date(2026, 1, 1)
DELAY = 7
CUSTOMERS, TERMINALS = 8, 6
A_DAY = 5


def day(number):
    """Return the day with this number; the first day has number 0."""
    return FIRST + dt.timedelta(days=number)


def token(kind, number, key="k1"):
    """Return a text in the form of a customer's or a terminal's token."""
    return f"{key}.{kind}{number:021d}"


def events_of(number):
    """Yield the transactions of a day. Some entities are busy, others appear for a few days and never again."""
    draw = random.Random(number)  # noqa: S311 - test data
    for position in range(A_DAY):
        seconds = draw.choice((0, HOUR_SECONDS, DAY_SECONDS - 1, draw.randrange(DAY_SECONDS)))
        customer = draw.randrange(CUSTOMERS // 2) if number > 4 else draw.randrange(CUSTOMERS)
        terminal = draw.randrange(TERMINALS // 2) if number > 4 else draw.randrange(TERMINALS)
        time = day_number(day(number)) * DAY_SECONDS + seconds
        yield (day(number), number * A_DAY + position, time, token("c", customer), token("t", terminal),
               draw.choice((1, 10**9, draw.randrange(1, 50_000))), None)  # fmt: skip


def labels_of(number):
    """Yield the feed's labels after the delay, and labels of clients that come earlier, later or very late.

    A client may repeat, contradict or take back what the feed says.
    """
    draw = random.Random(1_000 + number)  # noqa: S311 - test data
    for date, transaction, time, *_ in events_of(number):
        client = draw.choice((0, 3, DELAY, 9, 20, 33, 36, 50)) * DAY_SECONDS
        later = draw.choice((0, 1, HOUR_SECONDS, 5 * HOUR_SECONDS))
        for source, delay in (("feed", DELAY * DAY_SECONDS), ("client", client), ("client", client + later)):
            if source == "feed" or draw.random() < 0.6:
                status = draw.choice(("fraud", "fraud", "legitimate", "legitimate", "unknown"))
                yield (date, transaction, status, time + delay, source, transaction * 10 + (delay > client), None)


def fill(session, settings, numbers, made_from="i"):
    """Publish `clean` and `labels` of the days with these numbers."""
    inputs = {day(number): f"{made_from}{number}" for number in numbers}
    for table, rows in ((LABELS, labels_of), (CLEAN, events_of)):
        schema = ", ".join(f"{column.name} {column.type}" for column in table.columns)
        made = session.createDataFrame([row for number in numbers for row in rows(number)], schema).coalesce(1)
        record(session, publish(session, settings, Batch(table, made, inputs)))
