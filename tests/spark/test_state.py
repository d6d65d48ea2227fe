"""States on a handful of totals: which entities they hold, for how long, and when labels begin to count."""

import datetime as dt

import pytest

from antifraud.clock import date_of
from antifraud.features.buckets import NEVER

DAY = 20_454
CLEAN_SCHEMA = "day date, transaction_id bigint, event_time bigint, customer string, terminal string, amount bigint"
LABEL_SCHEMA = (
    "day date, transaction_id bigint, status string, learned_at bigint, source string, sequence bigint, scenario int"
)
DELAY = 7


@pytest.fixture(scope="module")
def states(spark):
    """Return states by cut-off and entity, made of a fraud on day 0 and a legitimate row on day 3."""
    from jobs.lake.state import state_of
    from jobs.lake.totals import customer_totals, terminal_totals

    events = [(date_of(DAY + n), n, (DAY + n) * 86_400 + 7_200, "c", "t", 500 + n) for n in (0, 3)]
    labels = [(day, n, "fraud" if n == 0 else "legitimate", time + DELAY * 86_400, "feed", n, 0)
              for day, n, time, *_ in events]  # fmt: skip
    clean, said = spark.createDataFrame(events, CLEAN_SCHEMA), spark.createDataFrame(labels, LABEL_SCHEMA)
    days = [date_of(DAY + n) for n in (0, 1, 3, 6, 7, 10, 29, 30, 32, 33, 36, 37, 39, 40)]
    rows = state_of(spark, customer_totals(clean), terminal_totals(clean, said, DELAY), days, DELAY).collect()
    return {((row["day"] - date_of(DAY)).days, row["entity"]): row for row in rows}


def numbers(row):
    return [bucket["day_number"] - DAY for bucket in row["days"]]


@pytest.mark.parametrize(
    ("cutoff", "days", "hours"), [(0, [0], 1), (1, [0], 0), (3, [0, 3], 1), (29, [0, 3], 0), (30, [3], 0), (32, [3], 0)]
)
def test_days_and_hours_of_a_cutoff(states, cutoff, days, hours):
    """A state holds the buckets of thirty days up to the cut-off, and hours of the cut-off day alone."""
    row = states[cutoff, "c"]

    assert numbers(row) == days
    assert len(row["hours"]) == hours


@pytest.mark.parametrize(
    ("cutoff", "week", "month"),
    [
        (0, (1, 500, 250_000, 500, DAY * 86_400 + 7_200), (1, 500, 250_000, 500, DAY * 86_400 + 7_200)),
        (3, (2, 1_003, 503_009, 503, (DAY + 3) * 86_400 + 7_200), (2, 1_003, 503_009, 503, (DAY + 3) * 86_400 + 7_200)),
        (7, (1, 503, 253_009, 503, (DAY + 3) * 86_400 + 7_200), (2, 1_003, 503_009, 503, (DAY + 3) * 86_400 + 7_200)),
        (10, (0, 0, 0, 0, NEVER), (2, 1_003, 503_009, 503, (DAY + 3) * 86_400 + 7_200)),
    ],
)
def test_closed_days_are_added_up(states, cutoff, week, month):
    """Sums cover seven and thirty days up to the cut-off; without transactions they are the empty bucket."""
    row = states[cutoff, "c"]

    assert (tuple(row["closed_7d"]), tuple(row["closed_30d"])) == (week, month)


def test_who_was_not_seen_for_thirty_days_is_left_out(states):
    """A customer leaves thirty days after the last transaction, and a terminal when its labels stop counting."""
    assert (32, "c") in states
    assert (33, "c") not in states
    assert numbers(states[33, "t"]) == []
    assert (39, "t") in states
    assert (40, "t") not in states


