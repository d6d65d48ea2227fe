"""The window of one hour: the event's own hour and the one before it, known or not as the longer windows are."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from antifraud.clock import DAY_HOURS, HOUR_SECONDS
from antifraud.features.buckets import EMPTY, Bucket, Buckets, History, bucket_of
from antifraud.features.reference import hour_inputs

CUTOFF = 100
MIDNIGHT = (CUTOFF + 1) * DAY_HOURS
"""First hour after the cut-off."""


def history_of(hours, live, days=()):
    def buckets(times):
        found = {}
        for hour, amount in times:
            found[hour] = found.get(hour, EMPTY).plus(bucket_of(hour * HOUR_SECONDS, amount))
        return Buckets.of(found)

    return History(CUTOFF, buckets(days), buckets(hours), None, buckets(live))


@given(
    st.lists(st.tuples(st.integers(MIDNIGHT - DAY_HOURS, MIDNIGHT - 1), st.integers(1, 9)), max_size=8),
    st.lists(st.tuples(st.integers(MIDNIGHT, MIDNIGHT + 30), st.integers(1, 9)), max_size=8),
    st.integers(MIDNIGHT, MIDNIGHT + 30),
)
def test_two_hours_are_added_up(closed, live, hour):
    """Across midnight, the hour before comes from the state and the event's own from live buckets."""
    found = history_of(closed, live).past_hour(hour * HOUR_SECONDS + 1_800)

    counted = [amount for at, amount in closed + live if at in {hour - 1, hour}]
    assert (found.tx_count, found.amount_sum) == (len(counted), sum(counted))


@pytest.mark.parametrize(
    ("hour", "known"),
    [
        (MIDNIGHT - 1, True),
        (MIDNIGHT - DAY_HOURS + 1, True),
        (MIDNIGHT - DAY_HOURS, False),
        (MIDNIGHT - 2 * DAY_HOURS, False),
    ],
    ids=["of the cut-off day", "its second hour", "its first hour", "of the day before"],
)
def test_a_late_event_knows_what_the_state_has_by_the_hour(hour, known):
    """The day before the cut-off day is known as a whole only, if it has payments."""
    history = history_of([], [], days=[(CUTOFF - 1, 5)])

    assert (history.past_hour(hour * HOUR_SECONDS) is not None) == known


def test_sums_are_named_by_entity():
    """A sum that is not known has no name."""
    time = MIDNIGHT * HOUR_SECONDS + 60
    known = history_of([(MIDNIGHT - 1, 5)], [(MIDNIGHT, 7)])
    unknown = History(CUTOFF + 1, Buckets.of({CUTOFF: Bucket(1, 5, 25, 5, 0)}))

    assert hour_inputs(time, {"customer": known, "terminal": unknown}) == {
        "customer_1h_tx_count": 2,
        "customer_1h_amount_sum": 12,
    }
