"""A guard, a store and a standing judgement: what a trip does in the transaction in which it is written."""

import datetime as dt
import json
import shutil

import pytest

from antifraud.artifacts.judgement import JUDGEMENT, write_judgement
from antifraud.clock import DAY_SECONDS, HOUR_SECONDS, date_of
from antifraud.killswitch.judgement import Role
from antifraud.killswitch.machine import Mode, Order
from serving.guard.known import CLOSING_SECONDS
from serving.guard.watch import inspect_evidence
from serving.worker.reports import WALL_CLOCK
from tests.judgement_example import BAD, judged, judgement
from tests.release_keys import put_keys
from tests.serving.cohort_scene import decide_day, guard_settings, label, new_store
from tests.serving.scene import DAY, promote, view_of

CLOSES = DAY + 1
"""The day on which the guard sees the labels of the two bad days."""
BAD_DAYS = (CLOSES - 9, CLOSES - 8)


def stand(home, *releases, made_at=None):
    """Write a judgement of the night before the trip."""
    found = releases or (
        judged("second", dt.date(2024, 9, 1), onset=BAD, role=Role.CHAMPION), judged("first", dt.date(2024, 8, 1)),
    )  # fmt: skip
    made = judgement(*found, made_at=made_at or CLOSES * DAY_SECONDS)
    # An older judgement would not replace a newer one.
    (home / "releases" / JUDGEMENT).unlink(missing_ok=True)
    write_judgement(home / "releases", made)
    return made


@pytest.fixture
def world(tmp_path, two_releases):
    """A store whose release ``second`` has flagged 20 % of two days, a sound judgement, and a worker's report."""
    put_keys(tmp_path)
    shutil.copytree(two_releases, tmp_path / "releases")
    promote(tmp_path, "first")
    promote(tmp_path, "second")
    store = new_store(tmp_path)
    stand(tmp_path)
    report(store, "worker-a-1", ["first", "second"])
    yield tmp_path, store
    store.close()


def change(store, mode):
    at = BAD_DAYS[0] * DAY_SECONDS
    store.change_switch(Order(mode=mode, expected_epoch=store.switch().epoch, reason="r", by="boss", at=at))


def report(store, name, loaded):
    """Report as a worker does."""
    store.report(name, json.dumps({"at": WALL_CLOCK.now(), "release": "second", "loaded": loaded}).encode())


def trip(store, home, *, release="second", days=BAD_DAYS, **settings):
    """Decide the bad days, label them, and let the guard work; return the switch."""
    for day in days:
        ids = decide_day(store, day, 2_000, 400, release=release)
        label(store, ids, "legitimate", day)
    work(store, home, **settings)
    return store.switch()


def work(store, home, **settings):
    now = CLOSES * DAY_SECONDS + CLOSING_SECONDS
    while inspect_evidence(store, guard_settings(home, **settings), now).more:
        pass


def events(store):
    """The events that subscribers will get, oldest first."""
    with view_of(store) as view:
        return [json.loads(text) for _, text in view.items("outbox")]


def test_a_trip_rolls_back_in_its_own_transaction(world):
    """One epoch, one era and one event; evidence and event have the judgement's hash, the release and the onset."""
    home, store = world

    after = trip(store, home)

    assert (after.mode, after.release, after.epoch, after.tripped) == ("ROLLED_BACK", "first", 2, ("second",))
    onset = date_of(BAD_DAYS[0]).isoformat()
    assert (after.evidence["judgement"], after.evidence["release"]) == (stand(home).sha256, "first")
    assert (after.trip.epoch, after.trip.onset) == (2, onset)
    assert store.eras().starts == (0, 2)
    told = events(store)[-1]
    assert (told["news"], told["release"], told["evidence"]["judgement"]) == (
        "rolled_back", "first", stand(home).sha256,
    )  # fmt: skip
    assert [event["epoch"] for event in events(store)] == [2]
    assert store.verify_audit().entries == 3


def test_an_expired_judgement_suspends(world):
    """It is 37 hours old at the trip."""
    home, store = world
    stand(home, made_at=CLOSES * DAY_SECONDS + CLOSING_SECONDS - 37 * HOUR_SECONDS)

    after = trip(store, home)

    assert (after.mode, after.release) == ("SUSPENDED", None)
    assert "37 hours old, at most 36 are allowed" in after.evidence["consequence"]
    assert after.trip.epoch == 2


