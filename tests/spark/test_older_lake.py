"""A lake of an earlier version: its tables change, its days count as not published, and the listing says why."""

import datetime as dt
import subprocess
import sys
from pathlib import Path

import pytest

from antifraud.errors import MissingDay
from antifraud.keys.pseudonym import generate_keyring
from antifraud.lake.catalog import open_catalog, require_days
from antifraud.lake.lookback import missing_before
from antifraud.lake.schemas import FEATURES, LABELS, STATE, TOTALS_TERMINAL
from antifraud.settings.core import JobSettings
from jobs.day import STAGES
from jobs.lake.checksums import checksums
from jobs.lake.staleness import lines_of, stale
from jobs.publishing.tables import create_tables

ROOT = Path(__file__).resolve().parents[2]
DAYS = [dt.date(2026, 1, day) for day in (1, 2, 3)]
UP_TO_FEATURES = ("ingest", "totals", "state", "features")
RETIRED = {
    TOTALS_TERMINAL: ["learned array<struct<learned_day int, known bigint, fraud bigint>>"],
    STATE: ["known_1d bigint", "fraud_1d bigint", "streak_fraud bigint", "streak_age bigint", "legit_age bigint"],
}


def run_all(session, settings):
    return [STAGES[name](session, settings, DAYS) for name in UP_TO_FEATURES]


def make_older(session):
    """Give tables the columns, and runs the versions, that they had before labels counted by the hour."""
    for table, columns in RETIRED.items():
        name = f"lake.antifraud.{table.name}"
        session.sql(f"ALTER TABLE {name} DROP COLUMN label_changes")
        session.sql(f"ALTER TABLE {name} ADD COLUMNS ({', '.join(columns)})")
    for table in (LABELS, TOTALS_TERMINAL, STATE, FEATURES):
        versions = f"""'"version": {table.version}', '"version": {table.version - 1}'"""
        session.sql(
            f"UPDATE lake.antifraud.runs SET counts = replace(counts, {versions}) WHERE table = '{table.name}'"  # noqa: S608
        )


@pytest.fixture(scope="module")
def older(tmp_path_factory, open_lake):
    """Return session, settings, and the checksums from before the lake was made older."""
    settings = JobSettings(home=tmp_path_factory.mktemp("older"), quarantine_limit=0.1)
    command = [sys.executable, "-m", "jobs.simulate", "--preset", "small", "--customers", "40", "--sparse-ids"]
    subprocess.run([*command, "--days", "3", "--out", str(settings.raw_path)], cwd=ROOT, check=True)
    generate_keyring(settings.keyring_path)
    session = open_lake(settings)
    run_all(session, settings)
    expected = checksums(settings, DAYS[0], DAYS[-1])
    make_older(session)
    create_tables(session, settings)
    return session, settings, expected


def test_the_listing_says_which_version_made_a_day(older):
    """Each table of another version is listed with both versions, and what is made from it follows."""
    _, settings, _ = older
    days = "2026-01-01..2026-01-03 (3 days)"

    assert lines_of(stale(settings, DAYS)) == [
        f"labels           {days}: made for version 1 of the table, this is version 2",
        *(f"totals_customer  {day}: follows from clean or labels of {day}" for day in DAYS),
        f"totals_terminal  {days}: made for version 1 of the table, this is version 2",
        f"state            {days}: made for version 4 of the table, this is version 5",
        f"features         {days}: made for version 1 of the table, this is version 2",
    ]


def test_days_of_an_earlier_version_are_not_used(older):
    """Readers miss these days, and a later day's run counts them among the days that it has to load first."""
    _, settings, _ = older

    with pytest.raises(MissingDay, match="features of this version has no 2026-01-01, 2026-01-02, 2026-01-03"):
        require_days(open_catalog(settings), FEATURES, DAYS)
    assert missing_before(settings, dt.date(2026, 1, 4)) == DAYS


def test_reprocessing_brings_the_lake_up_to_date(older):
    """Running the stages again drops the retired columns and gives the rows that this version makes."""
    session, settings, expected = older

    assert all(run_all(session, settings))

    assert checksums(settings, DAYS[0], DAYS[-1]) == expected
    assert stale(settings, DAYS) == {}
    for table in RETIRED:
        assert sorted(session.table(f"lake.antifraud.{table.name}").columns) == sorted(table.column_names)
