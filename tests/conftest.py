"""One Spark session for all tests that need one; each lake is a session of its own inside it."""

import os
from pathlib import Path

import pytest

from antifraud.keys.pseudonym import generate_keyring
from antifraud.settings.core import JobSettings

# Small jobs end before the JVM's second compiler has paid for itself: without it they take a third less CPU. The JVM
# then also keeps a fifth of the compiled code, and throws away what is soon compiled again, unless told otherwise.
# A collector that works beside the program takes a sixth of their CPU; the one that stops it hardly any.
SMALL_JOBS = "-XX:TieredStopAtLevel=1 -XX:ReservedCodeCacheSize=240m -XX:+UseSerialGC"
os.environ.setdefault("SPARK_SUBMIT_OPTS", SMALL_JOBS)


@pytest.hookimpl(tryfirst=True)  # before pytest-xdist, which reads the groups in the same hook
def pytest_collection_modifyitems(items):
    """Keep in one lane what would be set up twice: a whole run, its servers, a lake with a model."""
    for item in items:
        item.add_marker(pytest.mark.xdist_group(_lane(item)))


def _lane(item):
    folder = item.path.parent.name
    if folder in {"functional", "storage"}:
        return folder
    return "judged" if "judged" in item.fixturenames else item.path.stem


@pytest.fixture(scope="session")
def spark(tmp_path_factory):
    """A local session with an empty lake that nobody uses."""
    from jobs.spark.session import start_session

    os.environ.pop("PYSPARK_GATEWAY_PORT", None)
    jars = os.environ.get("ANTIFRAUD_JARS_DIR")  # where the environment has none of its own
    unused = JobSettings(home=tmp_path_factory.mktemp("unused"), jars_dir=Path(jars) if jars else None)
    session = start_session("tests", unused)
    session.conf.set("spark.sql.shuffle.partitions", "2")
    yield session
    session.stop()


@pytest.fixture(scope="session")
def open_lake(spark):
    """A function that gives a session on the lake of some settings, its tables created."""
    from jobs.publishing.tables import create_tables
    from jobs.spark.session import lake_configuration

    def opened(settings):
        session = spark.newSession()
        for key, value in (lake_configuration(settings) | {"spark.sql.shuffle.partitions": "2"}).items():
            session.conf.set(key, value)
        create_tables(session, settings)
        return session

    return opened


@pytest.fixture
def settings(tmp_path):
    """Settings of a home of its own, with a key ring and an empty feed."""
    made = JobSettings(home=tmp_path, quarantine_limit=1.0)
    made.raw_path.mkdir(parents=True)
    generate_keyring(made.keyring_path)
    return made


@pytest.fixture(scope="session")
def judged(open_lake, tmp_path_factory):
    """A small lake with a candidate that was trained and validated: session, settings, candidate, report."""
    from jobs.judging.validate import validate, write_reports
    from jobs.rows.inputs import Inputs
    from jobs.rows.windows import windows_of
    from jobs.training.train import train
    from tests.release_keys import put_keys
    from tests.spark.model_lake import AS_OF, fill, shape

    settings = shape(JobSettings(home=tmp_path_factory.mktemp("judged")))
    put_keys(settings.home)
    session = open_lake(settings)
    fill(session)
    candidate = train(session, settings, AS_OF)
    inputs = Inputs.of(settings, windows_of(settings, AS_OF).spans, AS_OF)
    report = validate(session, settings, candidate, inputs)
    write_reports(report, [settings.under_home("reports", str(AS_OF)), candidate.path])
    return session, settings, candidate, report
