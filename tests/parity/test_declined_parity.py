"""Declined payments leave the features of Spark and of the row-by-row reference in the same way, bit for bit."""

import datetime as dt
import random
from collections import defaultdict
from dataclasses import replace

import pytest
from pyspark.sql import functions as F  # noqa: N812

from antifraud.clock import date_of, day_number
from antifraud.features.reference import feature_vector
from antifraud.features.registry import FEATURE_NAMES
from antifraud.lake.outcomes import ABSENCES, absent_payments
from tests import naive
from tests.circles import for_proofs
from tests.parity import histories
from tests.parity.histories import DAY, LABEL_DELAY, OFFSETS, Labels
from tests.parity.test_features_parity import CLEAN_SCHEMA, EVENTS, FIRST, LABEL_SCHEMA, bits, tables


@pytest.fixture(scope="module", params=[150, *for_proofs(1_500)])
def worlds(request):
    """Return histories, and for each the changes of its payments: receipt and effect, by day and number."""
    made = []
    for seed in range(request.param):
        events = histories.generate(seed, day_number(FIRST), EVENTS)
        draw = random.Random(seed)  # noqa: S311 - test data
        made.append((events, {(each.time // DAY, each.number): generate_changes(draw, each.time) for each in events}))
    return made


def generate_changes(draw, time):
    """Most payments stay; others leave soon, at the time of another event, or after their day, and may come back."""
    count = draw.choice((0, 0, 0, 1, 1, 2, 3))
    waits = sorted(draw.choice((0, 1, 60, 3_600, draw.randrange(DAY), draw.randrange(2 * DAY))) for _ in range(count))
    return [(time + wait, ("removed", "restored")[place % 2]) for place, wait in enumerate(waits)]


def expected_vectors(events, changes):
    """The reference: an event counts payments of its day as told up to its second, and of closed days for good."""
    past, found = defaultdict(list), []
    for event in events:
        keys = (("c", event.customer), ("t", event.terminal))
        found.append(
            feature_vector(event.time, event.amount, *(history_of(past[key], event.time, changes) for key in keys))
        )
        for key in keys:
            past[key].append(event)
    return found


def history_of(past, time, changes):
    """An entity's past without the declined payments; their labels stay."""
    today = time // DAY
    kept = [each for each in past if is_counted(changes[each.time // DAY, each.number], each.time // DAY, time)]
    made = histories.history(kept, today, LABEL_DELAY)
    return replace(made, labels=Labels(tuple(each for each in past if each.time // DAY < today), LABEL_DELAY))


def is_counted(changes, day, time):
    return naive.counts(changes, time) if day == time // DAY else naive.counts_when_closed(changes)


def outcome_rows(worlds):
    """The rows of `outcomes` that the shipper would write."""
    return [
        {
            "day": date_of(day), "store": "s", "sequence": sequence, "namespace": "",
            "transaction_id": str(world * EVENTS + number),
            "event_time": next(each.time for each in events if (each.time // DAY, each.number) == (day, number)),
            "arrival": 1, "received_at": received_at, "effect": effect,
        }
        for world, (events, changes) in enumerate(worlds)
        for (day, number), said in changes.items()
        for sequence, (received_at, effect) in enumerate(said)
    ]  # fmt: skip


@pytest.fixture(scope="module")
def computed(spark, worlds):
    """Return the features of all histories by day and transaction id, made through totals and states."""
    from jobs.columns.absences import without_absent
    from jobs.lake.feature_rows import feature_rows
    from jobs.lake.state import state_of
    from jobs.lake.totals import customer_totals, terminal_totals

    clean, labels = tables([events for events, _ in worlds])
    absent = [each for day in absent_payments(outcome_rows(worlds), "global").values() for each in day]
    absences = spark.createDataFrame(absent, ABSENCES)
    events, said = spark.createDataFrame(clean, CLEAN_SCHEMA).cache(), spark.createDataFrame(labels, LABEL_SCHEMA)
    counted = without_absent(events, absences)
    cut_offs = [FIRST + dt.timedelta(days=offset - 1) for offset in OFFSETS]
    totals = customer_totals(counted), terminal_totals(events, said, LABEL_DELAY, counted)
    states = state_of(spark, *totals, cut_offs, LABEL_DELAY)
    grouped = events.withColumn("terminal_group", F.lit(None).cast("string"))
    rows = feature_rows(grouped, states, absences).select("day", "transaction_id", *FEATURE_NAMES).collect()
    events.unpersist()
    return {(row[0], row[1]): row[2:] for row in rows}


def test_every_vector_has_the_same_bits_without_declined_payments(worlds, computed):
    """Every feature of every event has the same bits, also those of the declined payments themselves."""
    different = []
    for world, (events, changes) in enumerate(worlds):
        for event, expected in zip(events, expected_vectors(events, changes), strict=True):
            found = computed[date_of(event.time // DAY), world * EVENTS + event.number]
            if bits(found) != bits(expected):
                different.append((world, event, *zip(FEATURE_NAMES, found, expected, strict=True)))

    assert different == []
    assert len(computed) == len(worlds) * EVENTS


def test_the_histories_have_the_cases_that_matter(worlds):
    """Some payments are gone for a later event of their day, some come back, some are told of after their day."""
    seen = defaultdict(int)
    for events, changes in worlds:
        for event in events:
            for other in events:
                said = changes[other.time // DAY, other.number]
                if other >= event or other.time // DAY != event.time // DAY or not said:
                    continue
                seen["gone"] += not naive.counts(said, event.time)
                seen["still there"] += naive.counts(said, event.time) and said[0][0] >= event.time
                seen["back"] += naive.counts(said, event.time) and said[0][0] < event.time
                seen["same second"] += said[0][0] == event.time
                seen["the day after"] += said[-1][0] // DAY > event.time // DAY

    assert all(seen[case] > 0 for case in ("gone", "still there", "back", "same second", "the day after"))
