"""A range of days goes through all stages: skipped if up to date, repaired after a kill, exported for the scorer."""

import dataclasses
import datetime as dt
import os
import shutil
import subprocess
import sys
import threading
from pathlib import Path

import lmdb
import pyarrow.parquet as pq
import pytest

from antifraud.artifacts.state_export import decode_entity, read_state_pointer, verify_export
from antifraud.clock import date_of, day_number
from antifraud.files import exclusive
from antifraud.keys.pseudonym import generate_keyring
from antifraud.lake.catalog import open_catalog, read_days
from antifraud.lake.lookback import missing_before
from antifraud.lake.schemas import NAMESPACE, STATE, TABLES
from antifraud.settings.core import JobSettings
from jobs.day import STAGES
from jobs.lake.checksums import checksums
from jobs.lake.export import export_state
from jobs.lake.staleness import lines_of, stale
from jobs.publishing.staging import staged_snapshots
from jobs.raw.demand import UNREAD
from tests.circles import for_proofs

ROOT = Path(__file__).resolve().parents[2]
FIRST, LAST = dt.date(2026, 1, 1), dt.date(2026, 1, 3)
DAYS = [dt.date(2026, 1, day) for day in (1, 2, 3)]


@pytest.fixture(scope="module")
def feed(tmp_path_factory):
    """Return a raw zone with three small simulated days."""
    home = tmp_path_factory.mktemp("feed")
    command = [sys.executable, "-m", "jobs.simulate", "--preset", "small", "--customers", "60", "--sparse-ids"]
    subprocess.run([*command, "--days", "3", "--out", str(home / "raw" / "feed")], cwd=ROOT, check=True)
    generate_keyring(home / "raw" / "secrets" / "keyring.json")
    return home / "raw"


def home_with(feed, folder):
    """Return settings of a new home that uses the same raw zone."""
    (folder / "raw").symlink_to(feed)
    return JobSettings(home=folder, quarantine_limit=0.1)


def run_all(session, settings, days=DAYS):
    return {name: stage(session, settings, days) for name, stage in STAGES.items()}


@pytest.fixture(scope="module")
def whole(feed, tmp_path_factory, open_lake):
    """Return settings, session and row counts of an undisturbed run."""
    settings = home_with(feed, tmp_path_factory.mktemp("whole"))
    session = open_lake(settings)
    return settings, session, run_all(session, settings)


def test_a_second_run_has_nothing_to_do(whole):
    """A second run skips every day as up to date, changes no row and finds the export in place."""
    settings, session, first = whole
    before = checksums(settings, FIRST, LAST)

    assert first["ingest"] > 0
    assert run_all(session, settings) == dict.fromkeys(list(STAGES)[:-1], 0) | {"export": first["export"]}
    assert checksums(settings, FIRST, LAST) == before
    assert read_state_pointer(settings.state_dir).sequence == 1


@pytest.mark.prove
def test_the_last_day_alone_loads_those_that_it_looks_back_on(feed, whole, tmp_path, open_lake):
    """A run of the last day alone loads the missing days before it, and all rows equal those of a whole run.

    The listing of stale days names these earlier days first.
    """
    settings = home_with(feed, tmp_path)
    session = open_lake(settings)
    assert missing_before(settings, LAST) == DAYS[:2]
    listed = subprocess.run(
        [sys.executable, "-m", "jobs.stale", "--from", str(LAST), "--to", str(LAST)],
        cwd=ROOT,
        env=os.environ | {"ANTIFRAUD_HOME": str(tmp_path)},
        check=True,
        capture_output=True,
        text=True,
    )
    first_line = "history          2026-01-01..2026-01-02 (2 days): never published, and looked back on"
    assert listed.stdout.splitlines()[0] == first_line

    run_all(session, settings, [LAST])

    assert missing_before(settings, LAST) == []
    found, expected = (checksums(each, FIRST, LAST) for each in (settings, whole[0]))
    made_later = {("state", FIRST), *(("features", day) for day in DAYS[:2])}
    assert found == {key: value for key, value in expected.items() if key not in made_later}


