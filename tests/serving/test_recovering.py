"""The recovery from a trip against a real scorer over HTTP, with a kill after each step: the next run goes on."""

import datetime as dt

import pytest

from antifraud.artifacts.judgement import judgement_folder, stand, write_judgement
from antifraud.client.recovering import look
from antifraud.client.switch import connect_as_judge, read_switch
from antifraud.killswitch.machine import Level, Note, warn
from antifraud.settings.core import JobSettings
from jobs.judging import recovering
from jobs.judging.recovering import recover
from tests.serving.recovery_scene import ONSET, TODAY, copy_release, judge, over_http, suspend_by_trip
from tests.serving.scene import NOON

NOTHING = "nothing to recover from"


@pytest.fixture
def settings(scorer, home):
    """Settings of the jobs, for a scorer that listens on 127.0.0.1."""
    with over_http(scorer, home) as settings:
        yield settings


def see(settings, newest=TODAY):
    """The look of a run."""
    return look(settings, lambda: newest)


def fake_judge(settings, made, newest=TODAY):
    """Write a judgement where the job `judge` would."""
    write_judgement(judgement_folder(settings, newest, ONSET), made)


def ask_nobody():
    raise AssertionError("the lake was asked although nothing is wrong")


def test_while_nothing_is_wrong_only_the_scorer_is_asked(settings):
    """No task follows, and a repeat changes nothing."""
    found = look(settings, ask_nobody)

    assert (found.tasks, found.words) == ((), NOTHING)
    assert recover(settings) == "no trip holds the service any more: nothing was changed"


def test_a_home_without_a_scorer_has_nothing_to_recover(tmp_path):
    """Nobody is asked."""
    assert look(JobSettings(home=tmp_path), ask_nobody).tasks == ()


def test_a_run_that_was_killed_after_any_step_is_followed_by_one_that_goes_on(scorer, settings):
    """Judge, publish, roll back: each step is done once, whichever was the last one of the run before."""
    tripped = suspend_by_trip(scorer)
    first = see(settings)
    assert first.tasks == ("retrain", "judging")
    assert (first.as_of, first.onset, first.run_id) == (str(TODAY), str(ONSET), f"recover__2_{tripped.at}")

    made = judge("second")
    fake_judge(settings, made)
    assert see(settings).tasks == ("retrain", "judging")

    stand(settings.releases_dir, made)
    assert see(settings).tasks == ("retrain", "roll_back")
    assert scorer.store.switch() == tripped

    assert recover(settings) == "second serves: the service is ROLLED_BACK since change 3 of its switch"
    after = see(settings)
    assert (after.tasks, after.run_id) == (("retrain",), first.run_id)
    assert recover(settings) == "no trip holds the service any more: nothing was changed"
    assert scorer.store.switch().epoch == 3
    assert scorer.decide().json["release"] == "second"


def test_days_are_judged_once(scorer, settings):
    """Nothing passes today. The next run waits, and a new day in the lake is judged again."""
    suspend_by_trip(scorer)
    made = judge(failing=("first", "second"))
    fake_judge(settings, made)
    stand(settings.releases_dir, made)

    assert see(settings).tasks == ("retrain",)
    assert see(settings).words.endswith(f"The days up to {TODAY} are judged already.")
    assert recover(settings) == "nothing may serve yet: None of 2 judged releases passes both tests."
    assert see(settings, TODAY + dt.timedelta(days=1)).tasks == ("retrain", "judging")


def test_a_lake_without_days_waits(scorer, settings):
    """Nothing can be judged or trained, so nothing is tried."""
    suspend_by_trip(scorer)

    assert see(settings, None).tasks == ()


@pytest.mark.parametrize("damage", ["cut", "expired"])
def test_a_judgement_that_cannot_be_used_is_made_anew(scorer, settings, damage):
    """The file was cut off, or is older than a night and half a day."""
    before = suspend_by_trip(scorer)
    stand(settings.releases_dir, judge("second", made_at=NOON - 37 * 3_600 if damage == "expired" else NOON))
    if damage == "cut":
        path = settings.releases_dir / "judgement.json"
        path.write_text(path.read_text()[:-9])

    assert see(settings).tasks == ("retrain", "judging")
    assert recover(settings).startswith("nothing may serve yet: ")
    assert scorer.store.switch() == before


def test_a_damaged_bundle_on_the_ladder_is_passed_over(scorer, settings, home):
    """The newest release that passes does not load any more, so an older one serves."""
    copy_release(home, "newest")
    copy_release(home, "older")
    suspend_by_trip(scorer)
    stand(settings.releases_dir, judge("newest", "older"))
    (home / "releases" / "newest" / "model.onnx").write_bytes(b"damaged")

    assert recover(settings) == "older serves: the service is ROLLED_BACK since change 3 of its switch"


def test_an_epoch_that_moved_meanwhile_ends_the_run_without_a_change(scorer, settings, monkeypatch):
    """An admin has taken over after the switch was read; the run succeeds, and the next one sees nothing to do."""
    suspend_by_trip(scorer)
    stand(settings.releases_dir, judge("second"))

    def read_late(settings, connect):
        seen = read_switch(settings, connect)
        scorer.switch("resume", seen.epoch, reason="I know better")
        return seen

    monkeypatch.setattr(recovering, "read_switch", read_late)

    assert recover(settings).startswith("somebody was faster (")
    assert (scorer.store.switch().mode, scorer.store.switch().by) == ("SERVING", "boss")
    assert see(settings).tasks == ()


def test_an_answer_that_was_lost_is_no_second_change(scorer, settings):
    """The run was killed after the scorer had changed the switch, before it read the answer."""
    suspend_by_trip(scorer)
    made = stand(settings.releases_dir, judge("second"))
    with connect_as_judge(settings) as client:
        client.roll_back("second", "lost", 2, report=made.sha256)

    assert recover(settings) == "no trip holds the service any more: nothing was changed"
    assert scorer.store.switch().epoch == 3


def test_a_warning_meanwhile_costs_one_run(scorer, settings, monkeypatch):
    """The guard's warning is another epoch of the same trip: the request is refused, and the next run rolls back."""
    tripped = suspend_by_trip(scorer)
    stand(settings.releases_dir, judge("second"))

    def read_late(settings, connect):
        seen = read_switch(settings, connect)
        changed = warn(scorer.store.switch(), {"loss": Level.PAGE}, Note("burnt", "guard", NOON))
        assert scorer.store.commit_signals(b"{}", [changed])
        return seen

    with monkeypatch.context() as patched:
        patched.setattr(recovering, "read_switch", read_late)
        assert recover(settings).startswith("somebody was faster (")
    assert (scorer.store.switch().mode, scorer.store.switch().trip) == ("SUSPENDED", tripped.trip)

    found = see(settings)
    assert (found.tasks, found.run_id) == (("retrain", "roll_back"), f"recover__2_{tripped.at}")
    assert recover(settings) == "second serves: the service is ROLLED_BACK since change 4 of its switch"
