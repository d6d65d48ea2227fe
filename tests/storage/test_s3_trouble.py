"""S3 that is too busy, stalls or refuses is reported in one line after a bounded time, and a re-run repairs the day."""

import dataclasses
import datetime as dt
import subprocess
import sys
import time

import pytest
from pyiceberg.io.pyarrow import PyArrowFileIO

from antifraud.errors import StorageError
from antifraud.lake.catalog import open_catalog, published, read_days
from antifraud.lake.feed import discover
from antifraud.lake.schemas import CLEAN
from antifraud.lake.storage import file_properties, raw_folder
from infra.cluster.archive import ROOT
from jobs.lake.ingest import ingest
from jobs.publishing.staging import staged_snapshots
from jobs.publishing.tables import create_tables
from jobs.raw.demand import TABLES
from jobs.spark.session import S3A, lake_configuration, s3_configuration
from jobs.spark.troubles import translate_troubles
from tests.circles import for_proofs
from tests.storage.conftest import Storage, remote_settings
from tests.storage.s3_proxy import Proxy
from tests.storage.test_same_day import LINES, deliver

SAYS = {"busy": "answers that it is too busy", "stall": "does not answer", "refuse": "does not answer"}
FIRST = dt.date(2026, 3, 1)
DAYS = {kind: FIRST + dt.timedelta(days=number) for number, kind in enumerate(SAYS)}
WRITES = {"busy": 2, "stall": 9, "refuse": 5}
"""Number of files written before the trouble: either the first table is being staged, or one is published."""
PATIENCE_SECONDS = 60


@pytest.fixture(scope="module")
def proxy(servers):
    """Start a proxy in front of the S3 server."""
    made = Proxy(servers[0].endpoint)
    yield made
    made.stop()


@pytest.fixture(autouse=True)
def healed(proxy):
    """Let S3 answer again after each test."""
    yield
    proxy.heal()


@pytest.fixture(scope="module")
def settings(servers, proxy, feed, tmp_path_factory):
    """Return settings of a lake behind the proxy with short time-outs.

    A raw file is delivered for each kind of trouble.
    """
    home = tmp_path_factory.mktemp("trouble")
    # The lake needs a catalog of its own: in a shared catalog, tables of other tests would lie in its warehouse.
    own = {"raw_dir": "s3a://raw/trouble", "catalog_uri": None, "catalog_account": None}
    direct = dataclasses.replace(remote_settings(home, servers, "trouble"), **own)
    for day in DAYS.values():
        deliver(home / "files", day, "one")
        (raw_folder(direct) / f"{day}.txt").write_bytes((home / "files" / f"{day}.txt").read_bytes())
    return dataclasses.replace(
        direct,
        s3_endpoint=proxy.endpoint,
        s3_timeout_seconds=2,
        s3_attempts=2,
        quarantine_limit=1.0,
        keyring_file=feed / "secrets" / "keyring.json",
    )


@pytest.fixture(scope="module")
def session(spark, settings):
    """Return a session on that lake, in which Hadoop accepts time-outs below 15 seconds."""
    shortest = spark._jvm.org.apache.hadoop.fs.s3a.impl.AWSClientConfig
    shortest.setMinimumOperationDuration(spark._jvm.java.time.Duration.ofSeconds(1))
    opened = spark.newSession()
    opened.conf.set("spark.sql.shuffle.partitions", "2")
    for key, value in (s3_configuration(settings) | lake_configuration(settings)).items():
        opened.conf.set(key.replace(S3A, "fs.s3a"), value)
    create_tables(opened, settings)
    yield opened
    shortest.resetMinimumOperationDuration()


def raw_list(settings):
    return discover(raw_folder(settings))


def lake_file(settings):
    return PyArrowFileIO(dict(file_properties(settings))).new_input(f"{settings.lake_warehouse}/any").open()


@pytest.mark.parametrize("kind", SAYS)
@pytest.mark.parametrize(("door", "place"), [(raw_list, "s3a://raw/trouble"), (lake_file, "s3a://lake/trouble")])
def test_python_tells_it(settings, proxy, kind, door, place):
    """Through s3fs and through pyarrow, the error names the storage, the trouble and what to do."""
    proxy.trouble(kind)
    began = time.monotonic()

    said = f"the storage {place} at {proxy.endpoint} {SAYS[kind]}: .*run the same days again"
    with pytest.raises(StorageError, match=said), translate_troubles(settings):
        door(settings)
    assert time.monotonic() - began < PATIENCE_SECONDS


@pytest.mark.parametrize("kind", ["busy", *for_proofs("stall", "refuse")])
def test_a_write_that_breaks_off_shows_nothing(settings, session, proxy, kind):
    """Trouble in the middle of ingest leaves no row in `clean` and no published day.

    A re-run publishes all rows once and leaves nothing staged.
    """
    day = DAYS[kind]
    proxy.trouble(kind, "lake", WRITES[kind])
    began = time.monotonic()
    said = f"the storage (s3a://raw/trouble and )?s3a://lake/trouble at {proxy.endpoint} {SAYS[kind]}"
    with pytest.raises(StorageError, match=said), translate_troubles(settings):
        ingest(session, settings, [day])
    assert time.monotonic() - began < PATIENCE_SECONDS
    assert proxy.has_trouble
    proxy.heal()

    catalog = open_catalog(settings)
    assert read_days(catalog, CLEAN, day, day).num_rows == 0
    assert [published(catalog, table, day, day) for table in TABLES] == [{}, {}, {}]
    assert ingest(session, settings, [day]) == LINES
    assert sum(read_days(catalog, table, day, day).num_rows for table in TABLES) == 2 * (LINES - 1) + 1
    assert [staged_snapshots(catalog, table) for table in TABLES] == [[], [], []]


@pytest.mark.prove
@pytest.mark.usefixtures("session")
def test_a_job_ends_with_its_own_code(settings, proxy):
    """A job whose storage refuses ends with exit code 52 and one line, without a traceback."""
    proxy.trouble("refuse")
    command = [sys.executable, "-m", "jobs.ingest", "--from", str(FIRST), "--to", str(FIRST)]
    environ = Storage(settings, "").environ() | {"PYTHONPATH": str(ROOT)}
    done = subprocess.run(command, cwd=ROOT, env=environ, capture_output=True, text=True, check=False)

    assert done.returncode == 52, done.stderr[-2000:]
    assert [line for line in done.stderr.splitlines() if line.startswith("error: the storage s3a://")]
    assert "Traceback" not in done.stderr
