"""Enough certify days after the onset let a PASS resume by itself, and the recovery says what is missing until then."""

import datetime as dt

import pytest

from antifraud.clock import HOUR_SECONDS, Span
from antifraud.killswitch.judgement import Outcome, Role, Standing
from antifraud.killswitch.recovery import (
    choose_for_recovery,
    days_after,
    describe_recovery,
    find_resume_day,
    may_resume,
    span_of,
)
from antifraud.killswitch.trips import Trip
from tests.judgement_example import BAD, MADE_AT, judged, judgement

TRIP = Trip(epoch=7, at=MADE_AT, onset="2026-04-01")
YOUNG = Outcome(verdict=Standing.NOT_JUDGEABLE, sentence="Only 5 matured days lie after its certify window.")


@pytest.mark.parametrize(
    ("first", "last", "days", "resumes"),
    [
        ("2026-03-01", "2026-03-31", 0, False),
        ("2026-03-01", "2026-04-01", 0, False),
        ("2026-03-18", "2026-04-14", 13, False),
        ("2026-03-19", "2026-04-15", 14, True),
        ("2026-04-10", "2026-04-22", 13, False),
        ("2026-04-10", "2026-04-23", 14, True),
    ],
)
def test_days_of_the_certify_window_after_the_onset_count(first, last, days, resumes):
    """The day of the onset does not count, and neither do days before the window."""
    certify = span_of({"certify": {"first": first, "last": last}})

    assert (days_after(TRIP, certify), may_resume(TRIP, certify)) == (days, resumes)


def test_a_candidate_of_the_resume_day_has_just_enough_days():
    """Labels take a week, so a certify window as of that day ends a week before, 14 days after the onset."""
    day = find_resume_day(TRIP, 7)

    assert day == dt.date(2026, 4, 22)
    assert may_resume(TRIP, Span(dt.date(2026, 3, 1), day - dt.timedelta(days=7)))


@pytest.mark.parametrize(
    ("made", "now", "tripped", "release", "why"),
    [
        (judgement(), MADE_AT, ["r3"], "r2", "newest release that passes"),
        (judgement(), MADE_AT, ["r3", "r2"], "r1", "newest release that passes"),
        (judgement(), MADE_AT, ["r3", "r2", "r1"], None, "None of 3"),
        (judgement(), MADE_AT + 37 * HOUR_SECONDS, ["r3"], None, "37 hours old"),
        (None, MADE_AT, [], None, "no file"),
    ],
)
def test_a_suspended_service_goes_back_to_the_newest_release_that_passes(made, now, tripped, release, why):
    """A judgement that has expired, or does not exist, lets nothing serve."""
    found = choose_for_recovery(TRIP, made, "no file", now, tripped)

    assert (found.release, found.stays) == (release, False)
    assert why in found.reason


def test_a_judgement_from_before_the_onset_lets_nothing_serve():
    """It says nothing about the trouble."""
    later = Trip(epoch=7, at=MADE_AT, onset="2026-04-12")

    assert "on days before the onset" in choose_for_recovery(later, judgement(), "", MADE_AT, []).reason


def test_the_wait_names_what_each_release_lacks_and_the_first_day_on_which_one_could_pass():
    """A release that fails has no such day; a young one has 14 days with labels a fortnight after its training."""
    made = judgement(
        judged("r5", dt.date(2026, 4, 9), long=YOUNG, onset=None, role=Role.CHAMPION),
        judged("r4", dt.date(2026, 4, 2), long=YOUNG, onset=None),
        judged("r3", dt.date(2026, 3, 9), onset=BAD),
        judged("r2", None, long=YOUNG, onset=None),
    )

    assert describe_recovery(TRIP, made, "", 7) == {
        "onset": "2026-04-01",
        "judgement": made.sha256,
        "trouble": "",
        "passing": [],
        "missing": {"r5": YOUNG.sentence, "r4": YOUNG.sentence, "r3": BAD.sentence, "r2": YOUNG.sentence},
        "next_release_on": "2026-04-16",
        "resumes_from": "2026-04-22",
    }


def test_the_first_day_has_a_matured_day_since_the_onset():
    """An old release waits for the labels of the onset's own day only."""
    made = judgement(judged("r4", dt.date(2026, 3, 2), onset=YOUNG))

    assert describe_recovery(TRIP, made, "", 7)["next_release_on"] == "2026-04-08"


def test_without_a_judgement_only_the_trouble_is_known():
    """The day of a resume does not need one."""
    found = describe_recovery(TRIP, None, "there is no judgement.json", 7)

    assert (found["trouble"], found["missing"], found["next_release_on"]) == ("there is no judgement.json", {}, None)
    assert found["resumes_from"] == "2026-04-22"
