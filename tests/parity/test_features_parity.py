"""Spark's features and the row-by-row reference give the same bits for events in order."""

import datetime as dt
import math
import struct

import pytest

from antifraud.clock import date_of, day_number, days_between
from antifraud.features import FEATURE_NAMES
from tests.parity import histories

HISTORIES = 300
EVENTS = 14
DAYS = 45
FIRST = dt.date(2024, 2, 1)
LABEL_DELAY = 7
CLEAN_SCHEMA = "day date, transaction_id bigint, event_time bigint, customer string, terminal string, amount bigint"
LABEL_SCHEMA = "day date, transaction_id bigint, status string, learned_at bigint, source string, sequence bigint"


@pytest.fixture(scope="module")
def worlds():
    """Independent histories over a leap day; transaction ids of history h are h * EVENTS and up."""
    return [histories.generate(seed, day_number(FIRST), DAYS, EVENTS) for seed in range(HISTORIES)]


@pytest.fixture(scope="module")
def computed(spark, worlds):
    """Features of all histories by transaction id, through totals, states of every day, and features."""
    from jobs.features import feature_rows
    from jobs.state import state_of
    from jobs.totals import customer_totals, terminal_totals

    clean, labels = [], []
    for world, rows in enumerate(worlds):
        for time, number, customer, terminal, amount, is_fraud in rows:
            day, key = date_of(time // 86_400), world * EVENTS + number
            learned = (time // 86_400 + LABEL_DELAY) * 86_400
            clean.append((day, key, time, f"c{world}-{customer}", f"t{world}-{terminal}", amount))
            labels.append((day, key, "fraud" if is_fraud else "legitimate", learned, "feed", key))
    events = spark.createDataFrame(clean, CLEAN_SCHEMA).cache()
    said = spark.createDataFrame(labels, LABEL_SCHEMA)
    days = days_between(FIRST, FIRST + dt.timedelta(days=DAYS - 1))
    states = state_of(spark, customer_totals(events), terminal_totals(events, said), days, LABEL_DELAY)
    rows = feature_rows(events, states).collect()
    events.unpersist()
    return {row["transaction_id"]: [row[name] for name in FEATURE_NAMES] for row in rows}


def bits(value):
    return b"null" if value is None or math.isnan(value) else struct.pack(">d", value)


def test_every_vector_has_the_same_bits(worlds, computed):
    """All features of all events, compared as bit patterns; null stands for NaN."""
    different = []
    for world, rows in enumerate(worlds):
        for number, expected in histories.vectors(rows, LABEL_DELAY).items():
            found = computed[world * EVENTS + number]
            different += [
                (world, number, name, theirs, ours)
                for name, theirs, ours in zip(FEATURE_NAMES, found, expected, strict=True)
                if bits(theirs) != bits(ours)
            ]

    assert different == []
    assert len(computed) == HISTORIES * EVENTS


@pytest.mark.parametrize(
    "feature",
    [
        "customer_30d_z_score",
        "terminal_1d_amount_to_mean",
        "terminal_fraud_30d",
        "customer_since_last",
        "customer_mean_to_habit",
        "customer_30d_amount_to_rest",
        "terminal_streak_age",
        "terminal_legit_age",
    ],
)
def test_the_histories_reach_the_feature(computed, feature):
    """The comparison means something: the feature has many different values, beside nulls or zeros."""
    position = FEATURE_NAMES.index(feature)
    values = [vector[position] for vector in computed.values()]

    assert len({value for value in values if value}) >= 5
    assert any(not value for value in values)
