"""A few rows of the table `clean`, and how they are published as one day."""

import datetime as dt

from antifraud.lake.schemas import CLEAN
from jobs.publishing.publish import Batch, publish, record

SCHEMA = ", ".join(f"{column.name} {column.type}" for column in CLEAN.columns)
TOKEN = "k1.AAAAAAAAAAAAAAAAAAAAAA"
FIRST = dt.date(2026, 3, 1)


def day(number):
    """The day with this number, 0 being the first."""
    return FIRST + dt.timedelta(days=number)


def batch(session, date, amounts, inputs):
    """One transaction for each amount."""
    rows = [(date, number, 0, TOKEN, TOKEN, amount) for number, amount in enumerate(amounts)]
    return Batch(CLEAN, session.createDataFrame(rows, SCHEMA).coalesce(1), {date: inputs})


def put(session, settings, date, amounts, inputs="i"):
    """Publish the day and write it down; returns its run."""
    runs = publish(session, settings, batch(session, date, amounts, inputs))
    record(session, runs)
    return runs[0]
