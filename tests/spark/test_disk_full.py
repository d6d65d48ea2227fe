"""A disk that fills up during a write gives a clear error, publishes nothing by halves, and a re-run repairs it."""

import datetime as dt
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from antifraud.keys.pseudonym import generate_keyring
from antifraud.settings.core import JobSettings
from jobs.lake.checksums import checksums
from jobs.lake.ingest import ingest
from jobs.lake.totals import totals

pytestmark = pytest.mark.prove
ROOT = Path(__file__).resolve().parents[2]
NAMESPACE = ["unshare", "--mount"] if os.geteuid() == 0 else ["unshare", "--user", "--map-root-user", "--mount"]
DAYS = (dt.date(2026, 1, 1), dt.date(2026, 1, 2))
RANGE = tuple(map(str, DAYS))
MARK = "--- room again\n"
ARGUMENTS = f"--from {RANGE[0]} --to {RANGE[1]}"
JOB = f'"$0" -m jobs.day {ARGUMENTS} --stages ingest,totals; code=$?'
CHECKSUMS = f'"$0" -m jobs.checksums {ARGUMENTS}'
SCRIPT = f"""
mount -t tmpfs -o size=400k tmpfs "$ANTIFRAUD_HOME/lake" || exit 99
{JOB}; echo "code $code"; {CHECKSUMS}
mount -o remount,size=200m "$ANTIFRAUD_HOME/lake"
echo '{MARK.strip()}'
{JOB}; {CHECKSUMS}; echo "code $code"
"""


@pytest.fixture(scope="module")
def raw(tmp_path_factory):
    """Return a raw zone with two small simulated days."""
    folder = tmp_path_factory.mktemp("disk")
    command = [sys.executable, "-m", "jobs.simulate", "--preset", "small", "--days", "2"]
    subprocess.run([*command, "--out", str(folder / "raw" / "feed")], cwd=ROOT, check=True)
    generate_keyring(folder / "raw" / "secrets" / "keyring.json")
    return folder / "raw"


@pytest.mark.skipif(sys.platform != "linux", reason="a small disk is mounted in a namespace of its own: Linux")
def test_a_full_disk_is_told_in_one_line_and_a_rerun_repairs(raw, tmp_path, open_lake):
    """A full disk ends the job with exit code 50, without a traceback and without a clean row.

    After the disk got more room, a re-run gives the rows of a lake that never ran out of room.
    """
    small, large = (JobSettings(home=tmp_path / name, quarantine_limit=0.1) for name in ("small", "large"))
    for settings in (small, large):
        shutil.copytree(raw, settings.home / "raw")
    for stage in (ingest, totals):
        stage(open_lake(large), large, DAYS)

    done = on_a_small_disk(small.home)

    full, repaired = done.stdout.split(MARK)
    assert (full.splitlines()[0], repaired.splitlines()[-1]) == ("code 50", "code 0")
    assert not any(line.startswith("clean") for line in full.splitlines())
    assert [line for line in done.stderr.splitlines() if line.startswith("error: the disk is full")]
    assert "Traceback" not in done.stderr
    rows = {tuple(line.split()) for line in repaired.splitlines() if RANGE[0] in line or RANGE[1] in line}
    expected = checksums(large, *DAYS)
    assert {(name, str(day), value) for (name, day), value in expected.items()} <= rows


def on_a_small_disk(home):
    """Run the script on `home`, where ``$0`` is this Python."""
    (home / "lake").mkdir()
    environ = {**os.environ, "ANTIFRAUD_HOME": str(home), "ANTIFRAUD_QUARANTINE_LIMIT": "0.1", "PYTHONPATH": str(ROOT)}
    command = [*NAMESPACE, "sh", "-c", SCRIPT, sys.executable]
    return subprocess.run(command, cwd=ROOT, env=environ, capture_output=True, text=True, check=False)