def test_nothing_is_listed_as_out_of_date(whole):
    """Right after a run no table lists any of its days as out of date."""
    settings, _, _ = whole

    assert stale(settings, DAYS) == {}


@pytest.mark.prove
def test_what_follows_from_a_changed_row_is_listed(feed, tmp_path, open_lake):
    """A corrected row makes its raw file's days stale, and after ingest everything that is made from its day."""
    settings = home_with(feed, tmp_path)
    session = open_lake(settings)
    nothing = stale(settings, DAYS)
    assert {table: set(days) for table, days in nothing.items()} == {table: set(DAYS) for table in nothing}
    assert len(nothing) == 7
    run_all(session, settings)
    settings, day = with_a_larger_amount(settings, tmp_path), DAYS[1]

    listed = stale(settings, DAYS)
    # The file may overlap into the third day, which is known only after the file was read.
    assert {table: set(days) for table, days in listed.items()} == {table: {day, LAST} for table in nothing}
    assert set(listed["clean"].values()) == {UNREAD}
    assert STAGES["ingest"](session, settings, DAYS) > 0

    listed = stale(settings, DAYS)
    assert lines_of(listed) == [
        "totals_customer  2026-01-02: clean or labels changed",
        "totals_terminal  2026-01-02: clean or labels changed",
        "state            2026-01-02..2026-01-03 (2 days): follows from totals of 2026-01-02",
        "features         2026-01-02: clean or state changed",
        "features         2026-01-03: follows from clean or state of 2026-01-02",
    ]
    run_all(session, settings)
    assert stale(settings, DAYS) == {}


def with_a_larger_amount(settings, folder):
    """Return settings with a copy of the feed in which one usable row of the second day has another amount."""
    (folder / "corrected").mkdir()
    for path in settings.raw_path.glob("*.txt*"):
        shutil.copy(path, folder / "corrected")
    (path,) = (folder / "corrected").glob("2026-01-02.txt")
    lines = path.read_text().splitlines()
    columns = lines[1].split(",")
    columns[4] = "123.45"
    path.write_text("\n".join([lines[0], ",".join(columns), *lines[2:], ""]))
    return dataclasses.replace(settings, raw_dir=str(folder / "corrected"))


@pytest.mark.prove
def test_every_file_is_in_the_order_of_its_table(feed, tmp_path, open_lake):
    """Files of a day published alone and of days published together are sorted, so readers can skip parts."""
    settings = home_with(feed, tmp_path)
    session = open_lake(settings)
    run_all(session, settings, DAYS[:1])
    run_all(session, settings, DAYS[1:])
    catalog, found = open_catalog(settings), set()

    for table in (table for table in TABLES if table.sort_by):
        for task in catalog.load_table((NAMESPACE, table.name)).scan().plan_files():
            rows = pq.read_table(
                task.file.file_path.removeprefix("file:"), columns=list(table.sort_by), partitioning=None
            )
            keys = [tuple(row.values()) for row in rows.to_pylist()]
            assert keys == sorted(keys), table.name
            found.add((table.name, date_of(task.file.partition[table.partition_by.index("day")])))

    assert {name for name, day in found if day == FIRST} == {name for name, day in found if day == LAST}
    assert {("clean", FIRST), ("state", FIRST), ("features", FIRST)} <= found


