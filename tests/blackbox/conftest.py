"""Fixtures of the black-box tests: a version of the project, a home that this version has built, and its scorer."""

import os
import shutil
from contextlib import contextmanager
from pathlib import Path

import pytest

from bench.serving.processes import ScorerProcess, Version, prepare_home, running

WORLD = Path(__file__).with_name("world.py")
TESTED = "BLACKBOX_CHECKOUT"
"""Variable with the checkout that provides the scorer; without it, this one does."""


@pytest.fixture(scope="session")
def version():
    """The version that is tested."""
    checkout = os.environ.get(TESTED)
    return Version.of(Path(checkout)) if checkout else Version()


@pytest.fixture(scope="session")
def world_of(version, tmp_path_factory):
    """Return a function that makes a home without access file and store."""

    def make(*options):
        home = tmp_path_factory.mktemp("world")
        version.require(home, "-P", str(WORLD), str(home), *options)
        return home

    return make


@pytest.fixture(scope="session")
def world(world_of):
    """A small home, which tests copy."""
    return world_of()


@pytest.fixture(scope="session")
def build(version, world, tmp_path_factory):
    """Return a function that makes a home ready for a scorer."""

    def make(*, source=world, at=None, **options):
        home = (at or tmp_path_factory.mktemp("scorer")) / "home"
        shutil.copytree(source, home)
        prepare_home(version, home, **options)
        return home

    return make


@pytest.fixture(scope="session")
def scorer_of(version):
    """Return a context manager that runs a scorer on a home and stops it; `guard` is the time of a guard's clock."""

    @contextmanager
    def run(home, *, ready=True, guard=None, log=None, **options):
        with running(ScorerProcess(version, home, **options)) as scorer:
            scorer.log = log
            scorer.start(ready=ready)
            if guard is not None:
                scorer.start_guard(now=guard)
            yield scorer

    return run
