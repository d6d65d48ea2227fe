"""Labels as of a day agree with plain Python on many made-up histories, and never use what is learnt later."""

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
CERTAIN = ("*", "1.0D as propensity")


def histories(seed):
    """Draw up to six entries for each transaction, many at midnight or one second before or after, some tied."""
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
    """Return what the oracle says: the status of the largest (learned_at, source, sequence) before the day's end."""
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
    """Return the drawn rows, as a list and as a data frame."""
    rows = histories(5)
    return rows, spark.createDataFrame(rows, SCHEMA).selectExpr(*CERTAIN).coalesce(1).cache()


@pytest.mark.parametrize("as_of", AS_OF, ids=str)
def test_every_history_is_as_the_oracle_says(said, as_of):
    """The labels as of each day equal the oracle's; a transaction without a label by then is left out."""
    rows, frame = said
    assert collected(latest(frame, as_of)) == known(rows, as_of)


def test_what_is_learnt_later_changes_nothing(said):
    """The rows as of a day are the same whether or not the table has labels that were learnt afterwards."""
    rows, frame = said
    as_of, end = AS_OF[3], (day_number(AS_OF[3]) + 1) * DAY_SECONDS
    later = frame.where(frame["learned_at"] >= end)

    assert later.count() > len(rows) / 5
    assert collected(latest(frame, as_of)) == collected(latest(frame.where(frame["learned_at"] < end), as_of))


def test_the_histories_try_every_case():
    """The histories include unlabelled transactions, every final status, and entries that are tied in time."""
    rows = histories(5)
    by_time = {}
    for row in rows:
        by_time.setdefault((row[1], row[3]), []).append(row)

    assert len({row[1] for row in rows}) < TRANSACTIONS
    assert {status for status, _ in known(rows, AS_OF[-1]).values()} == set(STATUSES)
    assert sum(len(same) > 1 for same in by_time.values()) > 20
