"""Spark's features equal those of the row-by-row reference, bit for bit."""

import datetime as dt
import math
import struct

import pytest
from pyspark.sql import functions as F  # noqa: N812

from antifraud.clock import date_of, day_number
from antifraud.features.registry import FEATURE_NAMES
from tests.circles import for_proofs
from tests.parity import histories
from tests.parity.histories import DAY, HOUR, LABEL_DELAY, OFFSETS

HISTORIES = [300, *for_proofs(2_000)]
EVENTS = 14
FIRST = dt.date(2024, 2, 1)
LEAP_DAY = day_number(dt.date(2024, 2, 29))
CLEAN_SCHEMA = "day date, transaction_id bigint, event_time bigint, customer string, terminal string, amount bigint"
LABEL_SCHEMA = "day date, transaction_id bigint, status string, learned_at bigint, source string, sequence bigint"


@pytest.fixture(scope="module", params=HISTORIES)
def worlds(request):
    """Return independent histories over a leap day."""
    return [histories.generate(seed, day_number(FIRST), EVENTS) for seed in range(request.param)]


def tables(worlds):
    """Return the histories as rows of `clean` and `labels`."""
    clean, labels = [], []
    for world, events in enumerate(worlds):
        for time, number, customer, terminal, amount, said in events:
            day, key = date_of(time // DAY), world * EVENTS + number
            # A customer and a terminal with one id are two entities. The first history has the ids 0.
            clean.append((day, key, time, str(2 * world + customer), str(2 * world + terminal), amount))
            labels += [(day, key, label.status, label.learned_at, label.source, label.sequence) for label in said]
    return clean, labels


@pytest.fixture(scope="module")
def computed(spark, worlds):
    """Return the features of all histories by day and transaction id, made through totals and states."""
    from jobs.lake.feature_rows import feature_rows
    from jobs.lake.state import state_of
    from jobs.lake.totals import customer_totals, terminal_totals

    clean, labels = tables(worlds)
    events = spark.createDataFrame(clean, CLEAN_SCHEMA).cache()
    said = spark.createDataFrame(labels, LABEL_SCHEMA)
    cut_offs = [FIRST + dt.timedelta(days=offset - 1) for offset in OFFSETS]
    totals = customer_totals(events), terminal_totals(events, said, LABEL_DELAY)
    states = state_of(spark, *totals, cut_offs, LABEL_DELAY)
    events = events.withColumn("terminal_group", F.lit(None).cast("string"))
    rows = feature_rows(events, states).select("day", "transaction_id", *FEATURE_NAMES).collect()
    events.unpersist()
    return {(row[0], row[1]): row[2:] for row in rows}


def bits(vector):
    """Return a vector as bytes, where every null is the same NaN."""
    return struct.pack(f">{len(vector)}d", *(math.nan if v is None or math.isnan(v) else v for v in vector))


def test_every_vector_has_the_same_bits(worlds, computed):
    """Every feature of every event has the same bits in Spark and in the reference; a null stands for NaN."""
    different = []
    for world, events in enumerate(worlds):
        for event, expected in zip(events, histories.vectors(events, LABEL_DELAY), strict=True):
            found = computed[date_of(event.time // DAY), world * EVENTS + event.number]
            if bits(found) != bits(expected):
                different.append((world, event, *zip(FEATURE_NAMES, found, expected, strict=True)))

    assert different == []
    assert len(computed) == len(worlds) * EVENTS


CASES = {
    "first event of an entity": lambda event, past: not any(e.terminal == event.terminal for e in past),
    "same second at one terminal": lambda event, past: any((e.time, e.terminal) == event[0:4:3] for e in past),
    "same but for the id": lambda event, past: any((e.time, *e[2:5]) == (event.time, *event[2:5]) for e in past),
    "id of another day": lambda event, past: any(e.number == event.number for e in past),
    "midnight": lambda event, _: event.time % DAY == 0,
    "last second of a day": lambda event, _: event.time % DAY == DAY - 1,
    "leap day": lambda event, _: event.time // DAY == LEAP_DAY,
    "30 days after another": lambda event, past: any(event.time // DAY - e.time // DAY == 30 for e in past),
    "31 days after another": lambda event, past: any(event.time // DAY - e.time // DAY == 31 for e in past),
    "five hours of yesterday": lambda event, past: len(hours_of_yesterday(event, past)) > 4,
    "one label twice": lambda event, _: len(set(event.labels)) < len(event.labels),
    "never labelled": lambda event, _: not event.labels,
    "labelled early": lambda event, _: any(lag(event, label) < LABEL_DELAY for label in event.labels),
    "corrected late": lambda event, _: statuses(event)[:2] == ["legitimate", "fraud"],
    "cleared late": lambda event, _: statuses(event)[:2] == ["fraud", "legitimate"],
    "taken back": lambda event, _: statuses(event)[-1:] == ["unknown"],
    "taken back and said again": lambda event, _: "unknown" in statuses(event)[1:-1],
    "two labels in one hour": lambda event, _: len(set(hours_of_labels(event))) < len(set(event.labels)),
    "labelled on its own day": lambda event, _: any(lag(event, label) == 0 for label in event.labels),
    "learnt in this hour": lambda event, past: 0 in ages_of_labels(event, past),
    "learnt in the hour before": lambda event, past: 1 in ages_of_labels(event, past),
    "learnt a day before": lambda event, past: 24 in ages_of_labels(event, past),
}


def hours_of_yesterday(event, past):
    """Return the hours of the day before in which the event's customer made a payment."""
    earlier = [e for e in past if e.customer == event.customer and e.time // DAY == event.time // DAY - 1]
    return {e.time // HOUR for e in earlier}


def hours_of_labels(event):
    """Return the hours in which the labels of an event were learnt."""
    return [label.learned_at // HOUR for label in event.labels]


def ages_of_labels(event, past):
    """Return how many hours ago the labels of earlier events of other days at the same terminal were learnt."""
    others = [e for e in past if e.terminal == event.terminal and e.time // DAY < event.time // DAY]
    return {event.time // HOUR - hour for other in others for hour in hours_of_labels(other)}


def lag(event, label):
    """Return the days from an event to a label."""
    return label.learned_at // DAY - event.time // DAY


def statuses(event):
    """Return the statuses of an event's labels in the order in which they hold."""
    return [label.status for label in sorted(event.labels)]


@pytest.mark.parametrize("case", CASES)
def test_the_histories_have_the_case(worlds, case):
    """The comparison is meaningful: the case occurs in at least one of twenty histories."""
    found = sum(any(CASES[case](event, events[:i]) for i, event in enumerate(events)) for events in worlds)

    assert found >= len(worlds) / 20


@pytest.mark.parametrize(
    "feature",
    [
        "customer_30d_z_score",
        "terminal_1d_amount_to_mean",
        "terminal_fraud_30d",
        "terminal_streak_fraud",
        "customer_since_last",
        "customer_mean_to_habit",
        "customer_30d_amount_to_rest",
        "terminal_streak_age",
        "terminal_legit_age",
    ],
)
def test_the_histories_reach_the_feature(computed, feature):
    """The comparison is meaningful: the feature has at least five values other than null and zero."""
    position = FEATURE_NAMES.index(feature)
    values = [vector[position] for vector in computed.values()]

    assert len({value for value in values if value}) >= 5
    assert any(not value for value in values)
