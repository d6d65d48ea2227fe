"""The same three days give the same rows on local disk with SQLite, and on S3 with PostgreSQL and a cluster."""

import dataclasses
import datetime as dt
import time

import pytest

from antifraud.lake.catalog import open_catalog, read_days, require_days
from antifraud.lake.feed import discover
from antifraud.lake.schemas import CLEAN, FEATURES, NAMESPACE
from antifraud.lake.storage import raw_folder
from jobs.lake.checksums import TABLES, checksums
from jobs.raw.files import stamps
from tests.circles import for_proofs
from tests.storage.conftest import FIRST, LAST, command_lines, passwords, submit

DAYS = [dt.date(2026, 1, day) for day in (1, 2, 3)]
LOOK_SECONDS = 0.5


def finish(storage):
    """Take the days through all stages; return the storage, the job's output and the command lines seen."""
    log = storage.settings.home / "day.log"
    job = submit(storage, log, "day.py", "--from", FIRST, "--to", LAST)
    seen = set()
    while job.poll() is None:
        seen.update(command_lines())
        time.sleep(LOOK_SECONDS)
    output = log.read_text()
    assert job.returncode == 0, output[-3000:]
    return storage, output, seen


@pytest.fixture(scope="module")
def local_finished(local_storage):
    """Return the finished run on the local storage."""
    return finish(local_storage)


@pytest.fixture(scope="module")
def remote_finished(remote_storage):
    """Return the finished run on the remote storage."""
    return finish(remote_storage)


@pytest.fixture(scope="module", params=["remote", *for_proofs("local")])
def finished(request):
    """Return the finished run on each storage in turn."""
    return request.getfixturevalue(f"{request.param}_finished")


@pytest.fixture(scope="module")
def expected(feed):
    """Return the number of lines in the raw files, without their headers."""
    return sum(len(path.read_bytes().splitlines()) - 1 for path in (feed / "feed").iterdir())


def test_every_row_of_the_feed_arrives(finished, expected):
    """Every line of the raw files becomes a clean or a quarantined row, in the lake that the settings name."""
    storage, _, _ = finished
    catalog = open_catalog(storage.settings)
    place = catalog.load_table((NAMESPACE, CLEAN.name)).location()
    found = {t.name: read_days(catalog, t, DAYS[0], DAYS[-1], ["day"]).num_rows for t in TABLES}

    assert place.startswith(storage.settings.lake_warehouse)
    assert found["clean"] + found["quarantine"] == expected
    assert found["quarantine"] == 1
    assert found["features"] == found["clean"] > 0


def test_train_reads_features_through_pyiceberg(finished):
    """A reader outside Spark gets the days of a named snapshot with as many rows as `runs` counts."""
    storage, _, _ = finished
    catalog = open_catalog(storage.settings)
    runs = require_days(catalog, FEATURES, DAYS)
    snapshot = catalog.load_table((NAMESPACE, FEATURES.name)).current_snapshot().snapshot_id

    for day in DAYS:
        assert read_days(catalog, FEATURES, day, day, snapshot_id=snapshot).num_rows == runs[day].rows


def test_no_password_is_on_a_command_line_or_printed(finished):
    """No password is in the list of processes while a job runs, nor in the job's output."""
    storage, output, seen = finished

    assert any("day.py" in line for line in seen)
    for password in passwords(storage):
        assert len(password) == 48
        assert not any(password in line for line in seen)
        assert password not in output


@pytest.mark.prove
def test_both_storages_hold_the_same_rows(local_finished, remote_finished):
    """The checksums of every table and day are the same on both storages."""
    local, remote = (checksums(found[0].settings, DAYS[0], DAYS[-1]) for found in (local_finished, remote_finished))

    assert {name for name, _ in local} == {table.name for table in TABLES}
    assert remote == local


def test_training_cannot_read_the_raw_zone(remote_storage):
    """The lake's account can neither list nor read raw files, but the raw zone's own account can."""
    settings = remote_storage.settings
    training = raw_folder(dataclasses.replace(settings, raw_account=settings.lake_account))

    assert len(list(raw_folder(settings).iterdir())) == 3
    for attempt in (lambda: list(training.iterdir()), (training / f"{FIRST}.txt").read_bytes):
        with pytest.raises(PermissionError):
            attempt()


def test_the_raw_account_cannot_read_the_lake(remote_finished):
    """The raw zone's account cannot read the lake either."""
    settings = remote_finished[0].settings
    swapped = dataclasses.replace(settings, lake_account=settings.raw_account)
    with pytest.raises(OSError, match=r"(?i)denied|forbidden"):
        open_catalog(swapped).load_table((NAMESPACE, CLEAN.name))


def test_an_object_of_equal_size_and_second_has_another_stamp(remote_storage):
    """Two objects of equal size that are written in the same second have different stamps.

    The same content has the same stamp again.
    """
    folder = raw_folder(dataclasses.replace(remote_storage.settings, raw_dir="s3a://raw/stamps"))
    seen = []
    for content in (b"one", b"two", b"one"):
        (folder / f"{FIRST}.txt").write_bytes(content)
        seen += stamps(discover(folder)).values()

    assert [stamp.size for stamp in seen] == [3, 3, 3]
    assert seen[0].version == seen[2].version != seen[1].version
