"""Folders may have any name, even one that means something to a URI, a shell or a pattern.

Control characters are refused when settings are read (`tests/unit/settings/test_locations.py`).
"""

import datetime as dt
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from antifraud.artifacts.state_export import read_state_pointer, verify_export
from antifraud.errors import SettingsError
from antifraud.keys.pseudonym import generate_keyring
from antifraud.lake.catalog import open_catalog, read_days
from antifraud.lake.schemas import CLEAN, FEATURES, NAMESPACE
from antifraud.settings.core import JobSettings
from infra.cluster.archive import ROOT
from jobs.day import STAGES
from jobs.upkeep.maintenance import maintain
from jobs.upkeep.retention import Rules
from tests.circles import for_proofs
from tests.storage.test_same_day import FIRST, deliver, expected

NAMES = (
    "what?",
    "100%",
    "a%25b%2Fc",
    "ticket#7",
    "with space ",
    "[brackets] and *",
    "{braces,${HOME}}",
    "Überweisung платежи 支払い",
    "a&b=c;d+e:f@g",
    "'quoted' \"twice\" `thrice` \\ | <>",
)
ALL_AT_ONCE = "".join(sorted(set("".join(NAMES)) - {":"}))
DAYS = [FIRST, FIRST + dt.timedelta(days=1)]
THREE_DAYS_AGO = time.time() - 3 * 86_400


def made(parent, name):
    """Make a home and a raw folder of this name, with raw files of two days; return their settings."""
    settings = JobSettings(home=parent / name, raw_dir=str(parent / f"raw {name}"), quarantine_limit=1.0)
    for day in DAYS:
        deliver(settings.raw_path, day, "one")
    generate_keyring(settings.keyring_path)
    return settings


def is_whole(settings, table):
    """Return whether a table has each usable row of both days exactly once."""
    rows = read_days(open_catalog(settings), table, *DAYS).to_pylist()
    found = sorted((row["day"], row["transaction_id"]) for row in rows)
    return found == [(day, transaction) for day in DAYS for transaction in expected("one")[0]]


@pytest.mark.parametrize("name", [ALL_AT_ONCE, *for_proofs(*NAMES)], ids=range(1 + len(NAMES)))
def test_a_folder_of_any_name_holds_a_lake(tmp_path, open_lake, name):
    """In a folder of any name all stages run, readers find every row, and maintenance removes only an orphan."""
    settings = made(tmp_path, name)
    session = open_lake(settings)
    for stage in STAGES.values():
        stage(session, settings, DAYS)
    assert is_whole(settings, CLEAN)
    assert is_whole(settings, FEATURES)
    assert verify_export(settings.state_dir / read_state_pointer(settings.state_dir).path).cutoff == str(DAYS[-1])

    orphan = Path(settings.lake_warehouse, NAMESPACE, CLEAN.name, "data", "orphan.parquet")
    orphan.write_bytes(b"nobody")
    for path in tmp_path.rglob("*"):
        if path.is_file():
            os.utime(path, (THREE_DAYS_AGO, THREE_DAYS_AGO))
    before = {path for path in settings.home.rglob("*") if path.is_file()}
    maintain(session, settings, Rules(int(time.time())), apply=True)

    assert before - {path for path in settings.home.rglob("*") if path.is_file()} == {orphan}
    assert is_whole(settings, FEATURES)
    assert {path.name for path in tmp_path.iterdir()} == {name, f"raw {name}"}


def test_a_locale_that_cannot_spell_the_folder_is_refused(tmp_path):
    """A job refuses a locale that cannot spell the folder's name, before it makes a folder of another name."""
    settings = made(tmp_path, "Überweisung")
    environ = {key: value for key, value in os.environ.items() if key != "PYSPARK_GATEWAY_PORT"}
    environ |= {"ANTIFRAUD_HOME": str(settings.home), "LC_ALL": "C", "PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-m", "jobs.totals", "--from", str(FIRST), "--to", str(FIRST)]
    done = subprocess.run(command, env=environ, cwd=tmp_path, capture_output=True, check=False)

    assert done.returncode == SettingsError.exit_code
    assert b"set LC_ALL=C.UTF-8" in done.stderr
    assert {path.name for path in tmp_path.iterdir()} == {"Überweisung", "raw Überweisung"}


@pytest.mark.prove
def test_a_job_of_its_own_finds_the_folder_too(tmp_path):
    """A job in its own process and JVM finds a folder whose name has all the odd characters."""
    name = ALL_AT_ONCE
    settings = made(tmp_path, name)
    environ = {key: value for key, value in os.environ.items() if key != "PYSPARK_GATEWAY_PORT"}
    environ |= {"ANTIFRAUD_HOME": str(settings.home), "ANTIFRAUD_RAW_DIR": settings.raw_dir}
    environ |= {"ANTIFRAUD_QUARANTINE_LIMIT": "1", "PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-m", "jobs.day", "--from", str(FIRST), "--to", str(DAYS[-1])]
    subprocess.run(command, env=environ, check=True, cwd=tmp_path, stdout=subprocess.DEVNULL)

    assert is_whole(settings, FEATURES)
    assert {path.name for path in tmp_path.iterdir()} == {name, f"raw {name}"}
