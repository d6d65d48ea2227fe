"""Fixtures of the scorer's tests: one model for the session, a fresh home and scorer for each test."""

import shutil

import pytest

from serving.store.soundness import find_flaws
from tests.release_keys import put_keys
from tests.serving.scene import Scorer, empty_state, init_store, make_model, make_release, promote, view_of


@pytest.fixture(scope="session")
def two_releases(tmp_path_factory):
    """A releases folder with the bundles ``first`` and ``second``, which score differently."""
    home = tmp_path_factory.mktemp("releases")
    for seed, release in enumerate(("first", "second")):
        golden = make_model(home / "candidates" / release, seed=seed)
        make_release(home / "releases", home / "candidates" / release, golden, release)
    return home / "releases"


@pytest.fixture
def home(tmp_path, two_releases):
    """A home with ``first`` promoted, ``second`` ready, and a state up to yesterday."""
    return furnish(tmp_path, two_releases)


@pytest.fixture(scope="module")
def shared_home(tmp_path_factory, two_releases):
    """The same home once for a module, for tests that share one Gunicorn."""
    return furnish(tmp_path_factory.mktemp("home"), two_releases)


def furnish(folder, releases):
    put_keys(folder)
    shutil.copytree(releases, folder / "releases")
    promote(folder, "first")
    empty_state(folder)
    init_store(folder)
    return folder


@pytest.fixture
def scorer(home):
    """A scorer that has polled once."""
    running = Scorer(home)
    running.poller.poll()
    yield running
    require_consistent(running)
    running.close()


def require_consistent(scorer):
    """Whatever a test has done, the records of the store belong together, and their digest says so."""
    if scorer.services.opened_store:
        with view_of(scorer.store) as view:
            assert list(find_flaws(view)) == []
