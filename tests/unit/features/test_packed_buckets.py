"""Packed buckets add up as single buckets do."""

from functools import reduce

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from antifraud.features.buckets import BUCKET_BYTES, EMPTY, NEVER, Bucket, Buckets, History, bucket_of

NUMBERS = st.integers(-3, 12)
# The words of a sum of squares: nothing in one of them, both of them full, and a sum that carries.
SQUARES = st.sampled_from((0, 1, 2**63, 2**64 - 1, 2**64, 2**64 + 1, 2**126, 2**100 - 1))
SINGLE = st.builds(
    Bucket, st.integers(1, 2**40), st.integers(0, 2**50), SQUARES, st.integers(0, 2**40), st.integers(NEVER, 2**40)
)
MAPPINGS = st.dictionaries(NUMBERS, SINGLE, max_size=8)


def loop(buckets, first, last):
    """Add up buckets one by one."""
    return reduce(Bucket.plus, (bucket for number, bucket in buckets.items() if first <= number <= last), EMPTY)


@settings(deadline=None)
@given(MAPPINGS, NUMBERS, NUMBERS)
def test_a_total_equals_adding_bucket_by_bucket(buckets, first, last):
    """Every range of numbers, also an empty one, has the sum of its single buckets."""
    assert Buckets.of(buckets).total(first, last) == loop(buckets, first, last)


@settings(deadline=None)
@given(MAPPINGS)
def test_packed_buckets_are_the_mapping_that_was_packed(buckets):
    """Numbers come back in order with their buckets, and a number that is not there is a KeyError."""
    packed = Buckets.of(buckets)

    assert packed == buckets == Buckets(packed.packed)
    assert list(packed) == sorted(buckets)
    assert Buckets.of(packed) is packed
    with pytest.raises(KeyError, match="13"):
        packed[13]


@settings(deadline=None)
@given(MAPPINGS, NUMBERS)
def test_buckets_since_a_number(buckets, number):
    """Buckets with smaller numbers are left out."""
    assert Buckets.of(buckets).since(number) == {n: bucket for n, bucket in buckets.items() if n >= number}


@settings(deadline=None)
@given(MAPPINGS, NUMBERS, SINGLE)
def test_a_bucket_is_added_at_its_place(buckets, number, bucket):
    """A bucket joins the one with its number, or gets its place in the order; the others stay."""
    expected = {**buckets, number: buckets.get(number, EMPTY).plus(bucket)}
    found = Buckets.of(buckets).adding(number, bucket)

    assert found == expected
    assert found.packed == Buckets.of(expected).packed


def test_live_hours_follow_those_of_the_state():
    """The hours of the state and the live hours after them are one history; live hours of closed days do not count."""
    early = Buckets.of({7: bucket_of(7 * 3_600 + 30, 7)})
    late = Buckets.of({9: bucket_of(9 * 3_600, 9), 25: bucket_of(25 * 3_600 + 60, 5)})
    end = 25 * 3_600 + 60

    assert History(0, hours=early, live=late).windows(end)[0] == Bucket(2, 12, 74, 7, end)
    assert History(0, live=late).windows(end)[0] == bucket_of(end, 5)


def test_a_bucket_takes_52_bytes():
    """The size of a record, and so of a state and of the store, follows from that of a bucket."""
    assert (BUCKET_BYTES, len(Buckets.of({1: EMPTY, 2: EMPTY}).packed), len(Buckets())) == (52, 104, 0)
