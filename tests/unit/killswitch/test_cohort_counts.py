"""Both bounds of a cohort's rate count every decision, and hold the rate of the legitimate ones between them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from antifraud.killswitch.cohorts import CohortCounts, Rows, add_up


def counts(decided, flagged, *cells, squares=0.0):
    return CohortCounts(0, "a", decided, flagged, *map(float, cells), squares=squares)


@pytest.mark.parametrize(
    ("cohort", "lower", "upper"),
    [
        # Nobody has said anything: nothing speaks against the release, and nothing for it.
        (counts(1_000, 60), Rows(940, 0), Rows(60, 60)),
        # Everything is known: both bounds are the rate.
        (counts(1_000, 60, 50, 930, 10, 10), Rows(980, 50), Rows(980, 50)),
        # 22 labels of flagged rows alone.
        (counts(1_000, 30, 22), Rows(992, 22), Rows(30, 30)),
        # Labels of a control share stand for more decisions than there are, by chance.
        (counts(1_000, 60, 80, 0, 40), Rows(980, 40), Rows(40, 40)),
    ],
    ids=["unlabelled", "labelled", "flagged-only", "too-many"],
)
def test_the_bounds(cohort, lower, upper):
    """The lower bound takes unlabelled flagged rows for frauds, the upper one for honest ones."""
    assert (cohort.lower, cohort.upper) == (lower, upper)


@st.composite
def truths(draw):
    """Flagged and passed decisions by truth, and how many of each have a label."""
    cells = [draw(st.integers(0, 40)) for _ in range(4)]
    return cells, [draw(st.integers(0, cell)) for cell in cells]


@given(truths())
def test_the_rate_lies_between_the_bounds(truth):
    """Whichever decisions have labels, and whatever the others are."""
    (legit_flagged, legit_passed, fraud_flagged, fraud_passed), labelled = truth
    cohort = counts(
        legit_flagged + legit_passed + fraud_flagged + fraud_passed, legit_flagged + fraud_flagged, *labelled
    )
    rows = legit_flagged + legit_passed
    low, high = cohort.lower, cohort.upper

    assert low.flagged * rows <= legit_flagged * low.rows or not rows
    assert high.flagged * rows >= legit_flagged * high.rows or not high.rows
    assert low.rows >= 0 <= high.rows


def test_frauds_that_are_still_unknown_were_honest_flags():
    """If four fifths are known, 40 known frauds mean 10 more among the legitimate labels, but never more than those."""
    cohort = counts(1_000, 100, 60, 900, 40, squares=60.0)

    assert (cohort.after_maturing(0.8).lower, cohort.after_maturing(1.0)) == (Rows(950, 50), cohort)
    assert cohort.after_maturing(0.8).squares == pytest.approx(50.0)
    assert cohort.after_maturing(0.1).lower == Rows(900, 0)


def test_the_weight_is_the_mean_of_what_labels_stand_for():
    """Ten labels for one decision each, and ten for nine each: a row is told by a label of weight 8.2 on average."""
    assert counts(1_000, 100, 100, squares=10 * 1 + 10 * 81).weight == pytest.approx(8.2)
    assert (counts(10, 5).weight, counts(10, 5, 5, squares=5.0).weight) == (1.0, 1.0)


def test_cohorts_add_up():
    """Field by field, under the given day."""
    total = add_up(7, [counts(10, 4, 1, 2, 3, 0, squares=1.0), counts(5, 1, 1, 0, 0, 1, squares=4.0)])

    assert total == CohortCounts(7, "", 15, 5, 2.0, 2.0, 3.0, 1.0, squares=5.0)
