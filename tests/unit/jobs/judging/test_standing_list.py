"""The releases of the standing judgement: what serves, the ladder, the anchor, and whatever cannot be read."""

import datetime as dt

import pytest

from antifraud.artifacts.bundle import write_bundle
from antifraud.artifacts.pointer import activate, pin
from antifraud.errors import ReleaseError
from antifraud.features.registry import feature_set_hash
from antifraud.killswitch.judgement import Role
from antifraud.settings.core import JobSettings
from jobs.judging import standing_list
from jobs.judging.standing_list import list_releases
from tests.release_keys import PUBLIC, SIGNING, put_keys

TODAY = dt.date(2026, 4, 10)
DAYS = {"r1": "2026-01-10", "r2": "2026-02-20", "r3": "2026-03-20", "r4": "2026-04-01", "r5": "2026-04-09"}


@pytest.fixture
def settings(tmp_path, monkeypatch):
    """Return a home with five releases: r5 serves, r1 is the anchor, and r4 is too young for the ladder."""
    monkeypatch.setattr(standing_list, "load_evaluator", lambda _: None)
    put_keys(tmp_path)
    settings = JobSettings(home=tmp_path)
    for release, as_of in DAYS.items():
        write(settings, release, as_of)
    activate(settings.releases_dir, "r5", PUBLIC)
    pin(settings.releases_dir, "r1", PUBLIC, reason="proven")
    return settings


def write(settings, release, as_of, feature_set=None):
    manifest = {"as_of": as_of, "feature_set": feature_set or feature_set_hash()}
    write_bundle(settings.releases_dir, release, {"model.onnx": b"model"}, manifest, SIGNING)


def roles(found):
    return [(each.release, each.role) for each in found]


LISTED = [("r5", Role.CHAMPION), ("r3", Role.LADDER), ("r2", Role.LADDER), ("r1", Role.ANCHOR)]
"""r3 is 21 days old; r2 is 49 and stands for 28 days; r1 is 90 days old and stands for 56."""


def test_what_serves_the_ladder_and_the_anchor_are_listed(settings):
    """They are listed newest first, each once, with the day that they were trained as of."""
    found = list_releases(settings, TODAY)
    assert roles(found) == LISTED
    assert [str(each.trained) for each in found] == ["2026-04-09", "2026-03-20", "2026-02-20", "2026-01-10"]
    assert all(each.bundle and not each.trouble for each in found)


def test_the_release_that_the_switch_serves_is_listed_too(settings):
    """While rolled back to a release that is on no ladder, the service has to know whether it is still good."""
    assert ("r4", Role.LADDER) in roles(list_releases(settings, TODAY, serving="r4"))
    assert roles(list_releases(settings, TODAY, serving="r5")) == LISTED


def test_nothing_is_listed_before_the_first_promotion(tmp_path):
    """A service without a release has nothing to go back to."""
    assert list_releases(JobSettings(home=tmp_path), TODAY) == []


def test_a_damaged_bundle_is_listed_with_its_trouble(settings):
    """The ladder takes the next sound release, and the damaged one is told with its reason."""
    (settings.releases_dir / "r3" / "model.onnx").write_bytes(b"other")
    found = list_releases(settings, TODAY)
    assert roles(found) == [LISTED[0], *LISTED[2:], ("r3", Role.LADDER)]
    assert (found[-1].bundle, found[-1].trained) == (None, None)
    assert found[-1].trouble.startswith("Its bundle does not verify (model.onnx of bundle r3 has SHA-256")


def test_a_champion_that_is_gone_is_listed_with_its_trouble(settings, monkeypatch):
    """A model that cannot be loaded is a trouble of its release alone."""

    def load(bundle):
        if bundle.release == "r5":
            raise ReleaseError("the model is no ONNX file")

    monkeypatch.setattr(standing_list, "load_evaluator", load)
    found = list_releases(settings, TODAY)
    champion = next(each for each in found if each.release == "r5")
    assert (champion.role, champion.trouble) == (
        Role.CHAMPION,
        "Its bundle does not verify (the model is no ONNX file).",
    )
    assert len(found) == len(LISTED)


def test_a_release_of_other_features_cannot_be_judged(settings):
    """Its day is known, and its trouble says which features it needs."""
    write(settings, "r6", "2026-03-25", feature_set="f0")
    found = next(each for each in list_releases(settings, TODAY) if each.release == "r6")
    assert (found.bundle, found.trained) == (None, dt.date(2026, 3, 25))
    assert found.trouble.startswith("It cannot score today's rows (release r6 needs feature set f0, this code has")
