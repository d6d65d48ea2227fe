"""Totals and labels of a handful of rows equal results that are written out."""

import datetime as dt
from decimal import Decimal

import pytest

D1 = dt.date(2026, 1, 1)
START = 1_767_225_600
HOUR = 490_896  # the hour number of START
DAY = 20_454  # the day number of D1
CLEAN_SCHEMA = "day date, transaction_id bigint, event_time bigint, customer string, terminal string, amount bigint"
LABEL_SCHEMA = (
    "day date, transaction_id bigint, status string, learned_at bigint, source string, sequence bigint, scenario int"
)
EVENTS = [
    (D1, 1, START, "c1", "t1", 10**9),
    (D1, 2, START + 3_599, "c1", "t2", 10**9),
    (D1, 3, START + 3_600, "c1", "t1", 1),
    (D1, 4, START + 86_399, "c2", "t1", 700),
]


DUE = HOUR + 7 * 24  # when the feed tells what happened in the first hour


def said(number, status, day, source="feed", sequence=0, hour=0):
    """Return a label learnt in an hour of day number DAY + `day`."""
    return (D1, number, status, (DAY + day) * 86_400 + hour * 3_600, source, sequence, 0)


@pytest.fixture(scope="module")
def events(spark):
    """Return four transactions of one day."""
    return spark.createDataFrame(EVENTS, CLEAN_SCHEMA)


def test_customer_totals(events):
    """A customer's sums are exact, and its hours lie in order."""
    from jobs.lake.totals import customer_totals

    found = {row["customer"]: row.asDict(recursive=True) for row in customer_totals(events).collect()}
    first = {"tx_count": 2, "amount_sum": 2 * 10**9, "amount_sum_sq": Decimal(2 * 10**18), "amount_max": 10**9}
    second = {"tx_count": 1, "amount_sum": 1, "amount_sum_sq": Decimal(1), "amount_max": 1}

    assert found["c1"] == {
        "day": D1, "customer": "c1", "tx_count": 3, "amount_sum": 2 * 10**9 + 1,
        "amount_sum_sq": Decimal(2 * 10**18 + 1), "amount_max": 10**9, "last_time": START + 3_600,
        "hours": [
            {"hour": HOUR, **first, "last_time": START + 3_599},
            {"hour": HOUR + 1, **second, "last_time": START + 3_600},
        ],
    }  # fmt: skip
    assert [hour["hour"] for hour in found["c2"]["hours"]] == [HOUR + 23]


def test_changes_counts_corrections_once(spark, events):
    """A first label adds, a later one adds the difference, and unknown takes back.

    Days without a change are left out.
    """
    from jobs.lake.totals import terminal_totals

    labels = [
        said(1, "legitimate", 7),
        said(1, "fraud", 9, "client", 1),
        said(1, "fraud", 10, "client", 2),
        said(3, "fraud", 7),
        said(3, "unknown", 9, "client", 3),
        said(4, "fraud", 7, "client", 4),
        said(4, "legitimate", 7, "feed", 9),
    ]
    rows = terminal_totals(events, spark.createDataFrame(labels, LABEL_SCHEMA), 7).collect()
    found = {row["terminal"]: [tuple(change) for change in row["label_changes"]] for row in rows}

    # Day 7: 1, 3 and 4 become known. Only 3 is a fraud, because for 4 the feed's label comes after the client's.
    # Day 9: 1 turns into a fraud, which is late news and keeps its place. 3 becomes unknown again.
    assert found == {"t1": [(DUE, DUE, 3, 1), (DUE + 48, DUE, -1, 0)], "t2": []}


def test_changes_keeps_the_place_of_labels(spark, events):
    """A label in time lies where it was learnt, a correction moves it, and a late label lies where the feed's does."""
    from jobs.lake.totals import terminal_totals

    labels = [
        said(1, "fraud", 1, "client", 1, hour=5),  # in time
        said(1, "fraud", 1, "client", 2, hour=6),  # says nothing new
        said(1, "legitimate", 2, "client", 3, hour=1),  # moves it
        said(1, "legitimate", 7),
        said(3, "fraud", 20, "client", 4, hour=3),  # late: the feed would have told it on day 7 in hour 1
        said(4, "fraud", 3, "client", 5, hour=2),
        said(4, "unknown", 3, "client", 6, hour=2),  # in the same hour: nothing was known
        said(2, "fraud", 0, "client", 7, hour=0),
    ]
    rows = terminal_totals(events, spark.createDataFrame(labels, LABEL_SCHEMA), 7).collect()
    found = {row["terminal"]: [tuple(change) for change in row["label_changes"]] for row in rows}

    assert found == {
        "t1": [
            (HOUR + 29, HOUR + 29, 1, 1),
            (HOUR + 49, HOUR + 29, -1, -1),
            (HOUR + 49, HOUR + 49, 1, 0),
            (HOUR + 20 * 24 + 3, DUE + 1, 1, 1),
        ],
        "t2": [(HOUR, HOUR, 1, 1)],
    }


def test_labels_as_of_a_day(spark):
    """A label as of a day is the latest entry, by (learned_at, source, sequence), learnt before the day's end."""
    from jobs.rows.labels import latest

    labels = spark.createDataFrame(
        [said(1, "legitimate", 7), said(1, "fraud", 8, "client", 1), said(2, "unknown", 7), said(3, "fraud", 8),
         said(4, "fraud", 7, "client", 2), said(4, "legitimate", 7, "client", 10)],
        LABEL_SCHEMA,
    ).selectExpr("*", "1.0D as propensity")  # fmt: skip

    def known(day):
        rows = latest(labels, D1 + dt.timedelta(days=day)).collect()
        return {row["transaction_id"]: row["status"] for row in rows}

    assert known(6) == {}
    assert known(7) == {1: "legitimate", 2: "unknown", 4: "legitimate"}
    assert known(8) == {1: "fraud", 2: "unknown", 3: "fraud", 4: "legitimate"}
    rows = latest(labels, D1 + dt.timedelta(days=8)).collect()
    assert {row["transaction_id"]: row["delay"] for row in rows} == {1: 8, 2: None, 3: 8, 4: 7}
