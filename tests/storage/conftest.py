"""Two storages with the same three days: local disk with SQLite, and S3 with PostgreSQL and a Spark cluster."""

import os
import subprocess
import sys
import tempfile
from dataclasses import dataclass, fields
from pathlib import Path

import psycopg2
import pytest

from antifraud.keys.pseudonym import generate_keyring
from antifraud.lake.storage import load_account, raw_folder
from antifraud.settings.core import JobSettings
from infra.cluster.archive import ROOT, write_project_zip
from infra.cluster.postgres import start_postgres
from infra.cluster.s3 import REGION, start_s3
from infra.cluster.standalone import spark_environment, start_cluster
from tests.conftest import SMALL_JOBS

FIRST, LAST = "2026-01-01", "2026-01-03"


@dataclass(frozen=True)
class Storage:
    """Settings of a lake, and the Spark master for its jobs."""

    settings: JobSettings
    master: str
    extra: tuple[str, ...] = ()

    def environ(self) -> dict[str, str]:
        """Return the environment of a job, with these settings and no others of the project."""
        values = {f.name: getattr(self.settings, f.name) for f in fields(self.settings)}
        ours = {f"ANTIFRAUD_{name.upper()}": str(value) for name, value in values.items() if value is not None}
        return {k: v for k, v in spark_environment().items() if k != "PYSPARK_GATEWAY_PORT"} | ours


@pytest.fixture(scope="session")
def servers():
    """Start S3 and PostgreSQL in a folder that the user postgres can reach, and stop both afterwards."""
    with tempfile.TemporaryDirectory(prefix="antifraud-") as name:
        folder = Path(name)
        folder.chmod(0o711)
        for part in ("s3", "postgres"):
            (folder / part).mkdir()
        s3 = start_s3(folder / "s3")
        try:
            postgres = start_postgres(folder / "postgres", folder / "catalog.account")
            try:
                yield s3, postgres
            finally:
                postgres.stop()
        finally:
            s3.stop()


@pytest.fixture(scope="session")
def feed(tmp_path_factory):
    """Return a raw zone with three small simulated days, in which one row has no terminal, and a key ring."""
    raw = tmp_path_factory.mktemp("feed") / "raw"
    command = [sys.executable, "-m", "jobs.simulate", "--preset", "small", "--customers", "60", "--sparse-ids"]
    subprocess.run([*command, "--days", "3", "--out", str(raw / "feed")], cwd=ROOT, check=True)
    file = raw / "feed" / "2026-01-02.txt"
    text = file.read_text()
    values = text.splitlines()[1].split(",")
    file.write_text(text + ",".join(["999999999", *values[1:3], "Err", *values[4:]]) + "\n")
    generate_keyring(raw / "secrets" / "keyring.json")
    return raw


def remote_settings(home, servers, warehouse):
    """Return settings of a lake in S3 and PostgreSQL."""
    s3, postgres = servers
    return JobSettings(
        home=home,
        quarantine_limit=0.1,
        raw_dir="s3a://raw/feed",
        raw_account=s3.account_files["raw"],
        catalog_uri=postgres.uri,
        catalog_account=postgres.account_file,
        warehouse=f"s3a://lake/{warehouse}",
        lake_account=s3.account_files["lake"],
        s3_endpoint=s3.endpoint,
        s3_region=REGION,
    )


def make_database(postgres, name, template="template1"):
    """Make a database for a catalog of its own, as a copy of another one; return its URI."""
    address = postgres.uri.rpartition("/")[0]
    admin = load_account(postgres.account_file.parent / "postgres" / "admin.account")
    host, _, port = address.rpartition("/")[2].partition(":")
    login = {"host": host, "port": port, "user": admin.user, "password": admin.password, "dbname": "postgres"}
    connection = psycopg2.connect(**login)
    connection.autocommit = True
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s", [template])
        cursor.execute(f"CREATE DATABASE {name} TEMPLATE {template} OWNER lake")
    connection.close()
    return f"{address}/{name}"


@pytest.fixture(scope="session")
def local_storage(feed, tmp_path_factory):
    """Return a storage on local disk with SQLite, whose jobs run in the driver's own process."""
    home = tmp_path_factory.mktemp("local")
    (home / "raw").symlink_to(feed)
    return Storage(JobSettings(home=home, quarantine_limit=0.1), "local[2]")


@pytest.fixture(scope="session")
def remote_storage(feed, servers, tmp_path_factory):
    """Start a cluster of two workers for S3 and PostgreSQL, whose jobs come from the project's zip."""
    home = tmp_path_factory.mktemp("remote")
    (home / "raw").mkdir()
    (home / "raw" / "secrets").symlink_to(feed / "secrets")
    settings = remote_settings(home, servers, "warehouse")
    for file in (feed / "feed").iterdir():
        (raw_folder(settings) / file.name).write_bytes(file.read_bytes())
    write_project_zip(home / "antifraud.zip")
    cluster = start_cluster(home / "cluster")
    try:
        executors = ("--conf", f"spark.executor.extraJavaOptions={SMALL_JOBS}")
        yield Storage(settings, cluster.url, ("--py-files", str(home / "antifraud.zip"), *executors))
    finally:
        cluster.stop()


def submit(storage, log, script, *arguments):
    """Start ``spark-submit`` in client mode, from a folder outside the project; the process logs to `log`."""
    environ = storage.environ()
    command = [str(Path(environ["SPARK_HOME"]) / "bin" / "spark-submit"), "--master", storage.master]
    if not storage.extra:
        environ["PYTHONPATH"] = f"{ROOT}{os.pathsep}{environ.get('PYTHONPATH', '')}"
    with log.open("w") as output:
        return subprocess.Popen(
            [*command, *storage.extra, str(ROOT / "jobs" / script), *arguments],
            cwd=storage.settings.home,
            env=environ,
            stdout=output,
            stderr=subprocess.STDOUT,
        )


def passwords(storage):
    """Return every password in the storage's account files."""
    s = storage.settings
    files = [path for path in (s.raw_account, s.lake_account, s.catalog_account) if path]
    return [line.partition("=")[2] for path in files for line in path.read_text().splitlines() if "password" in line]


def command_lines():
    """Return the command lines of all processes, as any user of the machine can read them."""
    found = []
    for entry in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            found.append(entry.read_bytes().decode(errors="replace"))
        except OSError:
            continue  # the process has ended
    return found
