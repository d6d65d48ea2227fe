"""Windows of late events, and of events that arrive out of order, by hand."""

import math

import pytest

from antifraud.features.buckets import EMPTY, Bucket, Buckets, History, bucket_of
from antifraud.features.reference import feature_vector
from antifraud.features.registry import FEATURE_NAMES

HOUR = 3_600
DAY = 86_400
CUTOFF = 100
OLDEST = 71
"""The oldest closed day of a state with this cut-off."""


def history(*times):
    """Return the history of payments of 1 kopeck: closed days up to the cut-off, hours from the cut-off day on."""
    days, hours = {}, {}
    for time in times:
        if time // DAY <= CUTOFF:
            days[time // DAY] = days.get(time // DAY, EMPTY).plus(bucket_of(time, 1))
        if time // DAY >= CUTOFF:
            hours[time // HOUR] = hours.get(time // HOUR, EMPTY).plus(bucket_of(time, 1))
    return History(CUTOFF, Buckets.of(days), Buckets.of(hours))


def counts(time, *times):
    """Return the transactions in the windows of 1, 7 and 30 days; None for a window that is not known."""
    windows = history(*times).windows(time)
    return tuple(bucket and bucket.tx_count for bucket in windows)


def at(day, hour=12):
    """Return a time in an hour of a day."""
    return day * DAY + hour * HOUR


def test_an_event_of_the_cutoff_day_sees_the_hours_up_to_its_own():
    """At noon of the cut-off day the payments of 10:00 and 11:00 count, that of 13:00 does not."""
    assert counts(at(CUTOFF), at(CUTOFF, 10), at(CUTOFF, 11), at(CUTOFF, 13), at(CUTOFF + 1)) == (2, 2, None)


def test_an_event_of_the_cutoff_day_may_be_in_the_bucket_of_its_hour():
    """A payment in the event's own hour of a closed day makes all windows unknown: it may be the event itself."""
    assert counts(at(CUTOFF), at(CUTOFF, 11), at(CUTOFF, 12)) == (None, None, None)


def test_an_event_of_the_cutoff_day_does_not_know_yesterday_by_the_hour():
    """A payment of the day before leaves the week known, and the day unknown: it may be before noon or after."""
    assert counts(at(CUTOFF), at(CUTOFF - 1), at(CUTOFF, 11)) == (None, 2, None)


@pytest.mark.parametrize(
    ("past", "expected"),
    [
        ([], (0, 0, None)),
        ([90], (None, None, None)),
        ([89], (None, 1, None)),
        ([88], (0, 1, None)),
        ([83], (0, 1, None)),
        ([82], (0, 0, None)),
        ([91, 95, 100, 101], (0, 0, None)),
        ([89, 90], (None, None, None)),
        ([83, 85, 91], (0, 2, None)),
    ],
)
def test_an_event_of_a_closed_day(past, expected):
    """On day 90 payments of that day hide day and week, and those of day 89 hide the day; later ones never count."""
    assert counts(at(90), *(at(day) for day in past)) == expected


@pytest.mark.parametrize(
    ("day", "expected"),
    [
        (OLDEST + 8, (0, 0, None)),
        (OLDEST + 7, (0, 0, None)),
        (OLDEST + 6, (0, None, None)),
        (OLDEST + 1, (0, None, None)),
        (OLDEST, (None, None, None)),
        (OLDEST - 1, (None, None, None)),
        (0, (None, None, None)),
    ],
)
def test_no_window_begins_before_the_oldest_closed_day(day, expected):
    """The state has the days 71 to 100: a week is known from day 78 on, a day from day 72 on, a month from day 101."""
    assert counts(at(day)) == expected


@pytest.mark.parametrize("day", [CUTOFF + 1, CUTOFF + 2, CUTOFF + 31])
def test_windows_after_the_cutoff_are_always_known(day):
    """From the day after the cut-off on every window is known, also if the newest state is late."""
    assert None not in counts(at(day), at(CUTOFF - 1), at(CUTOFF), at(CUTOFF + 1))


def test_a_day_after_the_cutoff_is_made_of_its_hours():
    """Two days after the cut-off, the hours of the day between count, and none of a later hour or day."""
    times = (at(CUTOFF, 23), at(CUTOFF + 1, 11), at(CUTOFF + 1, 12), at(CUTOFF + 2, 12), at(CUTOFF + 2, 13))

    assert counts(at(CUTOFF + 2), *times, at(CUTOFF + 3)) == (2, 4, 4)


def since_last(time, *times):
    """Return the seconds since the customer's last payment."""
    vector = feature_vector(time, 1, history(*times), history())
    return vector[FEATURE_NAMES.index("customer_since_last")]


def test_the_time_since_the_last_payment_is_never_negative():
    """A payment of 12:48 that arrives first does not make the one of 12:00 minus 48 minutes old: 11:00 counts."""
    noon = at(CUTOFF + 1)

    assert since_last(noon, at(CUTOFF + 1, 11), noon + 2_880) == 3_600.0
    assert math.isnan(since_last(noon, noon + 2_880))
    assert since_last(noon, noon - 1, noon) == 0.0
    assert since_last(noon + 30, noon) == 30.0
    assert since_last(noon, at(CUTOFF - 2), at(CUTOFF + 2)) == 3 * DAY


def test_payments_of_the_own_hour_count_although_their_last_time_is_not_used():
    """The hour 12:00 holds 2 payments, the last of 12:48: both count at 12:30, with the last time of 11:00."""
    noon = at(CUTOFF + 1)
    found = history(noon - HOUR, noon, noon + 2_880).windows(noon + 1_800)[0]

    assert found == Bucket(tx_count=3, amount_sum=3, amount_sum_sq=3, amount_max=1, last_time=noon - HOUR)
