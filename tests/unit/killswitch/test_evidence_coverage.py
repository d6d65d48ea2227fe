"""Coverage tells flagged from passed decisions, and says what would identify the rate."""

import pytest

from antifraud.killswitch.cohorts import CohortCounts
from antifraud.killswitch.coverage import Coverage


@pytest.mark.parametrize(
    ("labels", "flagged", "passed", "advice"),
    [
        ((8, 720, 0, 0), 0.8, 0.8, ""),
        ((7, 900, 0, 0), 0.7, 1.0, "70.0% of the flagged decisions, 80% are needed: let a control share"),
        ((10, 0, 0, 9), 1.0, 0.01, "1.0% of the passed decisions, 80% are needed: post legitimate labels"),
        ((0, 0, 0, 0), 0.0, 0.0, "0.0% of the flagged decisions"),
    ],
    ids=["enough", "few-flagged", "few-passed", "none"],
)
def test_below_four_fifths_of_either_the_rate_is_not_identified(labels, flagged, passed, advice):
    """The advice names what is missing; flagged decisions come first."""
    coverage = Coverage.of([CohortCounts(0, "a", 910, 10, *map(float, labels))])

    assert (coverage.flagged, coverage.passed) == (flagged, passed)
    assert coverage.is_identified == (not advice)
    assert advice in coverage.advice
    assert bool(coverage.advice) == bool(advice)


def test_a_kind_without_decisions_needs_no_labels():
    """A release that flags nothing is identified by the passed ones; without decisions there is no rate."""
    quiet, empty = Coverage.of([CohortCounts(0, "a", 100, 0, legit_passed=90.0)]), Coverage.of([])

    assert (quiet.flagged, quiet.is_identified, empty.is_identified) == (None, True, True)
    assert (empty.describe()["rate_lower"], empty.describe()["finding"]) == (None, "")


def test_the_status_shows_both_bounds():
    """Half of the flagged decisions have a label, so the rate is between 3 and 7 % of the legitimate ones."""
    shown = Coverage.of([CohortCounts(0, "a", 1_000, 70, legit_flagged=30.0, legit_passed=930.0)]).describe()

    assert shown["finding"] == "evidence_unidentified"
    assert (shown["rate_lower"], shown["rate_upper"]) == (30 / 960, 70 / 1_000)
    assert (shown["flagged"], shown["passed"], shown["least"]) == (30 / 70, 1.0, 0.8)
