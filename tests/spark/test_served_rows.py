"""Rows of served days know what was decided about them, and count only if no flag of ours decides on the label."""

import datetime as dt

import pytest

from antifraud.clock import DAY_SECONDS, Span, day_number
from antifraud.errors import DataError
from antifraud.gate.identified import FlaggedDay
from antifraud.lake.appending import Appender, Progress
from antifraud.lake.catalog import full_name
from antifraud.lake.schemas import FEATURES, LABELS, RUNS
from antifraud.lake.shipped_tables import CLIENT_LABELS, DECISIONS
from antifraud.settings.core import JobSettings
from jobs.judging.reduction import heavy_rows, require_equal_chances
from jobs.rows.dataset import read_sample, write_sample
from jobs.rows.decisions import count_flagged, repeat_rows, weigh_rows
from jobs.rows.inputs import Inputs
from jobs.rows.source import flagged_days, labelled_rows
from tests.spark.model_lake import counts_of

DAY = dt.date(2026, 1, 2)
TIME = day_number(DAY) * DAY_SECONDS
LATER = DAY + dt.timedelta(days=1)
AS_OF = dt.date(2026, 1, 12)
ROWS = "window string, day date, transaction_id bigint, status string, propensity double"
DECIDED = "day date, transaction_id bigint, would_flag boolean, blocked boolean, chance double"
SAID = "day date, transaction_id bigint, status string, propensity double"
ORDINARY, LET, BLOCKED, HOPELESS, BY_RULE = range(5)
FLAGS = {
    LET: (True, False, 0.25),
    BLOCKED: (True, True, 0.25),
    HOPELESS: (True, True, 0.0),
    BY_RULE: (False, True, 0.0),
    ORDINARY: (False, False, 1.0),
}
"""Would-be flag, whether it was blocked, and its chance not to be."""


def decided(spark, day=DAY):
    return spark.createDataFrame([(day, number, *flags) for number, flags in FLAGS.items()], DECIDED)


def weighed(spark, day, *, window="certify", chances=None, status="legitimate"):
    """Return status and propensity by kind of row, after weighing with what is known of `day`."""
    given = chances or {}
    rows = [(window, DAY, number, status, given.get(number, 1.0)) for number in FLAGS]
    found = weigh_rows(spark.createDataFrame(rows, ROWS), decided(spark), [day]).collect()
    return {row["transaction_id"]: (row["status"], row["propensity"]) for row in found}


def test_rows_of_the_control_share_stand_for_blocked_ones(spark):
    """A passed row of a fourth stands for four; the blocked one that it stands for goes, others stay unknown."""
    assert weighed(spark, FlaggedDay(DAY, blocked=2, passed=1)) == {
        ORDINARY: ("legitimate", 1.0),
        LET: ("legitimate", 0.25),
        HOPELESS: ("unknown", 1.0),
        BY_RULE: ("unknown", 1.0),
    }


def test_rows_of_a_day_with_all_labels_count_once(spark):
    """If all blocked payments have a label, each row counts once; only a rule's own block stays unknown."""
    assert weighed(spark, FlaggedDay(DAY, blocked=2, certain=2, passed=1)) == {
        ORDINARY: ("legitimate", 1.0),
        LET: ("legitimate", 1.0),
        BLOCKED: ("legitimate", 1.0),
        HOPELESS: ("legitimate", 1.0),
        BY_RULE: ("unknown", 1.0),
    }


def test_labels_of_a_sample_stand_for_blocked_rows(spark):
    """A sampled label stands for blocked rows, other blocked ones go, and a passed row stands for itself."""
    day = FlaggedDay(DAY, blocked=2, sampled=1, sampled_for=10.0)
    assert weighed(spark, day, chances={BLOCKED: 0.1}) == {
        ORDINARY: ("legitimate", 1.0),
        LET: ("legitimate", 1.0),
        BLOCKED: ("legitimate", 0.1),
        BY_RULE: ("unknown", 1.0),
    }


def test_all_labels_count_in_training(spark):
    """In the train window every label counts, those of blocked payments too, with the propensity of the passed one."""
    assert weighed(spark, FlaggedDay(DAY, blocked=2, passed=1), window="train", status="fraud") == {
        ORDINARY: ("fraud", 1.0),
        LET: ("fraud", 0.25),
        BLOCKED: ("fraud", 1.0),
        HOPELESS: ("fraud", 1.0),
        BY_RULE: ("fraud", 1.0),
    }


