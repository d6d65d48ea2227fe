"""A job that was submitted to the cloud's API runs on Spark 3.5, from raw files in S3 to a published day."""

import contextlib
import dataclasses
import datetime as dt
import json
import subprocess
import sys
import tempfile
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
import s3fs

from antifraud.compute.lease import Lease
from antifraud.keys.pseudonym import generate_keyring
from antifraud.lake.catalog import open_catalog, read_days
from antifraud.lake.schemas import CLEAN, FEATURES, STATE
from antifraud.lake.storage import code_folder
from antifraud.settings.accounts import load_account
from antifraud.settings.core import JobSettings
from antifraud.settings.locations import sqlite_uri
from infra.cluster.code import upload_code
from infra.cluster.s3 import REGION, start_s3
from tests.cloud.cloud import ROOT, Double, outside

DAY = dt.date(2026, 1, 1)
SPARK35 = ROOT / ".venv-spark35" / "bin" / "python"
TOKEN = "t1.of-the-host"


@pytest.fixture
def s3():
    """Start an S3 server."""
    with tempfile.TemporaryDirectory() as folder:
        server = start_s3(Path(folder))
        yield server
        server.stop()


@pytest.fixture
def master(tmp_path):
    """Start a standalone cluster of Spark 3.5 and return its URL."""
    command = [SPARK35, "-m", "infra.cluster", "{}", "--folder", str(tmp_path / "spark")]
    calls = [[word if word != "{}" else verb for word in command] for verb in ("start", "stop")]
    started = subprocess.run(
        [*calls[0], "--workers", "1"], cwd=ROOT, env=outside(), capture_output=True, text=True, check=True
    )
    yield started.stdout.splitlines()[0].rpartition(" ")[2]
    subprocess.run(calls[1], cwd=ROOT, env=outside(), check=True, capture_output=True)


@contextlib.contextmanager
def secret_store(entries):
    """Serve a host's token and the entries of one secret, which only that token opens; yield the address."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            if self.path.endswith("/token") and self.headers["Metadata-Flavor"] == "Google":
                return self.answer({"access_token": TOKEN})
            if self.path == "/lockbox/v1/secrets/e6q/payload" and self.headers["Authorization"] == f"Bearer {TOKEN}":
                return self.answer({"entries": [{"key": key, "textValue": text} for key, text in entries.items()]})
            return self.send_error(403)

        def answer(self, body):
            self.send_response(200)
            self.end_headers()
            self.wfile.write(json.dumps(body).encode())

        def log_message(self, *_):
            """Stay silent."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


def files_of(s3, name):
    """Return the file system of one of the accounts."""
    account = load_account(s3.account_files[name])
    region = {"region_name": REGION}
    return s3fs.S3FileSystem(key=account.user, secret=account.password, endpoint_url=s3.endpoint, client_kwargs=region)


@pytest.fixture
def lake(tmp_path, s3):
    """Return settings of a lake in S3, whose raw zone has one small simulated day."""
    command = [sys.executable, "-m", "jobs.simulate", "--preset", "small", "--customers", "40", "--days", "1"]
    subprocess.run([*command, "--out", str(tmp_path / "feed")], cwd=ROOT, check=True)
    for path in (tmp_path / "feed").glob("*.txt"):
        files_of(s3, "raw").put_file(str(path), f"raw/feed/{path.name}")
    home = tmp_path / "home"
    home.mkdir()
    generate_keyring(home / "raw" / "secrets" / "keyring.json")
    return JobSettings(
        home=home,
        raw_dir="s3a://raw/feed",
        raw_account=s3.account_files["raw"],
        catalog_uri=sqlite_uri(tmp_path / "catalog.db"),
        warehouse="s3a://lake/warehouse",
        lake_account=s3.account_files["lake"],
        s3_endpoint=s3.endpoint,
        s3_region=REGION,
    )


def upload(lake, address):
    """Upload the code with the lake's settings; accounts and key ring are not among them."""
    plain = {"home", "raw_dir", "catalog_uri", "warehouse", "s3_endpoint", "s3_region"}
    environment = {f"ANTIFRAUD_{name.upper()}": str(getattr(lake, name)) for name in plain}
    description = {"environment": environment, "secret": "e6q", "metadata": address, "secret_store": address}
    upload_code(code_folder(lake, "s3a://lake/code"), description, None)


@pytest.fixture
def cloud(tmp_path):
    """Return a double whose code lies in the lake's bucket."""
    folder = tmp_path / "cloud"
    folder.mkdir()
    double = Double(folder, bucket="lake")
    double.start()
    yield double
    double.stop()


@pytest.mark.prove
def test_a_submitted_job_publishes_a_day_from_s3(cloud, lake, s3, master):
    """The lake's job of one day, submitted over the wire, publishes the day, and no secret is in any request."""
    secrets = {"RAW_ACCOUNT": lake.raw_account, "LAKE_ACCOUNT": lake.lake_account, "KEYRING_FILE": lake.keyring_path}
    entries = {key: path.read_text() for key, path in secrets.items()}
    lake.keyring_path.unlink()
    runner = [str(SPARK35), "-m", "tests.cloud.run_job", s3.endpoint, str(lake.lake_account), master]
    cloud.rates(runner=runner)
    lease = Lease("prototype", "lake", f"scheduled__{DAY}", int(time.time()) + 3_600)
    order = {"lease": dataclasses.asdict(lease), "attempt": 1, "task": "ingest"}
    command = ["day", "--from", str(DAY), "--to", str(DAY), "--stages", "ingest,totals,state,features"]
    with secret_store(entries) as address:
        upload(lake, address)
        assert cloud.until_done("create", order)[0] == 0
        code, said = cloud.until_done("run", {**order, "command": command}, seconds=600)
    logs = "\n".join(path.read_text() for path in cloud.folder.glob("j*.log"))
    assert code == 0, f"{said}\n{logs[-3_000:]}"

    catalog = open_catalog(lake)
    rows = {table.name: read_days(catalog, table, DAY, DAY, ["day"]).num_rows for table in (CLEAN, STATE, FEATURES)}
    assert rows["features"] == rows["clean"] > 0
    shown = (cloud.folder / "state.json").read_text() + logs
    passwords = [load_account(s3.account_files[name]).password for name in ("raw", "lake")]
    assert [word for word in (*passwords, TOKEN, "PRIVATE KEY") if word in shown] == []
    assert cloud.until_done("delete", order)[0] == 0
    assert cloud.alive() == {}
