"""Page and card tell the kill-switch's promise, with its exceptions."""

from antifraud.killswitch.detectors.noise import ALIKE, Noise
from jobs.reporting.card import model_card
from jobs.reporting.page import render
from jobs.reporting.promise import promise
from tests.report_example import INFO, REPLAY, report

NOISE = Noise(within=1.9, day_variance=0.0015**2, factors=ALIKE, rows=9_877.3)


def test_the_noise_is_told_beside_the_promise():
    """Inflation of a usual day, its part within the day, and the spread of the days."""
    *_, measured = promise(report(noise=NOISE))
    assert measured == (
        "On the certify window, a day of 9,877 legitimate transactions varies at most 2.368 times as much as "
        "independent ones: 1.9 times within the day, and days differ by 0.15 % at the limit of 5.00 %."
    )


def test_a_window_that_could_not_tell_is_told():
    """The cautious noise of the guard is named instead."""
    *_, assumed = promise(report())
    assert "is too short, or flags too little" in assumed
    assert "assumes that they differ by 1.00 % at the limit of 5.00 %" in assumed


def test_page_and_card_have_the_promise_with_its_exceptions():
    """Both say what is proved, what is only simulated, and what breaks it."""
    found = report(noise=NOISE)
    for text in (render(found), model_card({**INFO, "id": "r"}, found)):
        for sentence in promise(found):
            assert sentence in text
    assert "proved for independent rows" in promise(found)[0]
    assert "not kept for a rate that stays above its limit for weeks" in promise(found)[1]


def test_a_replay_promises_nothing():
    """It is about days that are over."""
    assert promise(report(**REPLAY)) == []
