"""Spark for all tests that need it: one session, in which each lake has a session of its own."""

import logging
import os
from pathlib import Path

import pytest

from antifraud.keys.pseudonym import generate_keyring
from antifraud.settings.core import JobSettings

# Small jobs end before the JVM's second compiler has paid for itself, so without it they take a third less CPU. The JVM
# then shrinks its code cache to a fifth and compiles the same code again and again, unless a size is given.
# A concurrent collector takes a sixth of the CPU of small jobs, and the serial one hardly any.
SMALL_JOBS = "-XX:TieredStopAtLevel=1 -XX:ReservedCodeCacheSize=240m -XX:+UseSerialGC"
for of_jvm in ("SPARK_SUBMIT_OPTS", "SPARK_DAEMON_JAVA_OPTS"):  # drivers; masters and workers of a cluster
    os.environ.setdefault(of_jvm, SMALL_JOBS)


@pytest.hookimpl(tryfirst=True)  # it must run before pytest-xdist, which reads the groups in the same hook
def pytest_collection_modifyitems(items):
    """Keep tests that share an expensive set-up in one lane: a whole run, its servers, a lake with a model."""
    for item in items:
        item.add_marker(pytest.mark.xdist_group(_lane(item)))


def _lane(item):
    folder = item.path.parent.name
    if folder in {"functional", "storage"}:
        return folder
    return "judged" if "judged" in item.fixturenames else item.path.stem


@pytest.fixture(scope="session")
def spark(tmp_path_factory):
    """Start a local session with an empty lake that no test uses."""
    from jobs.spark.session import start_session

    os.environ.pop("PYSPARK_GATEWAY_PORT", None)
    # Its connections close when Python ends, and say so to a stream that pytest has closed by then.
    logging.getLogger("py4j").setLevel(logging.WARNING)
    jars = os.environ.get("ANTIFRAUD_JARS_DIR")  # needed if the environment has no jars of its own
    unused = JobSettings(home=tmp_path_factory.mktemp("unused"), jars_dir=Path(jars) if jars else None)
    session = start_session("tests", unused)
    session.conf.set("spark.sql.shuffle.partitions", "2")
    yield session
    session.stop()


@pytest.fixture(scope="session")
def open_lake(spark):
    """Return a function that opens a session on the lake of given settings and creates its tables."""
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
    """Return settings of a home of its own, with a key ring and an empty feed."""
    made = JobSettings(home=tmp_path, quarantine_limit=1.0)
    made.raw_path.mkdir(parents=True)
    generate_keyring(made.keyring_path)
    return made


@pytest.fixture(scope="session")
def judged(open_lake, tmp_path_factory):
    """Return session, settings, candidate and report of a small lake whose candidate was trained and validated."""
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


@pytest.fixture
def reads(monkeypatch):
    """Return a list that collects the names of files read as transactions, one entry a read."""
    from jobs.raw.lines import read_lines

    found = []

    def read(spark, paths):
        found.append([path.name for path in paths])
        return read_lines(spark, paths)

    monkeypatch.setattr("jobs.lake.ingest.read_lines", read)
    return found
