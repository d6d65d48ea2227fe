"""A worker loads each release once, keeps it while it may have to serve, and retries a broken one after a while."""

import pytest

from antifraud.errors import ReleaseError
from serving.worker import releases
from serving.worker.releases import KeptReleases


@pytest.fixture
def clock(monkeypatch):
    """Seconds of the monotonic clock, which the test sets."""
    now = [100.0]
    monkeypatch.setattr(releases.time, "monotonic", lambda: now[0])
    return now


def test_a_release_is_loaded_once_and_forgotten_when_nobody_needs_it():
    """A kept release is found without loading, and a forgotten one is loaded again."""
    loads = []
    kept = KeptReleases(lambda name: loads.append(name) or name.upper())

    assert kept.find("a") is None
    assert [kept.load(name) for name in ("a", "b", "a")] == ["A", "B", "A"]
    kept.keep(["b", "c"])

    assert (kept.find("a"), kept.find("b"), kept.find(None), kept.names) == (None, "B", None, ["b"])
    kept.load("a")
    assert loads == ["a", "b", "a"]


def test_a_broken_release_is_due_again_after_half_a_minute(clock):
    """Verifying it in every round would take processor time from decisions; a request may still try at once."""

    def load(name):
        raise ReleaseError(f"{name} is broken")

    kept = KeptReleases(load)
    assert kept.is_due("a")
    with pytest.raises(ReleaseError, match="a is broken"):
        kept.load("a")

    assert (kept.is_due("a"), kept.is_due("b")) == (False, True)
    clock[0] += 30.0
    assert kept.is_due("a")


def test_a_loaded_release_is_not_due():
    """There is nothing to load."""
    kept = KeptReleases(str.upper)
    kept.load("a")

    assert not kept.is_due("a")
