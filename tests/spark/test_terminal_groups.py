"""Groups of terminals on their way from raw files into `clean` and `features`, and lakes from before there were any."""

import datetime as dt

import pytest
from pyspark.sql import functions as F  # noqa: N812

from antifraud.keys.pseudonym import load_active_key, rotate_keyring, tokenise
from antifraud.lake.catalog import open_catalog, read_days
from antifraud.lake.feed import discover
from antifraud.lake.key_use import key_ids
from antifraud.lake.raw_lines import HEADER
from antifraud.lake.schemas import CLEAN, FEATURES, QUARANTINE, RAW
from jobs.day import STAGES
from jobs.lake.checksums import checksums
from jobs.lake.staleness import stale
from jobs.publishing.tables import create_tables, read_table
from jobs.raw.bridge import build_bridge, rekey, require_key
from jobs.raw.contents import HASHED

D1, D2 = dt.date(2026, 1, 1), dt.date(2026, 1, 2)
STAGES_UP_TO_FEATURES = ("ingest", "totals", "state", "features")
WITHOUT = ["1,2026-01-01 00:00:01,5,7,70,1,0,0,0", "2,2026-01-01 00:00:02,6,8,70,2,0,0,0"]
WITH = [
    "3,2026-01-02 00:00:01,5,7,70,1,0,0,0,300000000001",
    "4,2026-01-02 00:00:02,6,8,70,2,0,0,0,",
    "5,2026-01-02 00:00:03,6,9,70,3,0,0,0,300000000001\r",
    "6,2026-01-02 00:00:04,6,9,70,4,0,0,0,north",
    "7,2026-01-02 00:00:05,6,9,70,5,0,0,0\r,2",
    "8,2026-01-02 00:00:06,6,9,70,6,0,0,0",
]


def run_all(session, settings):
    return [STAGES[name](session, settings, [D1, D2]) for name in STAGES_UP_TO_FEATURES]


def groups_of(settings, table):
    rows = read_days(open_catalog(settings), table, D1, D2, ["transaction_id", "terminal_group"]).to_pylist()
    return {row["transaction_id"]: row["terminal_group"] for row in rows}


@pytest.fixture
def loaded(settings, open_lake):
    """Load a day of a file without groups, and a day of a file with them."""
    (settings.raw_path / "2026-01-01.txt").write_text("\n".join([HEADER, *WITHOUT, ""]))
    (settings.raw_path / "2026-01-02.txt").write_bytes("\n".join([RAW.header_of(10), *WITH, ""]).encode())
    session = open_lake(settings)
    run_all(session, settings)
    return session, settings


def test_a_lake_may_have_files_with_groups_and_without(loaded):
    """Groups become tokens of their own kind, in `clean` and in `features`; without one the column is null.

    A group that is no id makes its row unusable, and a row without the column lacks one in such a file.
    """
    _, settings = loaded
    group = tokenise(load_active_key(settings.keyring_path), "group", 300_000_000_001)

    assert groups_of(settings, CLEAN) == {1: None, 2: None, 3: group, 4: None, 5: group}
    assert groups_of(settings, FEATURES) == groups_of(settings, CLEAN)
    rejected = read_days(open_catalog(settings), QUARANTINE, D1, D2, ["line", "reason", "column"]).to_pylist()
    assert sorted((row["line"], row["reason"], row["column"]) for row in rejected) == [
        (5, "unparsable", "terminal_group_id"),
        (6, "unparsable", "tx_fraud_scenario"),
        (7, "unparsable", None),
    ]
    assert key_ids(open_catalog(settings), CLEAN, D1, D2) == {D1: frozenset({"k1"}), D2: frozenset({"k1"})}


def test_a_lake_from_before_stays_up_to_date(settings, open_lake):
    """A lake without the column gets it, and no day of a source without groups is stale or published again."""
    (settings.raw_path / "2026-01-01.txt").write_text("\n".join([HEADER, *WITHOUT, ""]))
    (settings.raw_path / "2026-01-02.txt").write_text("\n".join([HEADER, *(line[:36] for line in WITH[:2]), ""]))
    session = open_lake(settings)
    run_all(session, settings)
    before = checksums(settings, D1, D2)
    for table in (CLEAN, FEATURES):
        session.sql(f"ALTER TABLE lake.antifraud.{table.name} DROP COLUMN terminal_group")

    create_tables(session, settings)

    assert stale(settings, [D1, D2]) == {}
    assert run_all(session, settings) == [0, 0, 0, 0]
    assert groups_of(settings, FEATURES) == {1: None, 2: None, 3: None, 4: None}
    assert checksums(settings, D1, D2) == before


def test_a_source_that_begins_to_tell_groups_makes_its_days_stale(loaded):
    """A file that is delivered again with groups is loaded again, up to the features."""
    session, settings = loaded
    lines = [f"{line},7" for line in WITHOUT]
    (settings.raw_path / "2026-01-01.txt").write_text("\n".join([RAW.header_of(10), *lines, ""]))
    group = tokenise(load_active_key(settings.keyring_path), "group", 7)

    assert stale(settings, [D1, D2])["clean"][D1] == "the raw files are new or changed and were not read yet"
    assert run_all(session, settings)[0] == 2
    assert {key: groups_of(settings, FEATURES)[key] for key in (1, 2)} == {1: group, 2: group}


def test_a_rotation_gives_groups_their_tokens_under_the_new_key(loaded):
    """The bridge knows groups as well, and a row without a group keeps its null."""
    session, settings = loaded
    old = load_active_key(settings.keyring_path)
    rotate_keyring(settings.keyring_path)
    new = load_active_key(settings.keyring_path)

    bridge = build_bridge(session, settings, discover(settings.raw_path), old, new)
    rows = rekey(read_table(session, CLEAN), CLEAN, bridge)
    require_key(rows, CLEAN, new)

    group = tokenise(new, "group", 300_000_000_001)
    found = {row["transaction_id"]: row["terminal_group"] for row in rows.collect()}
    assert found == {1: None, 2: None, 3: group, 4: None, 5: group}


def test_a_null_group_leaves_the_content_of_a_row_as_it_was(spark):
    """The hash of a row without a group is that of the columns that `clean` had before."""
    rows = spark.createDataFrame([(1, 2, "k1.c", "k1.t", 3, None)], "transaction_id long, event_time long, customer "
                                 "string, terminal string, amount long, terminal_group string")  # fmt: skip
    [found] = rows.select(F.xxhash64(*HASHED[CLEAN]), F.xxhash64(*HASHED[CLEAN][:-1])).collect()

    assert HASHED[CLEAN][-1] == "terminal_group"
    assert found[0] == found[1]
