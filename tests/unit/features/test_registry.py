"""The reference features follow their definitions, window edges included."""

import datetime as dt
import math
from functools import reduce

import pytest
from hypothesis import given
from hypothesis import strategies as st

from antifraud.clock import day_number
from antifraud.features.buckets import EMPTY, Bucket, Buckets, History, bucket_of
from antifraud.features.labels import Change, Counts, LabelHistory
from antifraud.features.reference import INPUT_NAMES, Inputs, feature_inputs, feature_vector, vector_of
from antifraud.features.registry import FEATURE_NAMES, REGISTRY, WINDOWS, feature_set_hash

HOUR = 3_600
DAY = 86_400
FRIDAY = day_number(dt.date(2026, 3, 6))
NOON = FRIDAY * DAY + 12 * HOUR
STRANGER = History(cutoff=FRIDAY - 1)

events = st.lists(st.tuples(st.integers(0, 40 * DAY), st.integers(1, 10**9)), max_size=30)


def vector(time=NOON, amount=10_000, customer=STRANGER, terminal=STRANGER):
    return dict(zip(FEATURE_NAMES, feature_vector(time, amount, customer, terminal), strict=True))


def test_a_stranger_has_no_history():
    """Without history counts are 0, features of the past are NaN, and the fraud share is the prior's."""
    found = vector()

    assert (found["amount"], found["hour"], found["is_weekend"], found["is_night"]) == (100.0, 12.0, 0.0, 0.0)
    assert found["customer_30d_count"] == 0.0
    assert math.isnan(found["customer_7d_mean"])
    assert math.isnan(found["terminal_since_last"])
    assert found["terminal_fraud_share_7d"] == 0.02


