"""Labels as of a day, against plain Python: thousands of made-up histories, and nothing of tomorrow in any of them."""

import datetime as dt
import random

import pytest

from antifraud.clock import DAY_SECONDS, day_number
from antifraud.lake.schemas import LABELS
from jobs.rows.labels import latest

FIRST = dt.date(2026, 1, 1)
DAYS = 12
TRANSACTIONS = 1_500
AS_OF = [FIRST + dt.timedelta(days=number) for number in (-1, 0, 3, 7, 11, 40)]
STATUSES = ("fraud", "legitimate", "unknown")
SCHEMA = ", ".join(f"{column.name} {column.type}" for column in LABELS.columns)


def histories(seed):
    """Draw up to six entries about each transaction, at midnights and one second off them, with ties."""
    draw = random.Random(seed)  # noqa: S311 - test data
    rows = []
    for transaction in range(TRANSACTIONS):
        day = FIRST + dt.timedelta(days=draw.randrange(DAYS))
        said = set()
        for _ in range(draw.randrange(7)):
            midnight = (day_number(day) + draw.randrange(20)) * DAY_SECONDS
            learned = midnight + draw.choice((-1, 0, 1, DAY_SECONDS - 1, draw.randrange(DAY_SECONDS)))
            said.add((learned, draw.choice(("client", "feed")), draw.randrange(3)))
        rows += [(day, transaction, draw.choice(STATUSES), *order, draw.choice((None, 1, 2))) for order in said]
    draw.shuffle(rows)
    return rows


def known(rows, as_of):
    """The oracle: a transaction has the status of the largest (learned_at, source, sequence) before the day's end."""
    end = (day_number(as_of) + 1) * DAY_SECONDS
    found = {}
    for row in sorted((row for row in rows if row[3] < end), key=lambda row: row[3:6]):
        found[row[1]] = (row[2], row[6])
    return found


def collected(frame):
    rows = frame.collect()
    found = {row["transaction_id"]: (row["status"], row["scenario"]) for row in rows}
    assert len(found) == len(rows)
    return found


@pytest.fixture(scope="module")
def said(spark):
    """The rows, and the same as a table in memory."""
    rows = histories(5)
    return rows, spark.createDataFrame(rows, SCHEMA).coalesce(1).cache()


@pytest.mark.parametrize("as_of", AS_OF, ids=str)
def test_every_history_is_as_the_oracle_says(said, as_of):
    """A transaction without a statement by then is not among the rows; later statements do not count."""
    rows, frame = said
    assert collected(latest(frame, as_of)) == known(rows, as_of)


def test_what_is_learnt_later_changes_nothing(said):
    """The rows as of a day are the same whether or not the table has what was learnt afterwards."""
    rows, frame = said
    as_of, end = AS_OF[3], (day_number(AS_OF[3]) + 1) * DAY_SECONDS
    later = frame.where(frame["learned_at"] >= end)

    assert later.count() > len(rows) / 5
    assert collected(latest(frame, as_of)) == collected(latest(frame.where(frame["learned_at"] < end), as_of))


def test_the_histories_try_every_case():
    """Unspoken transactions, every status as the last word, and entries that only source or sequence can order."""
    rows = histories(5)
    by_time = {}
    for row in rows:
        by_time.setdefault((row[1], row[3]), []).append(row)

    assert len({row[1] for row in rows}) < TRANSACTIONS
    assert {status for status, _ in known(rows, AS_OF[-1]).values()} == set(STATUSES)
    assert sum(len(same) > 1 for same in by_time.values()) > 20
