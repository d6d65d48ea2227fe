"""A damaged release on the ladder never serves: the next one does, or the service is suspended and says why."""

import shutil

import pytest

from jobs.judging.recovering import recover
from tests.circles import for_proofs
from tests.serving.recovery_scene import (
    DAMAGES,
    NEW,
    copy_release,
    over_http,
    stand,
    suspend_by_trip,
    trip_by_guard,
)

KINDS = ["flipped byte", *for_proofs("missing file", "another signature")]
UNKNOWN = ["missing manifest", "missing bundle"]
"""Damages after which the whole judgement counts as none."""


@pytest.fixture
def ladder(scorer, home):
    """The newest and an older release pass and are loaded; return the folder of the newest."""
    copy_release(home, "newest")
    copy_release(home, "older")
    stand(home, "newest", "older")
    scorer.poller.poll()
    assert scorer.services.releases.names == ["first", "newest", "older"]
    return home / "releases" / "newest"


@pytest.mark.parametrize("kind", KINDS)
def test_the_guard_takes_the_next_release(scorer, home, ladder, kind):
    """The worker still has the damaged one in its memory, and the guard looks at the files."""
    DAMAGES[kind](ladder)

    after = trip_by_guard(scorer, home)

    assert (after.mode, after.release, after.tripped) == ("ROLLED_BACK", "older", ("first",))
    assert scorer.decide(**NEW).json["release"] == "older"


def test_a_ladder_without_a_sound_release_suspends(scorer, home, ladder):
    """Both releases are damaged. The recovery changes nothing either, until one of them is restored."""
    sound = home / "sound"
    shutil.copytree(ladder.parent / "older", sound)
    for name in ("newest", "older"):
        DAMAGES["flipped byte"](ladder.parent / name)

    after = trip_by_guard(scorer, home)

    assert (after.mode, after.release) == ("SUSPENDED", None)
    assert after.evidence["consequence"] == "None of 3 judged releases passes both tests."
    assert scorer.decide(**NEW).status_code == 503
    with over_http(scorer, home) as settings:
        assert recover(settings) == "nothing may serve yet: None of 3 judged releases passes both tests."
        assert scorer.store.switch() == after
        shutil.rmtree(ladder.parent / "older")
        sound.rename(ladder.parent / "older")
        assert recover(settings).startswith("older serves: the service is ROLLED_BACK since change ")


@pytest.mark.parametrize("kind", UNKNOWN)
def test_a_judgement_about_a_release_that_is_gone_suspends(scorer, home, ladder, kind):
    """Nobody can tell what else is wrong there, so the judgement counts as none until there is a new one."""
    DAMAGES[kind](ladder)

    after = trip_by_guard(scorer, home)

    assert (after.mode, after.release) == ("SUSPENDED", None)
    assert "names releases that are not there: newest" in after.evidence["consequence"]
    with over_http(scorer, home) as settings:
        assert "names releases that are not there: newest" in recover(settings)
        stand(home, "older", made_at=after.at)
        assert recover(settings).startswith("older serves: the service is ROLLED_BACK since change ")


@pytest.mark.parametrize("kind", KINDS)
def test_the_recovery_takes_the_next_release_although_the_damaged_one_is_loaded(scorer, home, ladder, kind):
    """The worker that answers could serve it from its memory, and no worker could after a restart."""
    suspend_by_trip(scorer)
    DAMAGES[kind](ladder)

    with over_http(scorer, home) as settings:
        assert recover(settings).startswith("older serves: the service is ROLLED_BACK since change ")

    assert scorer.decide(**NEW).json["release"] == "older"
