"""The guard of commit b393281 was blinded by these, or tripped falsely: each of them failed there."""

import pytest

from antifraud.killswitch.machine import Mode
from serving.api.evidence import describe_evidence
from tests.serving.cohort_scene import (
    DELAY,
    FIRST_DAY,
    decide_day,
    guard_settings,
    label,
    look,
    new_store,
    resume,
    subject,
    suspend,
)


@pytest.fixture
def store(tmp_path):
    opened = new_store(tmp_path)
    yield opened
    opened.close()


@pytest.fixture
def settings(tmp_path):
    return guard_settings(tmp_path)


def live(store, settings, days, day_of, *, between=lambda _: None):
    """Live through days: decide, label the day of a week ago, and let the guard look; return the day of a trip.

    `day_of` says for each day: release, decisions, flagged ones.
    """
    decided = {}
    for number in range(days):
        day = FIRST_DAY + number
        if look(store, settings, day):
            return number
        between(day)
        release, count, flagged = day_of(number)
        ids = decide_day(store, day, count, flagged, release=release)
        decided[day] = ids[:flagged], ids[flagged:]
        for some in decided.get(day - DELAY, ()):
            label(store, some, "legitimate", day)
    return None


def drill(store):
    """A suspension and a resume every sixth day."""

    def between(day):
        if (day - FIRST_DAY) % 6 == 5:
            suspend(store, day)
            resume(store, day)

    return between


def test_a_suspension_and_resume_every_six_days_does_not_blind(store, settings):
    """With 7-day labels, 20 % are found on day 8 or 9 although the switch has changed its epoch meanwhile."""
    begun = store.switch().epoch
    tripped = live(store, settings, 20, lambda _: ("first", 400, 80), between=drill(store))

    assert tripped in (8, 9)
    assert (store.switch().mode, store.switch().by) == (Mode.SUSPENDED, "guard")
    # A suspension, a resume, the warning of the bets, and the trip.
    assert store.switch().epoch == begun + 4
    assert store.switch().reason.startswith("false-positive rate of release first is above 5.0%: 160 of the last 800")


def test_a_retired_release_does_not_suspend_its_good_successor(store, settings):
    """Three days at 20 % by the first release warn; the second one, at 4 % since then, goes on to serve."""
    tripped = live(store, settings, 22, lambda day: ("first", 400, 80) if day < 3 else ("second", 400, 16))

    assert (tripped, store.switch().mode) == (None, Mode.SERVING)
    assert subject(store, "first")["tripped"]
    assert not subject(store, "second")["tripped"]
    (warning,) = [each for each in describe_evidence(store)["warnings"] if each.startswith("false-positive rate")]
    assert set(store.switch().warnings) == {"retired_release", "terminal_bets"}
    assert "release first is above 5.0%: 240 of the last 1200 matured" in warning
    assert warning.endswith("it no longer serves, so this suspends nothing")


def test_a_bad_successor_is_not_acquitted(store, settings):
    """If the next release is as bad, the service is suspended when the first days close."""
    tripped = live(store, settings, 20, lambda day: ("first" if day < 3 else "second", 400, 80))

    assert tripped in (8, 9)


def test_nightly_promotions_do_not_split_the_evidence(store, settings):
    """With a new release every night, 10 % are found as fast as with one release, by the service's evidence."""
    tripped = live(store, settings, 20, lambda day: (f"night-{day}", 1_000, 100))

    assert tripped in range(8, 13)
    assert store.switch().reason.startswith("false-positive rate of the service is above 5.0%: ")


@pytest.mark.parametrize(("decided", "labelled"), [(1_000, 22), (20_000, 500)])
def test_labels_of_flagged_rows_alone_trip_nothing(store, settings, decided, labelled):
    """Reviewers have labelled what was flagged and nothing else: 2.2 or 2.5 % of the decisions."""
    flagged = decide_day(store, FIRST_DAY, decided, labelled)[:labelled]
    label(store, flagged, "legitimate", FIRST_DAY + 1)

    assert look(store, settings, FIRST_DAY + 8) is None

    found = subject(store)
    assert (found["legit"], found["flagged"], found["tripped"]) == (decided, labelled, False)
    coverage = describe_evidence(store)["coverage"]
    assert (coverage["flagged"], coverage["passed"], coverage["finding"]) == (1.0, 0.0, "evidence_unidentified")


