"""A killed scheduler costs time, but no rows."""

import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from antifraud.lake.catalog import open_catalog
from antifraud.lake.schemas import CLEAN, FEATURES, LABELS, QUARANTINE, STATE, TABLES, TOTALS_CUSTOMER, TOTALS_TERMINAL
from antifraud.settings.core import JobSettings
from jobs.publishing.staging import staged_snapshots
from tests.functional.conftest import LONG_RUN_ONLY

pytestmark = pytest.mark.timeout(3_600)
ROOT = Path(__file__).resolve().parents[2]
FIRST, LAST = "2026-01-01", "2026-04-10"
EVERY_DAY = (CLEAN, LABELS, TOTALS_CUSTOMER, TOTALS_TERMINAL, STATE, FEATURES)
RANGE = ["--from", FIRST, "--to", LAST]


def job(home: Path, *command: str) -> str:
    """Run a job on the lake of `home`, and return what it printed."""
    environ = {**os.environ, "ANTIFRAUD_HOME": str(home), "PYTHONPATH": str(ROOT), "PYSPARK_PYTHON": sys.executable}
    done = subprocess.run(
        [sys.executable, "-m", *command], cwd=ROOT, env=environ, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr[-2_000:]
    return done.stdout


def partitions(lake: dict[str, Any]) -> set[tuple[str, str]]:
    """Return the tables and days that have rows: `quarantine` where the summary counts some, other tables always."""
    unusable = {(QUARANTINE.name, day) for day, counts in lake["days"].items() if counts["quarantined"]}
    return unusable | {(table.name, day) for table in EVERY_DAY for day in lake["days"]}


def test_the_scheduler_was_killed_and_came_back(finished_run):
    """The supervisor reports the killed scheduler and starts it again, and the backfill goes on to its end."""
    assert finished_run.killed is not None
    assert "airflow-scheduler died (code -9), starting it again" in finished_run.output
    for day in (finished_run.world.killed_at, max(finished_run.summary["lake"]["days"])):
        assert f"lake.published {day}: success" in finished_run.output


@LONG_RUN_ONLY
def test_every_partition_equals_that_of_an_undisturbed_load(finished_run, tmp_path):
    """One undisturbed Spark job over the same raw files and key gives the same checksums by table and day."""
    shutil.copytree(finished_run.home / "raw", tmp_path / "raw")
    job(tmp_path, "jobs.day", *RANGE, "--stages", "ingest,totals,state,features")
    expected, found = (job(home, "jobs.checksums", *RANGE) for home in (tmp_path, finished_run.home))
    assert {tuple(line.split()[:2]) for line in expected.splitlines()} == partitions(finished_run.summary["lake"])
    assert found == expected


def test_nothing_staged_is_left(finished_run):
    """No staged snapshot is left of the job that died with its scheduler."""
    catalog = open_catalog(JobSettings(home=finished_run.home))
    assert [table.name for table in TABLES if staged_snapshots(catalog, table)] == []
