"""Labels of a terminal as an event sees them, by hand."""

import pytest

from antifraud.features.labels import NO_HOUR, NO_RISK, Change, Counts, LabelHistory, Risk

HOUR = 3_600
CUTOFF = 100
MIDNIGHT = (CUTOFF + 1) * 24
"""The first hour after the cut-off day."""


def risk(hour=MIDNIGHT, **history):
    """Return what an event in the last second of an hour sees."""
    return LabelHistory.of(CUTOFF, **history).risk(hour * HOUR + 3_599)


def test_a_terminal_without_labels_has_no_risk():
    """Without labels everything is 0."""
    assert risk() == NO_RISK == Risk(0, 0, 0, 0, 0, 0, 0, 0, 0)


@pytest.mark.parametrize(("hour", "known"), [(MIDNIGHT + 4, 0), (MIDNIGHT + 5, 0), (MIDNIGHT + 6, 1)])
def test_a_label_counts_from_the_hour_after_it_was_learnt(hour, known):
    """A label of hour 5 does not count at 05:59:59, but at 06:59:59."""
    found = risk(hour, changes=[Change(MIDNIGHT + 5, MIDNIGHT + 5, 1, 1)])

    assert (found.known_1d, found.fraud_7d, found.streak_fraud) == (known, known, known)


@pytest.mark.parametrize(
    ("day", "expected"),
    [
        (CUTOFF, (0, 0, 3, 1, 3, 1)),
        (94, (0, 0, 3, 1, 3, 1)),
        (93, (0, 0, 0, 0, 3, 1)),
        (71, (0, 0, 0, 0, 3, 1)),
        (70, (0, 0, 0, 0, 0, 0)),
    ],
)
def test_week_and_month_count_closed_days(day, expected):
    """On day 101 the week begins with day 94 and the month with day 71; closed days say nothing about 24 hours."""
    assert risk(days={day: Counts(3, 1)})[:6] == expected


@pytest.mark.parametrize(("hour", "known"), [(MIDNIGHT + 2, 2), (MIDNIGHT + 3, 2), (MIDNIGHT + 4, 0)])
def test_a_day_looks_back_to_the_same_hour_of_yesterday(hour, known):
    """Labels of yesterday's hour 3 count for one day until 03:59:59."""
    found = risk(hour, days={CUTOFF: Counts(2, 0)}, hours={CUTOFF * 24 + 3: Counts(2, 0)})

    assert (found.known_1d, found.known_7d) == (known, 2)


def test_a_label_that_came_late_counts_at_its_place():
    """Late news about a payment that was due nine days ago is in the month and not in the week, nor in the streak."""
    found = risk(MIDNIGHT + 6, changes=[Change(MIDNIGHT + 5, MIDNIGHT - 9 * 24, 1, 1)])

    assert found == Risk(known_30d=1, fraud_30d=1)


def test_a_label_that_is_taken_back_leaves_the_place_where_it_was():
    """A correction of today takes away a fraud of five days ago, counts today, and ends the streak."""
    old = CUTOFF - 4
    corrected = [Change(MIDNIGHT + 5, old * 24, -1, -1), Change(MIDNIGHT + 5, MIDNIGHT + 5, 1, 0)]
    found = risk(MIDNIGHT + 6, days={old: Counts(1, 1)}, streak={old * 24: 1}, changes=corrected)

    assert found == Risk(known_1d=1, known_7d=1, known_30d=1, legit_age=1)


def test_a_streak_that_was_taken_back_is_still_known():
    """Frauds that were taken back leave no labels in the closed days, but they were learnt one after the other."""
    assert risk(streak={MIDNIGHT - 2: 2}) == Risk(streak_fraud=2, streak_age=2)
    assert risk(last_legit=MIDNIGHT - 3) == Risk(legit_age=3)


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ([], (3, 30, 40)),
        ([(MIDNIGHT + 1, 1, 1)], (4, 30, 40)),
        ([(MIDNIGHT + 1, 1, 0)], (0, 0, 9)),
        ([(MIDNIGHT + 1, 1, 0), (MIDNIGHT + 2, 2, 2)], (2, 8, 9)),
        ([(MIDNIGHT + 1, 1, 0), (MIDNIGHT + 1, 1, 1)], (0, 0, 9)),
        ([(MIDNIGHT + 1, 2, 1), (MIDNIGHT + 3, 1, 1)], (1, 7, 9)),
        ([(MIDNIGHT + 9, 1, 1), (MIDNIGHT + 10, 1, 0)], (4, 30, 40)),
    ],
)
def test_a_streak_goes_on_and_ends_after_the_cutoff(changes, expected):
    """In hour 10 a streak of 3 frauds goes on with every new fraud, and ends in the hour of a legitimate label."""
    news = [Change(hour, hour, known, fraud) for hour, known, fraud in changes]
    found = risk(
        MIDNIGHT + 10, days={CUTOFF: Counts(9, 3)}, last_legit=MIDNIGHT - 30,
        streak={MIDNIGHT - 20: 2, MIDNIGHT - 1: 1}, changes=news,
    )  # fmt: skip

    assert found[6:] == expected


def test_a_streak_and_a_legitimate_label_leave_the_window_after_thirty_days():
    """On day 101 both reach back to the first hour of day 71; one hour earlier is too old."""
    first = 71 * 24

    assert risk(last_legit=first, days={71: Counts(1, 0)}).legit_age == 720
    assert risk(last_legit=first - 1, streak={first + 1: 1})[6:] == (1, 719, 0)
    assert risk(streak={first - 1: 1, first: 2})[6:] == (2, 720, 0)


def test_the_first_days_of_1970_have_no_legitimate_label_either():
    """A month that begins before hour 0 does not take the missing legitimate label for one."""
    assert LabelHistory.of(1, {1: Counts(1, 1)}, {}, NO_HOUR, {30: 1}).risk(2 * 24 * HOUR)[6:] == (1, 18, 0)


@pytest.mark.parametrize("hour", [0, CUTOFF * 24, MIDNIGHT - 1])
def test_labels_at_an_hour_of_a_closed_day_are_unknown(hour):
    """The closed days say what was known at the end of the cut-off day, and not at an hour before."""
    assert risk(hour) is None