def test_without_labels_of_flagged_rows_the_status_says_what_is_missing(store, settings):
    """Blocked payments never get a label: nothing can trip, and the operator is told about a control share."""
    passed = decide_day(store, FIRST_DAY, 1_000, 200)[200:]
    label(store, passed, "legitimate", FIRST_DAY + 1)

    assert look(store, settings, FIRST_DAY + 8) is None

    coverage = describe_evidence(store)["coverage"]
    assert (coverage["flagged"], coverage["passed"], coverage["finding"]) == (0.0, 1.0, "evidence_unidentified")
    assert (coverage["rate_lower"], coverage["rate_upper"]) == (0.0, 0.2)
    assert "let a control share of them through at random" in coverage["advice"]


def test_a_control_share_identifies_the_rate(store, settings):
    """A tenth of the flagged decisions was let through; each of its labels stands for ten, and 40 % are found."""
    for day in range(FIRST_DAY, FIRST_DAY + 4):
        ids = decide_day(store, day, 1_000, 400)
        label(store, ids[:40], "legitimate", day + 1, propensity=0.1)
        label(store, ids[400:], "legitimate", day + 1)

    assert look(store, settings, FIRST_DAY + 12)
    assert describe_evidence(store)["coverage"]["finding"] == ""
    assert (subject(store)["legit"], subject(store)["flagged"]) in [(1_000 * n, 400 * n) for n in (1, 2, 3, 4)]


def test_one_terminal_counts_as_much_as_it_decides(store, settings):
    """A giant with all of its rows flagged, 8.6 % of all, is found; the rate is that of the business."""
    tripped = live(store, settings, 20, lambda _: ("first", 2_000, 172))

    assert tripped in range(8, 14)


def test_a_trip_begins_an_era_and_older_days_only_warn(store, settings):
    """After the resume, bad days from before it close without a trip, and bad days after it trip anew."""
    begun = store.switch().epoch
    for day in range(FIRST_DAY, FIRST_DAY + 9):
        label(store, decide_day(store, day, 400, 80), "legitimate", day + DELAY)
    assert look(store, settings, FIRST_DAY + 9)
    resume(store, FIRST_DAY + 9)

    for day in range(FIRST_DAY + 10, FIRST_DAY + 17):
        assert look(store, settings, day) is None
    assert store.switch().mode is Mode.SERVING
    assert store.eras().starts == (0, begun + 1)
    assert any(f"before the trip of epoch {begun + 1}" in each for each in describe_evidence(store)["warnings"])

    for day in range(FIRST_DAY + 20, FIRST_DAY + 23):
        ids = decide_day(store, day, 400, 80)
        label(store, ids, "legitimate", day + DELAY)
    assert look(store, settings, FIRST_DAY + 31)
    # Warnings of older days have changed the epoch in between.
    assert store.eras().starts == (0, begun + 1, store.switch().began)
    assert store.switch().began > begun + 3


def test_what_matures_during_a_drill_trips(store, settings):
    """Days go on to close while the service is suspended, and the guard suspends it after the drill at the latest."""
    for day in range(FIRST_DAY, FIRST_DAY + 3):
        label(store, decide_day(store, day, 400, 80), "legitimate", day + DELAY)
    suspend(store, FIRST_DAY + 4)
    look(store, settings, FIRST_DAY + 12)
    assert subject(store)["tripped"]

    if store.switch().by != "guard":
        resume(store, FIRST_DAY + 12)
        look(store, settings, FIRST_DAY + 12)

    assert (store.switch().mode, store.switch().by) == (Mode.SUSPENDED, "guard")
    assert store.switch().reason.startswith("false-positive rate of release first is above 5.0%")