@pytest.mark.parametrize("damage", ["cut", "missing", "unknown release"])
def test_a_judgement_that_cannot_be_trusted_suspends(world, damage):
    """A file that was cut off, none at all, or one that names a release that is not there."""
    home, store = world
    path = home / "releases" / JUDGEMENT
    if damage == "cut":
        path.write_text(path.read_text()[:-40])
    elif damage == "missing":
        path.unlink()
    else:
        stand(home, judged("third", dt.date(2024, 8, 1)))

    after = trip(store, home)

    assert after.mode == "SUSPENDED"
    assert "judgement.json" in after.evidence["consequence"]


@pytest.mark.parametrize("trouble", ["damaged bundle", "a worker without it"])
def test_a_release_that_cannot_serve_at_once_suspends(world, trouble):
    """Its files do not verify any more, or one of two workers has not loaded it."""
    home, store = world
    if trouble == "damaged bundle":
        (home / "releases" / "first" / "model.onnx").write_bytes(b"damaged")
    else:
        report(store, "worker-b-2", ["second"])

    after = trip(store, home)

    assert (after.mode, after.release) == ("SUSPENDED", None)
    assert after.evidence["consequence"] == "None of 2 judged releases passes both tests."


def test_a_setting_suspends_although_a_release_is_good(world):
    """Nothing comes back by itself then."""
    home, store = world

    after = trip(store, home, on_trip="suspend")

    assert (after.mode, after.trip) == ("SUSPENDED", None)


def test_a_trip_about_predecessors_leaves_a_good_release(world):
    """The epoch begins a new era, so the old evidence trips once; subscribers are warned with the judgement's hash."""
    home, store = world
    made = stand(home, judged("second", dt.date(2024, 9, 1), role=Role.CHAMPION))

    after = trip(store, home, release="retired")

    ((_, text),) = store.shipping.switch_history(2, 2, 1)
    stayed = json.loads(text)
    assert (stayed["mode"], stayed["epoch"], stayed["tripped"], stayed["trip"]) == ("SERVING", 2, [], None)
    assert stayed["warned"]["evidence"]["judgement"] == made.sha256
    assert store.eras().starts == (0, 2)
    assert events(store)[-1]["news"] == "warning"
    # The second bad day has closed after the trip.
    assert (after.mode, after.epoch, after.tripped, after.trip) == ("SERVING", 3, (), None)
    assert set(after.warnings) == {"retired_release", "older_cohorts"}
    work(store, home)
    assert store.switch().epoch == 3


def test_a_release_that_stays_is_warned_of_until_the_old_evidence_is_gone(world):
    """No later day says it again, and clients are told all the same, by the warning of earlier decisions."""
    home, store = world
    stand(home, judged("second", dt.date(2024, 9, 1), role=Role.CHAMPION))

    after = trip(store, home, release="retired", days=BAD_DAYS[:1])

    # The third change adds that the retired release itself has broken the limit.
    assert (after.mode, after.epoch, set(after.warnings)) == ("SERVING", 3, {"older_cohorts", "retired_release"})
    assert events(store)[-2]["warnings"] == {"older_cohorts": "warn"}
    work(store, home)
    assert store.switch() == after


def test_a_trip_in_observation_only_blocks_the_way_out(world):
    """Nothing is flagged, so nothing has to be replaced."""
    home, store = world
    change(store, Mode.SUSPENDED)
    change(store, Mode.OBSERVE)

    after = trip(store, home)

    assert (after.mode, after.release, after.tripped, after.trip) == ("OBSERVE", None, ("second",), None)


def test_a_switch_that_moves_between_reading_and_writing_is_not_overwritten(world, monkeypatch):
    """An admin suspends in between: the guard writes nothing, reads again, and only notes the trip."""
    home, store = world
    commit, moved = store.commit_inspection, []

    def commit_late(inspection):
        if inspection.suspend is not None and not moved:
            moved.append(inspection.suspend.mode)
            change(store, Mode.SUSPENDED)
        return commit(inspection)

    monkeypatch.setattr(store, "commit_inspection", commit_late)

    after = trip(store, home)

    assert moved == ["ROLLED_BACK"]
    assert (after.mode, after.cause, after.epoch, after.release) == ("SUSPENDED", "trip", 3, None)
    assert after.trip is None


def test_a_worker_has_loaded_what_the_guard_goes_back_to(scorer):
    """The release is neither previous nor anchor, only the judgement names it, and the roll-back loads nothing."""
    home = scorer.settings.home
    stand(home, judged("second", dt.date(2024, 9, 1)))
    assert scorer.services.releases.find("second") is None

    scorer.poller.poll()

    assert scorer.services.releases.names == ["first", "second"]
    (home / "releases" / JUDGEMENT).unlink()
    scorer.poller.poll()
    assert scorer.services.releases.names == ["first"]
