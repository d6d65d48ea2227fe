"""Fixtures of the scorer's tests: one model for the session, a fresh home and scorer for each test."""

import shutil
import subprocess

import pytest

from tests.release_keys import put_keys
from tests.serving.scene import Scorer, empty_state, init_store, make_model, make_release, promote, require_consistent


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
    if running.services.opened_store:
        require_consistent(running.store)
    running.close()


@pytest.fixture(scope="session")
def certificate(tmp_path_factory):
    """A certificate of 127.0.0.1 with its key."""
    folder = tmp_path_factory.mktemp("certificate")
    subject = ["-subj", "/CN=127.0.0.1", "-addext", "subjectAltName=IP:127.0.0.1"]
    files = ["-keyout", str(folder / "key"), "-out", str(folder / "certificate")]
    new = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2"]
    subprocess.run([*new, *subject, *files], check=True, capture_output=True)
    both = folder / "both.pem"
    both.write_text((folder / "certificate").read_text() + (folder / "key").read_text())
    return both
