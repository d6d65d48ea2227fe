"""Missed fraud as a subject of evidence: days of episodes close once, and open episodes are remembered."""

import json

import pytest

from antifraud.killswitch.detectors.loss import MissedDay
from antifraud.killswitch.detectors.missed_rate import Episode, LossEvidence, MissedFraud, update_loss
from antifraud.killswitch.losses import (
    LOSS,
    ClosedLoss,
    Loss,
    allowed_loss,
    close_losses,
    describe_loss,
    explain_loss,
    is_within,
    observed_volume,
)
from antifraud.killswitch.subjects import find_trip


def test_a_fraud_counts_on_the_day_its_episode_began_whenever_that_closes():
    """Day by day or all at once: a terminal's frauds of four weeks belong to the first day, and to no other."""
    frauds = [MissedFraud(day, 10.0, f"c{day}", "t") for day in (1, 2, 15, 28, 29, 40)]
    at_once = close_losses(Loss(), frauds, dict.fromkeys(range(1, 31), 100.0))
    by_day = Loss()
    for day in range(1, 31):
        seen = [fraud for fraud in frauds if day <= fraud.day < day + 28]
        by_day = close_losses(by_day, seen, {day: 100.0})

    assert at_once == by_day
    assert by_day.recent[-3:] == (ClosedLoss(28, 0, 100.0), ClosedLoss(29, 20.0, 100.0), ClosedLoss(30, 0, 100.0))
    assert by_day.open_episodes == (Episode(29, "c29", "t"),)


def test_closed_days_are_updates_of_the_test():
    """Twice 80 missed of 100 that are allowed."""
    frauds = [MissedFraud(1, 80.0, "a", "t"), MissedFraud(2, 80.0, "b", "u")]
    expected = update_loss(update_loss(LossEvidence(), 80.0, 100.0), 80.0, 100.0)

    assert close_losses(Loss(), frauds, {1: 100.0, 2: 100.0}).test == expected


def test_a_fraud_that_is_learnt_after_its_day_has_closed_begins_nothing():
    """Day 1 has closed; a fraud of day 1 that comes later counts on no day."""
    closed = close_losses(Loss(), [], {1: 100.0})
    late = [MissedFraud(1, 70.0, "a", "t"), MissedFraud(3, 5.0, "b", "t")]

    assert close_losses(closed, late, {2: 100.0, 3: 100.0}).recent[1:] == (
        ClosedLoss(2, 0, 100.0),
        ClosedLoss(3, 5.0, 100.0),
    )


def broken():
    """Ten days of four times what is allowed."""
    frauds = [MissedFraud(day, 4_000_00.0, f"c{day}", f"t{day}") for day in range(10)]
    return close_losses(Loss(), frauds, dict.fromkeys(range(10), 1_000_00.0))


def test_the_loss_trips_after_the_rates_and_only_if_it_is_broken():
    """Its name is that of no release."""
    assert find_trip({}, "a", broken()) == LOSS
    assert find_trip({}, "a", Loss()) is None
    assert find_trip({}, "a") is None


def test_the_loss_is_told_with_its_amounts():
    """The last seven closed days; evidence that starts anew keeps the open episodes."""
    assert explain_loss(broken()) == (
        "missed fraud is above its limit for the volume: episodes that began on the last 7 closed days have missed "
        "28,000 RUB, and 7,000 RUB are allowed"
    )
    cleared = broken().clear()
    assert (cleared.test, cleared.cleared_on, cleared.open_episodes) == (LossEvidence(), 9, broken().open_episodes)


def test_the_loss_survives_storage():
    """Also before the first day."""
    for loss in (Loss(), broken()):
        assert Loss.from_dict(json.loads(json.dumps(describe_loss(0, loss)))) == loss


def test_more_volume_allows_more():
    """A limit of 500,000 RUB at 300,000 transactions a month."""
    assert allowed_loss(50_000_000, 300_000, 600) == 100_000
    assert allowed_loss(50_000_000, 0.0, 0) == 0.0


@pytest.mark.parametrize(("decided", "day", "volume"), [({}, 9, 0.0), ({9: 10}, 9, 300.0), ({-30: 7, 0: 20}, 9, 60.0)])
def test_an_unknown_volume_is_the_one_observed(decided, day, volume):
    """The last thirty days, or as many as there were."""
    assert observed_volume(decided, day) == volume


def test_silence_acquits_nobody():
    """Less than a quarter of the day's fraud is known, so none is no sign of a good release."""
    assert not is_within([MissedDay(1, 0)], [0.0, 0.1], allowed=100)
    assert is_within([MissedDay(8, 0)], [0.0, 0.1, 0.9], allowed=100)
