"""Evidence that must not trip still warns: releases that have retired, earlier eras, labels after the close."""

from antifraud.killswitch.alarms import watch_harmless, watch_late_labels
from antifraud.killswitch.cohorts import CohortCounts
from antifraud.killswitch.detectors.noise import ALIKE, Noise
from antifraud.killswitch.eras import Eras
from antifraud.killswitch.machine import Level
from antifraud.killswitch.promises import Promise
from antifraud.killswitch.status import describe_subject
from antifraud.killswitch.subjects import close_day

PROMISE = Promise(Noise(within=1.0, day_variance=0.0, factors=ALIKE, rows=10_000))


def broken(era):
    """The evidence of an era in which release ``bad`` flags 30 %."""
    subjects = {}
    for day in range(3):
        cohort = CohortCounts(day, "bad", 1_000, 300, legit_flagged=300.0, legit_passed=700.0, squares=300.0)
        subjects |= close_day(subjects, [cohort], {"bad": PROMISE}, 0.05)
    return {(era, name): describe_subject(era, name, subject, 0.05) for name, subject in subjects.items()}


def words(evidence, eras, serving):
    """The sentences of the alarms that are raised, each with its own subjects."""
    return [each.words for each in watch_harmless(evidence, eras, serving) if each.begins is Level.WARN]


def test_a_subject_is_described_with_rate_limit_and_budget():
    """The service has no release; both have the counts of three days."""
    shown = broken(0)

    assert [(each["subject"], each["release"], each["budget"]) for each in shown.values()] == [
        ("release", "bad", 0.015),
        ("service", None, 0.025),
    ]
    for each in shown.values():
        assert (each["legit"], each["flagged"], each["days"], each["fpr"]) == (3_000, 900, 3, 0.3)
        assert (each["epoch"], each["limit"], each["tripped"]) == (0, 0.05, True)
        assert each["recent"] == [[0, 1_000, 300], [1, 1_000, 300], [2, 1_000, 300]]


def test_what_trips_is_no_warning():
    """The service and the release that serves suspend instead."""
    assert words(broken(0), Eras(), "bad") == []


def test_a_retired_release_and_an_earlier_era_warn():
    """Each with the sentence that a trip would have had, and why nothing is suspended."""
    (retired,) = words(broken(0), Eras(), "good")
    (earlier,) = words(broken(0), Eras((0, 4)), "bad")

    assert retired.startswith("false-positive rate of release bad is above 5.0%: 900 of the last 3000 matured")
    assert retired.endswith("; it no longer serves, so this suspends nothing")
    assert (
        earlier.split("; ")[2::3]
        == ["these decisions were made before the trip of epoch 4, so this suspends nothing"] * 2
    )
    assert words({}, Eras(), None) == []


def test_labels_after_the_close_warn_if_they_are_many():
    """Ten of 1,000 are few, eleven warn; a label that changes its kind counts once."""
    before = CohortCounts(0, "a", 2_000, 50, legit_flagged=11.0, legit_passed=989.0)
    few = CohortCounts(0, "a", 2_000, 50, legit_flagged=1.0, legit_passed=989.0, fraud_flagged=10.0)
    many = CohortCounts(0, "a", 2_000, 50, legit_flagged=0.0, legit_passed=989.0, fraud_flagged=11.0)

    assert watch_late_labels([(before, few)]).begins is Level.NONE
    warning = watch_late_labels([(before, many)])
    assert warning.begins is Level.WARN
    assert warning.words.startswith("11 of 1000 labels of closed days came or changed after the close")
