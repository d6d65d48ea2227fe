"""Fixtures of the scorer's tests: one model for the session, a fresh home and scorer for each test."""

import shutil
import subprocess

import pytest

from infra.cluster.redis import start_redis
from serving.store.__main__ import main as manage_store
from tests.release_keys import put_keys
from tests.serving.scene import (
    REDIS,
    Scorer,
    empty_state,
    environment_of,
    init_store,
    make_model,
    make_release,
    promote,
    require_consistent,
)


@pytest.fixture(scope="session")
def two_releases(tmp_path_factory):
    """A releases folder with the bundles ``first`` and ``second``, which score differently."""
    home = tmp_path_factory.mktemp("releases")
    for seed, release in enumerate(("first", "second")):
        golden = make_model(home / "candidates" / release, seed=seed)
        make_release(home / "releases", home / "candidates" / release, golden, release)
    return home / "releases"


@pytest.fixture(scope="session")
def redis_server(tmp_path_factory):
    """A Redis of its own for each lane of tests."""
    server = start_redis(tmp_path_factory.mktemp("redis"))
    yield server
    server.stop()


@pytest.fixture
def redis_home(tmp_path, redis_server):
    """An empty home with its store in an empty Redis."""
    with redis_server.connect() as client:
        client.flushall()
    (tmp_path / REDIS).write_text(redis_server.url)
    return tmp_path


@pytest.fixture(params=["lmdb", "redis"])
def home_of_any(request, tmp_path):
    """An empty home, once with LMDB and once with Redis."""
    return request.getfixturevalue("redis_home") if request.param == "redis" else tmp_path


@pytest.fixture
def home(tmp_path, two_releases):
    """A home with ``first`` promoted, ``second`` ready, and a state up to yesterday."""
    return furnish(tmp_path, two_releases)


@pytest.fixture(scope="module")
def shared_home(tmp_path_factory, two_releases):
    """The same home once for a module, for tests that share one Gunicorn."""
    return furnish(tmp_path_factory.mktemp("home"), two_releases)


def furnish(folder, releases):
    furnish_without_store(folder, releases)
    init_store(folder)
    return folder


def furnish_without_store(folder, releases):
    put_keys(folder)
    shutil.copytree(releases, folder / "releases")
    promote(folder, "first")
    empty_state(folder)
    return folder


@pytest.fixture
def redis_service(redis_home, two_releases):
    """A home as `home`, with its store in Redis."""
    return furnish(redis_home, two_releases)


@pytest.fixture
def second_host(redis_service, tmp_path_factory, two_releases):
    """The home of a second host, which has joined the store."""
    folder = furnish_without_store(tmp_path_factory.mktemp("second"), two_releases)
    shutil.copy(redis_service / REDIS, folder / REDIS)
    assert manage_store(["join"], environment_of(folder)) == 0
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