def test_the_export_holds_the_buckets(whole):
    """The scorer's file holds the buckets of every entity as the lake has them, and the pointer names it."""
    settings, _, _ = whole
    pointer = read_state_pointer(settings.state_dir)
    manifest = verify_export(settings.state_dir / pointer.path)
    rows, cutoff = read_days(open_catalog(settings), STATE, LAST, LAST).to_pylist(), day_number(LAST)
    with (
        lmdb.open(str(settings.state_dir / pointer.path), readonly=True, lock=False) as environment,
        environment.begin() as transaction,
    ):
        found = {row["entity"]: decode_entity(transaction.get(row["entity"].encode()), cutoff) for row in rows}
        assert transaction.stat()["entries"] == len(rows) == manifest.rows

    for row in rows:
        days, hours, labels = found[row["entity"]]
        assert {n: tuple(b) for n, b in days.items()} == {b["day_number"]: _fields(b) for b in row["days"]}
        assert {n: tuple(b) for n, b in hours.items()} == {b["hour"]: _fields(b) for b in row["hours"]}
        assert sum(counts.known for counts in labels.days.values()) == row["known_30d"]


def _fields(bucket):
    return tuple(int(bucket[n]) for n in ("tx_count", "amount_sum", "amount_sum_sq", "amount_max", "last_time"))


def test_the_pointer_does_not_go_back_by_itself(whole):
    """Exporting an older day leaves the pointer where it is, unless the caller allows an older day."""
    settings, _, _ = whole
    export_state(settings, DAYS[1])
    assert read_state_pointer(settings.state_dir).cutoff == str(LAST)

    export_state(settings, DAYS[1], allow_older=True)
    assert read_state_pointer(settings.state_dir).cutoff == str(DAYS[1])
    export_state(settings, LAST)


@pytest.mark.parametrize("victim", ["clean", *for_proofs("state")])
def test_a_killed_run_is_repaired_by_the_next(whole, feed, tmp_path, open_lake, victim):
    """After a kill between staging and publishing, no staged row is visible.

    The next run makes the rows of an undisturbed run and leaves nothing staged.
    """
    settings = home_with(feed, tmp_path)
    environment = os.environ | {
        "ANTIFRAUD_HOME": str(tmp_path),
        "ANTIFRAUD_QUARANTINE_LIMIT": "0.1",
        "PYTHONPATH": str(ROOT),
    }
    script = Path(__file__).with_name("kill_before_publish.py")
    killed = subprocess.run(
        [sys.executable, str(script), victim, str(FIRST), str(LAST)], cwd=ROOT, env=environment, check=False
    )
    assert killed.returncode == -9
    staged = {table.name for table in TABLES if staged_snapshots(open_catalog(settings), table)}
    seen = {name for name, _ in checksums(settings, FIRST, LAST)}
    assert staged == {victim}
    assert victim not in seen

    run_all(open_lake(settings), settings)

    assert checksums(settings, FIRST, LAST) == checksums(whole[0], FIRST, LAST)
    assert [table.name for table in TABLES if staged_snapshots(open_catalog(settings), table)] == []


def test_an_expected_failure_is_one_line(feed, tmp_path):
    """A day that no file covers ends the job with exit code 22 and one line, without a traceback."""
    home_with(feed, tmp_path)
    environment = os.environ | {"ANTIFRAUD_HOME": str(tmp_path), "PYTHONPATH": str(ROOT)}
    command = [sys.executable, str(ROOT / "jobs" / "ingest.py"), "--from", "2027-01-01", "--to", "2027-01-01"]
    ended = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False)

    assert ended.returncode == 22
    assert ended.stderr.splitlines()[-1].startswith("error: 2026-01-03.txt ends on 2026-01-03, 2027-01-01 is asked for")
    assert "Traceback" not in ended.stderr


def test_an_export_waits_for_another(whole):
    """An export waits until another run has ended, and only then removes what that run left behind."""
    settings, _, _ = whole
    other = settings.state_dir / ".new-other"
    done = []
    with exclusive(settings.state_dir):
        other.mkdir()
        waiting = threading.Thread(target=lambda: done.append(export_state(settings, LAST)))
        waiting.start()
        waiting.join(5)
        assert (done, other.exists()) == ([], True)
    waiting.join(60)

    assert len(done) == 1
    assert not other.exists()
