"""A double of the cloud, in both of its services; each test finds it empty."""

import pytest

from tests.cloud.cloud import Double


@pytest.fixture(scope="session", params=["dataproc", pytest.param("managed_spark", marks=pytest.mark.prove)])
def started(request, tmp_path_factory):
    """Return a running double."""
    double = Double(tmp_path_factory.mktemp(request.param), request.param)
    double.start()
    yield double
    double.stop()


@pytest.fixture
def cloud(started):
    """Return the double without clusters and faults, and quick."""
    started.put()
    return started
