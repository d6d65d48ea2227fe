"""Absences of declined payments say what the naive definition says, at every second."""

from hypothesis import given
from hypothesis import strategies as st

from antifraud.features.buckets import EMPTY, Buckets, bucket_of
from antifraud.features.outcomes import REMOVED, RESTORED, Absence, absences_of, counts_at, counts_for_good
from tests import naive


@given(st.lists(st.integers(0, 9), max_size=6).map(sorted))
def test_absences_say_what_the_changes_say(times):
    """A payment that leaves the history and comes back counts at the seconds of the definition, and when closed."""
    changes = [(time, (REMOVED, RESTORED)[place % 2]) for place, time in enumerate(times)]

    absences = absences_of(changes)

    assert [counts_at(absences, time) for time in range(12)] == [naive.counts(changes, time) for time in range(12)]
    assert counts_for_good(absences) == naive.counts_when_closed(changes)


def test_a_restored_payment_without_a_decline_changes_nothing():
    """A table that lost the decline, as after a cut, makes no absence."""
    assert absences_of([(5, RESTORED)]) == []
    assert absences_of([(5, REMOVED), (9, RESTORED)]) == [Absence(5, 9)]


def test_a_bucket_gives_back_what_it_can():
    """Count and sums are subtracted; the largest amount or the last time cannot be told."""
    bucket = bucket_of(10, 300).plus(bucket_of(20, 500)).plus(bucket_of(30, 400))

    assert bucket.without(10, 300) == (2, 900, 410_000, 500, 30)
    assert bucket.without(20, 500) is None
    assert bucket.without(30, 400) is None
    # A twin of the largest amount: whether it is the only one is not known.
    assert bucket.plus(bucket_of(5, 500)).without(5, 500) is None


def test_an_hour_is_replaced_or_left_out():
    """An empty bucket is not kept, because a day with buckets counts as known."""
    buckets = Buckets.of({7: bucket_of(25_300, 5), 9: bucket_of(32_500, 6)})

    assert dict(buckets.replacing(7, bucket_of(25_300, 8))) == {7: bucket_of(25_300, 8), 9: bucket_of(32_500, 6)}
    assert dict(buckets.replacing(9, EMPTY)) == {7: bucket_of(25_300, 5)}
    assert dict(buckets.replacing(8, EMPTY)) == dict(buckets)
    assert list(buckets.replacing(8, bucket_of(28_900, 1))) == [7, 8, 9]
