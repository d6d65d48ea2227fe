"""A promotion that the guard overtakes: the scorer ignores its pointer, and the job puts the pointer back."""

import datetime as dt
from dataclasses import replace

import pytest

from antifraud.artifacts.pointer import Pointer, activate, find_champion, put_back, read_champion, read_pointer
from antifraud.client.switch import SwitchSeen
from antifraud.errors import GateRefused, ReleaseError
from antifraud.killswitch.machine import INITIAL, Mode
from antifraud.settings.core import JobSettings
from jobs.judging import promote as promoting
from jobs.judging import switching
from jobs.judging.promote import promote
from tests.release_keys import PUBLIC, put_keys
from tests.report_example import put_candidate

OLD, NEW = "2026-04-09-aaaaaaaa", "2026-04-10-bbbbbbbb"
YESTERDAY, TODAY = dt.date(2026, 4, 9), dt.date(2026, 4, 10)
SERVING = SwitchSeen("SERVING", 7, "boss", "we begin", began=5, champion=OLD)
SUSPENDED = SwitchSeen("SUSPENDED", 8, "guard", "too many flags", began=8, champion=OLD)
BEFORE = Pointer(OLD, None, OLD, 1)


@pytest.fixture
def settings(tmp_path):
    """A home in which yesterday's release serves and today's candidate has passed."""
    put_keys(tmp_path)
    put_candidate(tmp_path, "2026-04-09", OLD)
    put_candidate(tmp_path, "2026-04-10", NEW, pointer_sequence=1)
    settings = JobSettings(home=tmp_path)
    promote(settings, YESTERDAY)
    return settings


@pytest.fixture
def tell(monkeypatch):
    """Let the scorer tell one switch before the pointer is moved, and another one afterwards."""

    def put(first, second):
        monkeypatch.setattr(promoting, "read_switch", lambda _: first)
        monkeypatch.setattr(switching, "read_switch", lambda _: second)

    return put


def test_a_promotion_in_time_says_what_it_has_seen(settings, tell):
    """A warning in between is another epoch of the same mode."""
    tell(SERVING, replace(SERVING, epoch=8))

    assert promote(settings, TODAY) == Pointer(NEW, OLD, OLD, 2, seen_epoch=7)


@pytest.mark.parametrize(
    "second",
    [
        SUSPENDED,
        replace(SUSPENDED, mode="ROLLED_BACK", release="2026-04-01-cccccccc"),
        replace(SERVING, epoch=9, began=9),
    ],
    ids=["suspended", "rolled back", "suspended and resumed"],
)
def test_a_promotion_that_was_overtaken_puts_the_pointer_back(settings, tell, second):
    """The refusal says who was faster and why; the pointer is as before, with a higher sequence."""
    tell(SERVING, second)

    with pytest.raises(GateRefused, match=rf"the service is {second.mode} since change .*run the promotion again"):
        promote(settings, TODAY)
    assert read_pointer(settings.releases_dir) == replace(BEFORE, sequence=3)


def test_a_promotion_that_the_guard_has_seen_counts(settings, tell):
    """The guard read the pointer after it was moved, so the trip is about the new release."""
    tell(SERVING, replace(SUSPENDED, champion=NEW))

    assert promote(settings, TODAY).release == NEW


def test_a_killed_promotion_that_was_overtaken_counts_for_nothing(settings, tell, monkeypatch):
    """The pointer stays moved, and neither a suspended nor a resumed scorer takes it, until it is promoted again."""
    tell(SERVING, SUSPENDED)
    monkeypatch.setattr(promoting, "require_in_time", lambda *_, **__: None)
    promote(settings, TODAY)

    suspended = replace(INITIAL, epoch=8, began=8, champion=OLD)
    resumed = replace(suspended, mode=Mode.SERVING, epoch=9, began=9)
    for switch in (suspended, resumed, replace(resumed, mode=Mode.OBSERVE)):
        assert read_champion(settings.releases_dir, switch) == OLD

    tell(replace(SERVING, epoch=9, began=9), None)
    assert promote(settings, TODAY) == Pointer(NEW, OLD, OLD, 2, seen_epoch=9)
    assert read_champion(settings.releases_dir, resumed) == NEW


def test_a_promotion_that_resumes_counts_in_the_mode_that_it_has_seen(settings, tell, monkeypatch):
    """The scorer reads the pointer while it is still suspended, and notes what it resumes with."""
    tell(SUSPENDED, None)
    asked = []
    monkeypatch.setattr(promoting, "resume_service", lambda _, switch, *__: asked.append(switch.epoch))

    pointer = promote(settings, TODAY, resume="trained on what came after")

    suspended = replace(INITIAL, epoch=8, began=8, champion=OLD)
    assert (asked, pointer.seen_epoch, find_champion(pointer, suspended)) == ([8], 8, NEW)
    assert find_champion(pointer, replace(suspended, epoch=9, began=9, champion=NEW)) == NEW


def test_a_person_needs_no_permission_of_the_switch(settings):
    """`release activate` counts in every mode, also one that began before or will begin."""
    moved = activate(settings.releases_dir, OLD, PUBLIC, reason="a person says so")

    assert moved.seen_epoch is None
    for began in (0, 8, 99):
        assert find_champion(moved, replace(INITIAL, began=began, champion=NEW)) == OLD


def test_a_switch_whose_author_could_not_read_the_pointer_lets_it_count(settings):
    """Nothing is known that could serve instead."""
    pointer = replace(BEFORE, seen_epoch=3)

    assert find_champion(pointer, replace(INITIAL, began=8, champion=None)) == OLD
    assert find_champion(None, replace(INITIAL, began=8, champion=NEW)) is None
    (settings.releases_dir / "pointer.json").write_text("{")
    assert read_champion(settings.releases_dir, INITIAL) is None


def test_a_pointer_that_somebody_has_moved_is_not_put_back(settings):
    """The later change stays."""
    promote(settings, TODAY)

    with pytest.raises(ReleaseError, match="the pointer is at change 2, but 3 was expected"):
        put_back(settings.releases_dir, BEFORE, expected_sequence=3)
    assert read_pointer(settings.releases_dir).release == NEW
