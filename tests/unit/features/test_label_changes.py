"""How labels of one transaction change what is known of its terminal."""

import pytest

from antifraud.features.labels import Change, changes_of

HOUR = 3_600
DUE = 7 * 24
"""The hour in which the feed tells the label of a transaction at time 0."""


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        ([], []),
        ([(5, "fraud")], [(5, 5, 1, 1)]),
        ([(5, "legitimate")], [(5, 5, 1, 0)]),
        ([(5, "unknown")], []),
        ([(DUE, "fraud")], [(DUE, DUE, 1, 1)]),
        ([(DUE + 1, "fraud")], [(DUE + 1, DUE, 1, 1)]),
        ([(900, "legitimate")], [(900, DUE, 1, 0)]),
        ([(5, "fraud"), (9, "fraud")], [(5, 5, 1, 1)]),
        ([(5, "fraud"), (9, "legitimate")], [(5, 5, 1, 1), (9, 5, -1, -1), (9, 9, 1, 0)]),
        ([(5, "legitimate"), (9, "fraud")], [(5, 5, 1, 0), (9, 5, -1, 0), (9, 9, 1, 1)]),
        ([(5, "legitimate"), (9, "unknown")], [(5, 5, 1, 0), (9, 5, -1, 0)]),
        ([(5, "fraud"), (9, "unknown")], [(5, 5, 1, 1), (9, 5, -1, -1)]),
        ([(5, "unknown"), (9, "fraud")], [(9, 9, 1, 1)]),
        ([(5, "fraud"), (7, "unknown"), (9, "fraud")], [(5, 5, 1, 1), (7, 5, -1, -1), (9, 9, 1, 1)]),
        ([(5, "fraud"), (900, "legitimate")], [(5, 5, 1, 1), (900, 5, -1, -1), (900, DUE, 1, 0)]),
        (
            [(900, "fraud"), (950, "legitimate")],
            [(900, DUE, 1, 1), (950, DUE, -1, -1), (950, DUE, 1, 0)],
        ),
        ([(5, "fraud"), (5, "legitimate")], [(5, 5, 1, 0)]),
        ([(5, "fraud"), (5, "unknown")], []),
        ([(5, "fraud"), (9, "legitimate"), (9, "fraud")], [(5, 5, 1, 1)]),
        ([(5, "fraud"), (9, "legitimate"), (9, "unknown")], [(5, 5, 1, 1), (9, 5, -1, -1)]),
    ],
)
def test_every_change_of_a_status(said, expected):
    """A new status takes the old one away at its place and counts at its own, which is never after the feed's hour."""
    found = changes_of([(hour * HOUR, status) for hour, status in said], 0, 7)

    assert found == [Change(*each) for each in expected]


@pytest.mark.parametrize(("second", "hour"), [(0, 1), (3_599, 1), (3_600, 2)])
def test_the_hour_of_a_label_begins_at_its_first_second(second, hour):
    """A label belongs to the hour of its second, and so does the hour in which the feed tells it."""
    assert changes_of([(HOUR + second, "fraud")], HOUR + second, 0) == [(hour, hour, 1, 1)]


def test_entries_of_one_hour_count_once_although_they_have_different_seconds():
    """A client that corrects itself within the hour is taken at its last word."""
    assert changes_of([(7_200, "fraud"), (7_201, "unknown"), (10_799, "legitimate")], 0, 7) == [(2, 2, 1, 0)]
