"""Old states expire unless something needs them, and a backfill brings them back as they were."""

import json
import time

import pytest

from antifraud.artifacts.bundle import write_bundle
from antifraud.artifacts.pointer import activate
from antifraud.artifacts.state_export import read_state_pointer, verify_export
from antifraud.errors import DataError, MissingDay
from antifraud.lake.catalog import newest_runs, open_catalog, published, rows_by_day
from antifraud.lake.schemas import CLEAN, FEATURES, LABELS, STATE
from antifraud.settings.core import JobSettings
from jobs.day import STAGES
from jobs.lake import staleness as listing
from jobs.lake.checksums import checksums
from jobs.lake.export import export_state
from jobs.upkeep import expiry
from jobs.upkeep.expiry import Expiry, expire, expiry_of
from jobs.upkeep.maintenance import maintain
from jobs.upkeep.retention import Rules, live_manifests
from tests.release_keys import PUBLIC, SIGNING, put_keys
from tests.spark.state_lake import day, fill

pytestmark = pytest.mark.prove  # a lake of forty days, for a job that runs weekly
DAYS = range(40)
"""With 31 days kept, the states of days 0 to 7 are too old."""
POINTED_TO, RELEASED, AWAITED = 2, 4, 5
DUE = (0, 1, 3, 6, 7)
NOT_DUE = (8, 20)
"""The youngest and a much younger state that age alone keeps: nothing else must, so their next days have features."""
WITH_FEATURES = {*range(10), *(number + 1 for number in NOT_DUE)} - {AWAITED + 1}
NOW = int(time.time())
"""The real clock, which gives Iceberg's snapshots and files their age."""


def run(session, settings, stages, numbers):
    return [STAGES[stage](session, settings, [day(number) for number in numbers]) for stage in stages]


def present(settings):
    """Return the numbers of the days for which the state table has rows."""
    found = rows_by_day(open_catalog(settings), STATE, day(0), day(DAYS[-1]))
    return [(date - day(0)).days for date in sorted(found)]


def due(settings):
    return expiry_of(settings, live_manifests(settings))


@pytest.fixture(scope="module")
def lake(tmp_path_factory, open_lake):
    """Return a lake of forty days in which three old states are still needed.

    The state pointer names one, the serving release was trained as of another, and features that start from the third
    are missing.
    """
    settings = JobSettings(home=tmp_path_factory.mktemp("expiry"), state_keep_days=31)
    session = open_lake(settings)
    put_keys(settings.home)
    fill(session, settings, DAYS)
    run(session, settings, ["totals", "state"], DAYS)
    run(session, settings, ["features"], sorted(WITH_FEATURES))
    for number in (1, POINTED_TO):
        export_state(settings, day(number))
    write_bundle(settings.releases_dir, "r1", {"model": b"m"}, {"as_of": str(day(RELEASED))}, SIGNING)
    activate(settings.releases_dir, "r1", PUBLIC)
    return session, settings, checksums(settings, day(0), day(DAYS[-1]))


@pytest.fixture(scope="module")
def expired(lake):
    """Return the lake after maintenance; a dry run before it changed nothing."""
    session, settings, before = lake
    maintain(session, settings, Rules(NOW), apply=False)
    assert present(settings) == list(DAYS)
    (old_export,) = due(settings).exports
    assert old_export.name.startswith(str(day(1)))
    maintain(session, settings, Rules(NOW), apply=True)
    return session, settings, before


def test_what_is_old_and_needed_by_nobody_is_gone(expired):
    """Old states expire unless the scorer, a release or missing features need them; recent ones stay."""
    _, settings, _ = expired

    assert present(settings) == [number for number in DAYS if number not in DUE]
    assert due(settings) == Expiry((), ())
    assert [path.name[:10] for path in settings.state_dir.iterdir() if path.is_dir()] == [str(day(POINTED_TO))]
    pointer = read_state_pointer(settings.state_dir)
    assert verify_export(settings.state_dir / pointer.path).cutoff == str(day(POINTED_TO))


