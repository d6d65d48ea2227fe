"""Twenty days published at once, by four processes with five threads each, are all kept, on either catalog."""

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from antifraud.lake.catalog import open_catalog, published, read_days
from antifraud.lake.schemas import CLEAN
from antifraud.settings.core import JobSettings
from infra.cluster.archive import ROOT
from infra.cluster.postgres import start_postgres
from jobs.publishing.staging import staged_snapshots
from tests.storage.conftest import Storage
from tests.storage.publish_days import PROCESSES
from tests.storage.rows import day

pytestmark = pytest.mark.prove  # `test_same_day.py` tries one race, and this file twenty
DAYS = 20


@pytest.fixture(scope="module")
def postgres():
    """Start a server for these tests alone. In a shared catalog their tables would have files on a local disk."""
    with tempfile.TemporaryDirectory(prefix="antifraud-") as name:
        folder = Path(name)
        folder.chmod(0o711)  # the user postgres must pass through this folder
        (folder / "postgres").mkdir()
        server = start_postgres(folder / "postgres", folder / "catalog.account")
        try:
            yield server
        finally:
            server.stop()


@pytest.fixture(scope="module")
def lakes(postgres, tmp_path_factory):
    """Return two empty lakes on a local disk, with SQLite and with PostgreSQL, because the catalog orders commits."""
    local = JobSettings(home=tmp_path_factory.mktemp("sqlite"))
    remote = JobSettings(
        home=tmp_path_factory.mktemp("postgres"), catalog_uri=postgres.uri, catalog_account=postgres.account_file
    )
    return {"sqlite": local, "postgresql": remote}


@pytest.fixture(scope="module")
def finished(lakes, tmp_path_factory):
    """Run all processes to their end, and return what each printed."""
    folder = tmp_path_factory.mktemp("parallel")
    listed = folder / "lakes.json"
    environs = [
        {k: v for k, v in Storage(s, "").environ().items() if k.startswith("ANTIFRAUD_")} for s in lakes.values()
    ]
    listed.write_text(json.dumps(environs))
    environ = {k: v for k, v in os.environ.items() if k != "PYSPARK_GATEWAY_PORT"}
    environ |= {"PYTHONPATH": f"{ROOT}{os.pathsep}{environ.get('PYTHONPATH', '')}"}
    share = DAYS // PROCESSES
    command = [sys.executable, str(ROOT / "tests" / "storage" / "publish_days.py"), str(listed), str(folder / "at")]
    running = [
        subprocess.Popen(
            [*command, str(number * share), str(share)],
            env=environ,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        for number in range(PROCESSES)
    ]
    outputs = [process.communicate(timeout=600)[0] for process in running]
    assert [process.returncode for process in running] == [0] * PROCESSES, "\n".join(o[-2000:] for o in outputs)
    print(*outputs, sep="\n")  # noqa: T201 - shown with -rP: how long each catalog took
    return outputs


@pytest.mark.parametrize("kind", ["sqlite", "postgresql"])
def test_no_update_is_lost(lakes, finished, kind):
    """Every day holds its own row, `runs` names every day's run, and nothing staged is left."""
    assert len(finished) == PROCESSES
    catalog = open_catalog(lakes[kind])
    rows = read_days(catalog, CLEAN, day(0), day(DAYS - 1)).to_pylist()
    runs = published(catalog, CLEAN, day(0), day(DAYS - 1))

    assert sorted((row["day"], row["amount"]) for row in rows) == [(day(n), n + 1) for n in range(DAYS)]
    assert [runs[day(n)].inputs for n in range(DAYS)] == [f"i{n}" for n in range(DAYS)]
    assert staged_snapshots(catalog, CLEAN) == []