@pytest.mark.parametrize(
    ("cutoff", "closed", "days", "hours"),
    [
        (6, (0, 0, 0, 0), [], []),
        (7, (1, 1, 1, 1), [(7, 1, 1)], [(170, 1, 1)]),
        (10, (2, 1, 2, 1), [(7, 1, 1), (10, 1, 0)], [(242, 1, 0)]),
        (36, (0, 0, 2, 1), [(7, 1, 1), (10, 1, 0)], []),
        (37, (0, 0, 1, 0), [(10, 1, 0)], []),
    ],
)
def test_labels_count_once_they_are_learnt(states, cutoff, closed, days, hours):
    """Labels are learnt in hour 2 of days 7 and 10; sums cover 7 and 30 days, and hours the cut-off day alone."""
    row = states[cutoff, "t"]

    assert tuple(row[f"{count}_{days}d"] for days in (7, 30) for count in ("known", "fraud")) == closed
    assert [(number - DAY, *counts) for number, *counts in row["label_days"]] == days
    assert [(hour - 24 * DAY, *counts) for hour, *counts in row["label_hours"]] == hours


@pytest.mark.parametrize(
    ("cutoff", "last_legit", "streak"),
    [(6, None, []), (7, None, [(170, 1)]), (10, 242, []), (36, 242, []), (39, 242, [])],
)
def test_a_legitimate_label_ends_a_streak(states, cutoff, last_legit, streak):
    """The fraud of day 0 is a streak until the legitimate label of day 3 is known, on day 10 in hour 2."""
    row = states[cutoff, "t"]

    assert row["last_legit"] == (-1 if last_legit is None else 24 * DAY + last_legit)
    assert [(hour - 24 * DAY, fraud) for hour, fraud in row["streak"]] == streak


@pytest.mark.parametrize(("cutoff", "ahead"), [(3, []), (6, [(170, 170, 1, 1)]), (7, []), (10, [])])
def test_a_state_knows_the_labels_of_two_days_ahead(states, cutoff, ahead):
    """Changes of the two days after the cut-off are kept apart; a label of day 7 is ahead of cut-offs 5 and 6."""
    changes = states[cutoff, "t"]["changes_ahead"]

    assert [(hour - 24 * DAY, since - 24 * DAY, *counts) for hour, since, *counts in changes] == ahead


def test_a_label_that_came_late_is_not_in_earlier_states(spark):
    """A correction learnt on day 12 changes the states from day 12 on. It keeps its place, and begins no streak."""
    from jobs.lake.state import state_of
    from jobs.lake.totals import customer_totals, terminal_totals

    clean = spark.createDataFrame([(date_of(DAY), 1, DAY * 86_400, "c", "t", 5)], CLEAN_SCHEMA)
    feed = (date_of(DAY), 1, "legitimate", (DAY + DELAY) * 86_400, "feed", 1, 0)
    correction = (date_of(DAY), 1, "fraud", (DAY + 12) * 86_400, "client", 1, 0)
    said = spark.createDataFrame([feed, correction], LABEL_SCHEMA)
    days = [date_of(DAY + n) for n in (11, 12)]
    rows = state_of(spark, customer_totals(clean), terminal_totals(clean, said, DELAY), days, DELAY).where(
        "kind = 'terminal'"
    )
    found = {row["day"]: row for row in rows.collect()}

    assert [found[day]["fraud_30d"] for day in days] == [0, 1]
    assert [[tuple(counts) for counts in found[day]["label_days"]] for day in days] == [
        [(DAY + DELAY, 1, 0)],
        [(DAY + DELAY, 1, 1)],
    ]
    assert [found[day]["streak"] for day in days] == [[], []]
    assert [found[day]["changes_ahead"] for day in days] == [[(24 * (DAY + 12), 24 * (DAY + DELAY), 0, 1)], []]


def test_a_day_that_the_totals_lack_is_named():
    """Totals may begin inside the window, but a missing day after the first is refused by name."""
    from antifraud.errors import MissingDay
    from antifraud.lake.catalog import Run
    from jobs.lake.state import _require_no_hole

    first = dt.date(2026, 1, 1)
    window = [first + dt.timedelta(days=n) for n in range(-3, 5)]
    runs = {day: Run("totals_customer", day, "i", 1, 1, "{}", 1) for day in window[3:]}
    holed = {day: run for day, run in runs.items() if day != dt.date(2026, 1, 3)}

    _require_no_hole(window[-1], window, runs, runs)
    with pytest.raises(MissingDay, match="looks back on 2026-01-03"):
        _require_no_hole(window[-1], window, runs, holed)