def test_the_record_says_that_they_expired(expired):
    """An expired day no longer counts as published and cannot be exported, but its run is remembered."""
    _, settings, _ = expired
    catalog = open_catalog(settings)
    runs = newest_runs(catalog, STATE, day(0), day(7))

    assert [number for number in range(8) if runs[day(number)].expired] == list(DUE)
    assert sorted(published(catalog, STATE, day(0), day(7))) == [day(POINTED_TO), day(RELEASED), day(AWAITED)]
    with pytest.raises(MissingDay, match=f"state has no {day(3)}"):
        export_state(settings, day(3))


def test_features_of_expired_states_stay_up_to_date(expired):
    """Features stay up to date after their states expired: only states, and the day without features, are stale."""
    session, settings, _ = expired
    lake = listing._lake(settings, [day(number) for number in range(9)])
    found = {CLEAN.name: {}, LABELS.name: {}}
    for of_tables in (listing._totals, listing._state, listing._features):
        found |= of_tables(lake, found)

    assert found[STATE.name] == dict.fromkeys(map(day, DUE), "expired")
    assert found[FEATURES.name] == {day(AWAITED + 1): "never published"}
    assert run(session, settings, ["features"], [1, 2, 4, 7, 8]) == [0]


def test_a_backfill_brings_a_state_back_as_it_was(expired):
    """A backfill makes an expired state again, with the same rows and inputs; then it is due to expire again."""
    session, settings, before = expired
    inputs = newest_runs(open_catalog(settings), STATE, day(3), day(3))[day(3)].inputs
    assert all(run(session, settings, ["state"], [3]))

    assert checksums(settings, day(3), day(3)) == {key: value for key, value in before.items() if key[1] == day(3)}
    assert published(open_catalog(settings), STATE, day(3), day(3))[day(3)].inputs == inputs
    assert due(settings).days == (day(3),)
    expire(session, settings, due(settings))
    assert 3 not in present(settings)


def test_features_made_again_get_the_state_that_they_start_from(expired):
    """Features of a corrected old day need expired states, so they are refused.

    The state stage then brings back both days with the rows they had.
    """
    session, settings, before = expired
    fill(session, settings, [7], made_from="delivered again")
    with pytest.raises(MissingDay, match=rf"features of {day(7)} start from states that have expired \({day(6)}\)"):
        run(session, settings, ["totals", "features"], [7])

    assert all(run(session, settings, ["state", "features"], [7]))
    assert {6, 7} <= set(present(settings))
    again = checksums(settings, day(6), day(7))
    assert again == {key: before[key] for key in again}
    expire(session, settings, due(settings))


def test_a_kill_between_marking_and_deleting_is_made_good(expired):
    """Rows of a state that was marked as expired do not count, and the next maintenance deletes them."""
    session, settings, _ = expired
    run(session, settings, ["state"], [3])
    expiry._mark(session, settings, [day(3)])
    assert 3 in present(settings)
    assert day(3) not in published(open_catalog(settings), STATE, day(3), day(3))

    assert due(settings).days == (day(3),)
    expire(session, settings, due(settings))
    assert 3 not in present(settings)


def test_an_unreadable_state_pointer_stops_everything(expired):
    """Nothing expires while the state pointer cannot be read, because it may name any state."""
    _, settings, _ = expired
    pointer = settings.state_dir / "pointer.json"
    text = pointer.read_text()
    pointer.write_text(json.dumps({"cutoff": "2026"}))
    try:
        with pytest.raises(DataError, match="is not a state pointer"):
            due(settings)
    finally:
        pointer.write_text(text)


def test_an_empty_lake_has_nothing_to_expire(tmp_path, open_lake):
    """An empty lake has no newest day to count ages from, so nothing is due to expire."""
    settings = JobSettings(home=tmp_path)
    open_lake(settings)

    assert due(settings) == Expiry((), ())
