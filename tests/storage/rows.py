"""A few rows of the table `clean`, and a way to publish them as one day."""

import datetime as dt

from antifraud.lake.schemas import CLEAN
from jobs.publishing.publish import Batch, publish, record

SCHEMA = ", ".join(f"{column.name} {column.type}" for column in CLEAN.columns)
TOKEN = "k1.AAAAAAAAAAAAAAAAAAAAAA"
FIRST = dt.date(2026, 3, 1)


def day(number):
    """Return the day with this number; the first day has number 0."""
    return FIRST + dt.timedelta(days=number)


def batch(session, date, amounts, inputs):
    """Return a batch with one transaction for each amount."""
    rows = [(date, number, 0, TOKEN, TOKEN, amount, None) for number, amount in enumerate(amounts)]
    return Batch(CLEAN, session.createDataFrame(rows, SCHEMA).coalesce(1), {date: inputs})


def put(session, settings, date, amounts, inputs="i"):
    """Publish the day, record its run and return the run."""
    runs = publish(session, settings, batch(session, date, amounts, inputs))
    record(session, runs)
    return runs[0]
