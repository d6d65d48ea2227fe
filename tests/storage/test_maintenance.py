"""Maintenance removes what nothing needs any more, and nothing else."""

import os
import time
from pathlib import Path

import pytest

from antifraud.artifacts.bundle import write_bundle
from antifraud.artifacts.pointer import activate
from antifraud.errors import ReleaseError
from antifraud.lake.catalog import open_catalog, published, read_days
from antifraud.lake.schemas import CLEAN, NAMESPACE, RUNS
from antifraud.settings.core import JobSettings
from jobs.publishing import staging
from jobs.upkeep.maintenance import carry_out, maintain
from jobs.upkeep.retention import Rules, live_manifests, plan, snapshots_of_releases
from tests.release_keys import PUBLIC, SIGNING, put_keys
from tests.storage.rows import batch, day, put

DAY = 86_400
VERSIONS = ([100], [200, 201], [300, 301, 302])


def amounts(settings, snapshot=None):
    found = read_days(open_catalog(settings), CLEAN, day(0), day(0), ["amount"], snapshot)
    return sorted(found["amount"].to_pylist())


def snapshots(settings, table=CLEAN):
    return {s.snapshot_id for s in open_catalog(settings).load_table((NAMESPACE, table.name)).snapshots()}


@pytest.fixture(scope="module")
def lake(tmp_path_factory, open_lake):
    """Return a lake with one day published three times, two other days, a staged snapshot and an orphan."""
    settings = JobSettings(home=tmp_path_factory.mktemp("maintained"))
    session = open_lake(settings)
    runs = [put(session, settings, day(0), version, f"i{number}") for number, version in enumerate(VERSIONS)]
    runs += [put(session, settings, day(number), [1]) for number in (1, 2)]
    killed = batch(session, day(0), [666], "killed")
    staging.stage(session, CLEAN, killed.rows, "killed", [day(0)], {})
    staged = staging.find_staged(open_catalog(settings), CLEAN, "killed")
    orphan = Path(settings.lake_warehouse) / NAMESPACE / CLEAN.name / "data" / "orphan.parquet"
    orphan.write_bytes(b"nobody")
    os.utime(orphan, (time.time() - 3 * DAY,) * 2)
    return settings, session, [run.snapshot_id for run in runs], staged, orphan


def test_what_is_recent_is_left_alone(lake):
    """Right after the commits no snapshot is due, and a dry run does not remove even an old orphan."""
    settings, session, _, _, orphan = lake
    before = open_catalog(settings).load_table((NAMESPACE, CLEAN.name)).metadata_location
    plans = maintain(session, settings, Rules(int(time.time())), apply=False)

    assert [each.expired for each in plans] == [()] * len(plans)
    assert orphan.exists()
    assert open_catalog(settings).load_table((NAMESPACE, CLEAN.name)).metadata_location == before


def test_ages_count_from_when_a_snapshot_was_superseded(lake):
    """The current snapshot never goes.

    Others go `keep_days` after they were superseded, and a staged one after its grace.
    """
    settings, _, published_ids, staged, _ = lake
    now = int(time.time())
    month = plan(open_catalog(settings), CLEAN, Rules(now + 31 * DAY), frozenset())
    days = plan(open_catalog(settings), CLEAN, Rules(now + 3 * DAY), frozenset())

    assert month.superseded == tuple(published_ids[:-1])
    assert (days.superseded, days.unpublished) == ((), (staged,))


def test_what_a_release_names_stays_readable(lake):
    """Superseded and staged snapshots and the orphan go, but a snapshot that a release names stays readable.

    Once no release names it, it goes, too.
    """
    settings, session, published_ids, staged, orphan = lake
    named, now = published_ids[1], int(time.time())
    due = plan(open_catalog(settings), CLEAN, Rules(now + 31 * DAY), {named})
    carry_out(session, due, Rules(now))

    assert snapshots(settings) == {named, published_ids[-1]}
    assert staged not in snapshots(settings)
    assert not orphan.exists()
    assert amounts(settings) == [300, 301, 302]
    assert amounts(settings, named) == [200, 201]
    staging.drop_leftovers(session, open_catalog(settings), CLEAN, [day(0)])
    assert amounts(settings, named) == [200, 201]

    forgotten = plan(open_catalog(settings), CLEAN, Rules(now + 31 * DAY), frozenset())
    carry_out(session, forgotten, Rules(now))
    assert snapshots(settings) == {published_ids[-1]}


def test_small_files_become_one_and_the_newest_run_still_holds(lake):
    """The small files of `runs` become one file, and each day's newest run stays the same."""
    settings, session, published_ids, _, _ = lake
    before = published(open_catalog(settings), CLEAN, day(0), day(2))
    carry_out(
        session, plan(open_catalog(settings), RUNS, Rules(int(time.time())), frozenset()), Rules(int(time.time()))
    )
    table = open_catalog(settings).load_table((NAMESPACE, RUNS.name))

    assert len(table.inspect.files()) == 1
    assert published(open_catalog(settings), CLEAN, day(0), day(2)) == before
    assert (before[day(0)].inputs, before[day(0)].snapshot_id) == ("i2", published_ids[2])


def test_live_releases_name_their_snapshots(tmp_path):
    """Snapshots of the serving, the previous and the anchor release are kept, and those of others are not."""
    settings = JobSettings(home=tmp_path)
    tables = ("client_labels", "features", "labels")
    assert snapshots_of_releases(live_manifests(settings)) == dict.fromkeys(tables, frozenset())
    for number in (1, 2, 3, 4):
        named = {f"{table}_snapshot": place * number for place, table in zip((100, 1, 10), tables, strict=True)}
        write_bundle(settings.releases_dir, f"r{number}", {"model": b"m"}, named, SIGNING)
        activate(settings.releases_dir, f"r{number}", PUBLIC)
    put_keys(settings.home)
    pointer = activate(settings.releases_dir, "r4", PUBLIC)
    live = {pointer.release, pointer.previous, pointer.anchor} - {None}

    found = snapshots_of_releases(live_manifests(settings))
    assert found["features"] == {int(name[1:]) for name in live}
    assert found["labels"] == {10 * int(name[1:]) for name in live}
    assert found["client_labels"] == {100 * int(name[1:]) for name in live}
    assert len(live) < 4


def test_an_untrustworthy_pointer_stops_everything(lake):
    """Nothing is removed while the release pointer cannot be read, because it may name any snapshot."""
    settings, session, *_ = lake
    settings.releases_dir.mkdir()
    (settings.releases_dir / "pointer.json").write_text("{")
    try:
        with pytest.raises(ReleaseError, match="is not a release pointer"):
            maintain(session, settings, Rules(int(time.time()) + 400 * DAY), apply=True)
    finally:
        (settings.releases_dir / "pointer.json").unlink()