def test_history_by_hand():
    """Amounts of 30 and 50 roubles have mean 40 and sd 10, so 100 roubles is 6 sd above and twice the largest."""
    today = bucket_of(NOON - 60, 3_000).plus(bucket_of(NOON - 30, 5_000))
    found = vector(customer=History(FRIDAY - 1, hours=Buckets.of({(NOON - 60) // HOUR: today})))

    assert found["customer_1d_count"] == 2.0
    assert found["customer_7d_mean"] == 40.0
    assert found["customer_30d_amount_to_mean"] == 2.5
    assert found["customer_30d_amount_to_max"] == 2.0
    assert found["customer_30d_z_score"] == 6.0
    assert found["customer_since_last"] == 30.0


def test_the_day_window_looks_back_to_the_same_hour_of_yesterday():
    """At 12:00 the window of a day begins with yesterday's hour 12: an event at 12:59 counts, one at 11:59 does not."""
    yesterday = NOON - DAY
    inside = History(FRIDAY - 1, hours=Buckets.of({(yesterday + 3_599) // HOUR: bucket_of(yesterday + 3_599, 100)}))
    outside = History(FRIDAY - 1, hours=Buckets.of({(yesterday - 1) // HOUR: bucket_of(yesterday - 1, 100)}))

    assert vector(customer=inside)["customer_1d_count"] == 1.0
    assert vector(customer=outside)["customer_1d_count"] == 0.0


@pytest.mark.parametrize(("days_ago", "in_week", "in_month"), [(1, 1, 1), (7, 1, 1), (8, 0, 1), (30, 0, 1), (31, 0, 0)])
def test_week_and_month_count_whole_days(days_ago, in_week, in_month):
    """The windows count the 7 and the 30 whole days before today, and no day before them."""
    past = History(FRIDAY - 1, days=Buckets.of({FRIDAY - days_ago: bucket_of((FRIDAY - days_ago) * DAY, 100)}))
    found = vector(customer=past)

    assert (found["customer_7d_count"], found["customer_30d_count"]) == (in_week, in_month)


def test_an_hour_bucket_of_the_cutoff_day_is_not_counted_twice():
    """The cut-off day counts once, although it is in both `days` and `hours`."""
    late = (FRIDAY - 1) * DAY + 20 * HOUR
    only = bucket_of(late, 100)
    once = History(FRIDAY - 1, days=Buckets.of({FRIDAY - 1: only}), hours=Buckets.of({late // HOUR: only}))
    found = vector(customer=once)

    assert (found["customer_1d_count"], found["customer_7d_count"]) == (1.0, 1.0)


def labelled(**history):
    """Return a terminal without transactions whose labels are these."""
    return History(FRIDAY - 1, labels=LabelHistory.of(FRIDAY - 1, **history))


def test_terminal_risk_by_hand():
    """Three frauds in 50 labelled transactions, smoothed by 1 in 50, give a share of 4 %."""
    found = vector(terminal=labelled(days={FRIDAY - 2: Counts(50, 3)}))

    assert (found["terminal_fraud_7d"], found["terminal_fraud_share_7d"]) == (3.0, 0.04)


def test_a_streak_by_hand():
    """A streak gives its length and its age in hours, and an age of 0 stands for none and becomes NaN."""
    midnight = FRIDAY * 24
    found = vector(terminal=labelled(streak={midnight - 30: 3}, changes=[Change(midnight + 3, midnight + 3, 1, 1)]))

    assert (found["terminal_streak_fraud"], found["terminal_streak_age"]) == (4.0, 42.0)
    assert math.isnan(found["terminal_legit_age"])
    assert vector(terminal=labelled(last_legit=midnight + 4))["terminal_legit_age"] == 8.0


def test_features_of_what_is_not_known_are_null():
    """A payment of the cut-off day lacks labels and 30 days: those features are NaN, and the others are as ever."""
    late = (FRIDAY - 1) * DAY + 12 * HOUR
    past = History(
        FRIDAY - 1,
        days=Buckets.of({FRIDAY - 3: bucket_of(late - 2 * DAY, 100), FRIDAY - 1: bucket_of(late + HOUR, 900)}),
        hours=Buckets.of({(late + HOUR) // HOUR: bucket_of(late + HOUR, 900)}),
    )
    inputs = feature_inputs(late, 300, past, past)
    found = dict(zip(FEATURE_NAMES, vector_of(inputs), strict=True))

    assert not inputs.complete
    assert (found["customer_1d_count"], found["customer_7d_count"], found["customer_7d_amount_to_mean"]) == (0, 1, 3)
    unknown = ("customer_30d_count", "customer_since_last", "terminal_fraud_1d", "terminal_fraud_share_30d")
    assert all(math.isnan(found[name]) for name in (*unknown, "terminal_streak_fraud", "customer_count_1d_to_30d"))


def test_a_terminal_without_labels_has_unknown_labels_too_if_the_event_is_late():
    """The state keeps labels of 30 days, so it cannot say that there were none before an event of a closed day."""
    stranger = History(FRIDAY - 1)

    assert vector(time=NOON, terminal=stranger)["terminal_fraud_7d"] == 0.0
    assert math.isnan(vector(time=NOON - DAY, terminal=stranger)["terminal_fraud_7d"])


def test_inputs_are_complete_if_every_name_is_there():
    """An event after the cut-off knows its time, its amount, six windows of five fields, and nine fields of labels."""
    inputs = feature_inputs(NOON, 100, STRANGER, STRANGER)

    assert inputs.complete
    assert set(inputs) == INPUT_NAMES
    assert len(inputs) == 2 + 2 * 3 * 5 + 9
    assert not Inputs(time=NOON, amount=100).complete


def test_a_typo_in_a_formula_is_an_error():
    """A name that no input has is never taken for an input that is not known."""
    with pytest.raises(KeyError, match="customer_1d_tx_cuont"):
        Inputs()["customer_1d_tx_cuont"]


def test_habit_by_hand():
    """Ten days ago 20 and 40 roubles make a habit of 30; amounts of two days ago are compared with it."""
    ten, two = FRIDAY - 10, FRIDAY - 2
    before = bucket_of(ten * DAY, 2_000).plus(bucket_of(ten * DAY, 4_000))
    since = bucket_of(two * DAY, 6_000).plus(bucket_of(two * DAY, 12_000))
    found = vector(customer=History(FRIDAY - 1, days=Buckets.of({ten: before, two: since})))

    assert found["customer_amount_to_habit"] == 100 / 30
    assert found["customer_max_to_habit"] == 4.0
    assert found["customer_mean_to_habit"] == 3.0
    assert found["customer_30d_amount_to_rest"] == 2.5
    assert (found["customer_count_1d_to_30d"], found["customer_count_7d_to_30d"]) == (0.0, 0.5)


def test_spread_is_the_standard_deviation_over_the_mean():
    """Amounts of 30 and 50 roubles have sd 10 and mean 40, so the spread is 0.25."""
    today = bucket_of(NOON - 60, 3_000).plus(bucket_of(NOON - 30, 5_000))

    assert (
        vector(customer=History(FRIDAY - 1, hours=Buckets.of({NOON // HOUR - 1: today})))["customer_30d_spread"] == 0.25
    )


def test_saturday_and_night():
    """Saturday at 05:59:59 UTC counts as weekend and as night."""
    found = vector(time=(FRIDAY + 1) * DAY + 6 * HOUR - 1)

    assert (found["hour"], found["is_weekend"], found["is_night"]) == (5.0, 1.0, 1.0)


@given(events, st.integers(40 * DAY, 41 * DAY), st.sampled_from([1, 7, 30]))
def test_a_window_equals_counting_events_by_hand(rows, now, days):
    """A window made of closed days and hour buckets equals a scan over the events."""
    cutoff = 39
    by_day, by_hour = {}, {}
    for time, amount in rows:
        by_day[time // DAY] = by_day.get(time // DAY, EMPTY).plus(bucket_of(time, amount))
        if time // DAY >= cutoff:
            by_hour[time // HOUR] = by_hour.get(time // HOUR, EMPTY).plus(bucket_of(time, amount))
    closed = {day: bucket for day, bucket in by_day.items() if day <= cutoff}

    hop = HOUR if days == 1 else DAY
    start = (now - days * DAY) // hop * hop
    kept = [(time, amount) for time, amount in rows if start <= time and time // HOUR <= now // HOUR]

    expected = Bucket(
        len(kept), sum(a for _, a in kept), sum(a * a for _, a in kept),
        max((a for _, a in kept), default=0), max((t for t, _ in kept), default=-1),
    )  # fmt: skip
    assert History(cutoff, Buckets.of(closed), Buckets.of(by_hour)).windows(now)[WINDOWS.index(days)] == expected


@given(st.permutations([bucket_of(time, time + 1) for time in range(6)]))
def test_adding_buckets_in_any_order_gives_the_same(buckets):
    """Buckets can be added in any order, because their sums are exact integers."""
    assert reduce(Bucket.plus, buckets) == Bucket(6, 21, 91, 6, 5)


def test_names_are_unique_and_the_hash_is_of_this_set():
    """No two features share a name, and the hash is the one of this set of features."""
    assert len(set(FEATURE_NAMES)) == len(REGISTRY) == 48
    assert feature_set_hash() == "764c952525b12135"
