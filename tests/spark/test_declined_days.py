"""A payment that was declined in time leaves totals, states and features, and makes nothing else stale."""

import pytest

from antifraud.lake.catalog import open_catalog, read_days
from antifraud.lake.outcome_table import OUTCOMES
from antifraud.lake.schemas import FEATURES, STATE, TOTALS_CUSTOMER, TOTALS_TERMINAL
from antifraud.settings.core import JobSettings
from jobs.day import STAGES
from jobs.publishing.publish import append_rows
from tests.spark.state_lake import A_DAY, DELAY, day, events_of, fill

DAYS = range(4)
DECLINED, EMPTIED = 1, 2
"""One payment of the first of these days is declined, and all of the second."""


def run(session, settings, stage):
    return STAGES[stage](session, settings, [day(number) for number in DAYS])


def outcome(sequence, event, effect, wait):
    """A row of the table, as the shipper writes it."""
    date, number, time, *_ = event
    said = "declined" if effect == "removed" else "authorised"
    return (
        date, "s", sequence, "", str(number), time, 1, 1, said, time + wait, time + wait, "till", effect,
    )  # fmt: skip


def rows_of(settings, table, number):
    return read_days(open_catalog(settings), table, day(number), day(number)).to_pylist()


@pytest.fixture(scope="module")
def lake(tmp_path_factory, open_lake):
    """Return a lake of four days with features, and then with outcomes."""
    settings = JobSettings(home=tmp_path_factory.mktemp("declined"), label_delay_days=DELAY)
    session = open_lake(settings)
    fill(session, settings, DAYS)
    before = {stage: run(session, settings, stage) for stage in ("totals", "state", "features")}
    one, *emptied = next(iter(events_of(DECLINED))), *events_of(EMPTIED)
    back = list(events_of(DECLINED))[1]
    rows = [outcome(1, one, "removed", 5), outcome(2, back, "removed", 5), outcome(3, back, "restored", 9)]
    rows += [outcome(4 + place, event, "removed", 0) for place, event in enumerate(emptied)]
    # Late and unapplied outcomes change nothing.
    rows += [outcome(20, next(iter(events_of(3))), "late", 200_000), outcome(21, list(events_of(3))[1], "none", 1)]
    append_rows(session, OUTCOMES, rows)
    return session, settings, before


def test_the_days_of_declined_payments_alone_are_made_anew(lake):
    """Totals of two days are stale, then the states and features that follow; afterwards nothing is."""
    session, settings, before = lake

    again = {stage: run(session, settings, stage) for stage in ("totals", "state", "features")}

    assert before["features"] == len(DAYS) * A_DAY
    assert 0 < again["totals"] < before["totals"]
    # Features of the first day alone stay: no declined payment is theirs or comes before them.
    assert again["features"] == (len(DAYS) - 1) * A_DAY
    assert [run(session, settings, stage) for stage in ("totals", "state", "features")] == [0, 0, 0]


def test_totals_leave_out_what_was_declined_for_good(lake):
    """A payment that came back counts; a day without any left has no customers, and terminals with labels at most."""
    _, settings, _ = lake

    assert [sum(row["tx_count"] for row in rows_of(settings, TOTALS_CUSTOMER, number)) for number in DAYS] == [
        A_DAY, A_DAY - 1, 0, A_DAY,
    ]  # fmt: skip
    emptied = rows_of(settings, TOTALS_TERMINAL, EMPTIED)
    assert {row["tx_count"] for row in emptied} == {0}
    assert all(row["label_changes"] and row["hours"] == [] and row["last_time"] == -1 for row in emptied)
    last = rows_of(settings, STATE, DAYS[-1])
    numbers = {bucket["day_number"] for row in last for bucket in row["days"]}
    assert len(numbers) == 3
    assert all(bucket["tx_count"] > 0 for row in last for bucket in row["days"])


def test_every_payment_has_features(lake):
    """A declined payment was decided, so its vector is part of what models learn from."""
    _, settings, _ = lake

    assert [len(rows_of(settings, FEATURES, number)) for number in DAYS] == [A_DAY] * len(DAYS)