def test_flagged_payments_are_counted_by_what_tells_of_them(spark):
    """Two payments are blocked, one of them labelled; the label of a passed one stands for eight."""
    labels = [(DAY, LET, "fraud", 0.5), (DAY, BLOCKED, "fraud", 1.0), (DAY, HOPELESS, "unknown", 1.0)]
    features = spark.createDataFrame([(DAY, number) for number in FLAGS], "day date, transaction_id bigint")
    found = count_flagged(decided(spark), spark.createDataFrame(labels, SAID), features)
    assert found == [FlaggedDay(DAY, 5, blocked=2, certain=1, chanceless=1, passed=1, labelled=1, labelled_for=8.0)]


def test_labels_of_payments_that_the_lake_lacks_do_not_count(spark):
    """A blocked payment that the lake lacks counts as blocked, and its label tells nothing of the lake's rows."""
    labels = spark.createDataFrame([(DAY, LET, "fraud", 1.0), (DAY, BLOCKED, "fraud", 1.0)], SAID)
    features = spark.createDataFrame([(DAY, ORDINARY)], "day date, transaction_id bigint")
    assert count_flagged(decided(spark), labels, features) == [FlaggedDay(DAY, 5, blocked=2, chanceless=1, passed=1)]


def test_rows_are_repeated_as_often_as_they_stand_for(spark):
    """A quarter gives four rows; 2.5 is two or three, right on average; rows without a label are not repeated."""
    columns = "day date, transaction_id bigint, status string, propensity double, was_flagged boolean, score int"
    rows = [(DAY, 1, "fraud", 0.25, True, 5), (DAY, 2, "unknown", 0.25, True, 5), (DAY, 3, "legitimate", 1.0, False, 5)]
    many = [(DAY, number, "legitimate", 0.4, True, number % 2) for number in range(1_000, 3_000)]
    found = repeat_rows(spark.createDataFrame([*rows, *many], columns)).cache()
    times = {row["transaction_id"]: row["count"] for row in found.groupBy("transaction_id").count().collect()}
    often = [times[number] for number in range(1_000, 3_000)]

    assert [times[number] for number in (1, 2, 3)] == [4, 1, 1]
    assert set(often) == {2, 3}
    assert sum(often) == pytest.approx(5_000, abs=90)
    heavy = heavy_rows(found)
    assert (heavy.score.tolist(), heavy.weight.tolist(), heavy.rows) == ([0, 0, 1, 1], [2, 3, 2, 3], 2_000)
    assert heavy.copies.sum() == sum(often)


def test_rows_that_were_never_served_are_not_touched(spark):
    """Without decisions the rows themselves come back, and no row is heavy."""
    rows = spark.createDataFrame([("certify", DAY, 1, "fraud", 1.0)], ROWS)
    assert repeat_rows(rows) is rows
    assert heavy_rows(rows) is None


@pytest.mark.parametrize(
    ("row", "found"),
    [
        (("fraud", 0.1, False), "1 rows have a label that came by chance"),
        (("fraud", 0.0005, True), "1 labelled rows of flagged payments have a propensity below 0.001"),
    ],
)
def test_chances_that_weights_cannot_repair_are_refused(spark, row, found):
    """Samples of payments that were not flagged, and propensities close to 0, are refused by number."""
    columns = "status string, propensity double, was_flagged boolean"
    usable = [("fraud", 0.1, True), ("legitimate", 1.0, False), ("unknown", 0.1, False), ("unknown", 0.0, True)]
    require_equal_chances(spark.createDataFrame(usable, columns))
    with pytest.raises(DataError, match=found):
        require_equal_chances(spark.createDataFrame([*usable, row], columns))


def shipped(number, **changes):
    """Return a row of `decisions` about a transaction of the lake."""
    values = {"day": DAY, "store": "s", "arrival": number, "decision_id": f"s:{number}", "namespace": "",
              "transaction_id": str(number), "event_time": TIME, "decided_at": TIME, "customer": "k1.c",
              "terminal": "k1.t", "amount": 700, "vector": [1.0], "release": "r", "score": 7, "threshold": 5,
              "mode": "SERVING", "epoch": 1, "cutoff": DAY, "would_flag": False, "flagged": False,
              "effect": "approve", "policy": 0, "hits": "", "propensity": 1.0, "counted": True,
              "history_complete": True, "era": 0}  # fmt: skip
    return tuple((values | changes)[column.name] for column in DECISIONS.columns)


