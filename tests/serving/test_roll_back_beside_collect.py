"""A roll-back and a clean-up of releases at the same moment: the switch never names what was removed."""

import datetime as dt
import threading

import pytest

from antifraud.artifacts.bundle import write_bundle
from antifraud.artifacts.shelf import collect
from tests.release_keys import PUBLIC, SIGNING
from tests.serving.test_decisions import assert_problem
from tests.serving.test_switch_modes import switch

TODAY = dt.date(2026, 6, 30)


@pytest.fixture(autouse=True)
def _newest(home):
    """A newer bundle than those of the scene, which is the one that a clean-up keeps without any other reason."""
    write_bundle(home / "releases", "third", {}, {}, SIGNING)


@pytest.fixture
def roll_back(scorer):
    """Begin a roll-back in a thread of its own; return the thread and the list of its answer."""

    def begin():
        answers = []
        thread = threading.Thread(target=lambda: answers.append(switch(scorer, "roll_back", release="second")))
        thread.start()
        return thread, answers

    return begin


def test_a_roll_back_to_what_a_clean_up_removes_is_refused(scorer, home, roll_back):
    """It waits until the clean-up is over; that this worker had loaded the release does not help the others."""
    scorer.services.releases.load("second")
    begun = []

    def ask_switch():
        begun.extend(roll_back())
        begun[0].join(0.3)
        assert begun[0].is_alive()
        return set()

    removed = collect(home / "releases", PUBLIC, keep=1, today=TODAY, find_in_use=ask_switch, dry_run=False)
    begun[0].join(10)

    assert removed == ["second"]
    assert_problem(begun[1][0], 422, "invalid", "release")
    assert scorer.store.switch().mode == "SERVING"


def test_a_clean_up_after_a_roll_back_sees_it(scorer, home, roll_back):
    """The switch is asked behind the lock, so it names the release."""
    thread, answers = roll_back()
    thread.join(10)

    def ask_switch():
        return {scorer.store.switch().release}

    assert collect(home / "releases", PUBLIC, keep=1, today=TODAY, find_in_use=ask_switch, dry_run=False) == []
    assert answers[0].json["release"] == "second"