def filled(open_lake, home):
    """Publish six labelled rows of each of two days; return settings and session."""
    settings = JobSettings(home=home)
    session = open_lake(settings)
    days = [(day, number) for day in (DAY, LATER) for number in range(1, 7)]
    features = ", ".join(f"{column.name} {column.type}" for column in FEATURES.columns)
    vectors = [(*key, TIME, "k1.c", "k1.t", 700, *[1.0] * (len(FEATURES.columns) - 7), None) for key in days]
    session.createDataFrame(vectors, features).writeTo(full_name(FEATURES)).append()
    types = ", ".join(f"{column.name} {column.type}" for column in LABELS.columns)
    said = [(*key, "fraud" if key[1] == 4 else "legitimate", TIME + 8 * DAY_SECONDS, "feed", 0, 0) for key in days]
    session.createDataFrame(said, types).writeTo(full_name(LABELS)).append()
    runs = [
        (table.name, day, "made", 0, 6, counts_of(table), 1) for table in (FEATURES, LABELS) for day in (DAY, LATER)
    ]
    schema = ", ".join(f"`{column.name}` {column.type}" for column in RUNS.columns)
    session.createDataFrame(runs, schema).writeTo(full_name(RUNS)).append()
    return settings, session


def test_features_are_joined_with_what_was_decided(open_lake, tmp_path):
    """The feed's word that a blocked payment is legitimate says nothing; its word of a fraud does, and a client's.

    Payments that were let through keep the feed's label, with the propensity of their decision. A client's sample has
    its own, unless the feed labels the payment, too. A day that was never served stays as it is, and other namespaces
    are none of the lake's.
    """
    settings, session = filled(open_lake, tmp_path)
    before = Inputs.of(settings, {"train": Span(DAY, LATER)}, AS_OF)
    flag = {"would_flag": True, "propensity": 0.25}
    decisions = [shipped(1), shipped(2, **flag), *(shipped(n, **flag, flagged=True) for n in (3, 4, 5)),
                 shipped(6, namespace="shop", flagged=True, propensity=0.0)]  # fmt: skip
    Appender(settings, "s").append(DECISIONS, decisions, None, Progress(6, ""))
    sampled = [
        (DAY, "s", number, "", str(number), TIME, "k1.t", number, 0, "legitimate", TIME + 60, "till", 0.1, 0)
        for number in (1, 5)
    ]
    Appender(settings, "s").append(CLIENT_LABELS, sampled, None, Progress(5, ""))

    inputs = Inputs.of(settings, {"train": Span(DAY, LATER)}, AS_OF)
    rows = labelled_rows(session, inputs).collect()

    of = ("status", "propensity", "would_flag", "was_flagged")
    found = {row["transaction_id"]: tuple(row[name] for name in of) for row in rows if row["day"] == DAY}
    assert found == {
        1: ("legitimate", 1.0, False, False),
        2: ("legitimate", 0.25, True, True),
        3: ("unknown", 1.0, True, True),
        4: ("fraud", 1.0, True, True),
        5: ("legitimate", 0.1, True, True),
        6: ("legitimate", 1.0, None, False),
    }
    assert {tuple(row[name] for name in of) for row in rows if row["day"] == LATER} == {
        ("legitimate", 1.0, None, False),
        ("fraud", 1.0, None, False),
    }
    assert flagged_days(session, inputs) == [
        FlaggedDay(DAY, 5, 3, certain=1, sampled=1, sampled_for=10.0, passed=1, labelled=1, labelled_for=4.0)
    ]
    assert (before.decisions_snapshot, flagged_days(session, before)) == (0, [])
    assert inputs.days != before.days
    assert "would_flag" not in labelled_rows(session, before).columns


def test_served_days_without_a_flag_train_as_days_that_were_never_served(open_lake, tmp_path):
    """All payments were approved, so the model gets the same numbers in the same order, bit by bit."""
    settings, session = filled(open_lake, tmp_path)
    spans = {"train": Span(DAY, DAY), "select": Span(LATER, LATER)}
    before = Inputs.of(settings, spans, AS_OF)
    approved = [shipped(number) for number in range(1, 7)]
    Appender(settings, "s").append(DECISIONS, approved, None, Progress(6, ""))
    after = Inputs.of(settings, spans, AS_OF)

    for name, inputs in (("before", before), ("after", after)):
        write_sample(labelled_rows(session, inputs), tmp_path / name)

    assert (before.decisions_snapshot, after.decisions_snapshot > 0) == (0, True)
    for window in spans:
        never, served = (read_sample(tmp_path / name, window, 1.0) for name in ("before", "after"))
        assert (never.vectors.tobytes(), never.amount.tobytes()) == (served.vectors.tobytes(), served.amount.tobytes())
        assert (never.is_fraud.tolist(), never.weight.tolist()) == (served.is_fraud.tolist(), served.weight.tolist())
        assert (never.propensity, served.propensity, never.amount.size) == (None, None, 6)
