"""A store that fills up: decisions stop first, then labels, then the guard, and a suspension is always possible."""

import json
import os

import pytest

from antifraud.clock import DAY_SECONDS
from antifraud.errors import StoreFull
from antifraud.killswitch.machine import Mode
from antifraud.settings.serving import GuardSettings
from serving.guard.watch import inspect_evidence
from serving.store.room import COPIES_BYTES, Room
from tests.serving.port_scene import GONE, READ, commit, process_at, put_label, remove_all
from tests.serving.scene import DAY, NOON, Scorer

# In a store of 1 MB, the frauds of a month and the terminals of open days leave no room for decisions.
SIZES = [pytest.param(2, id="2MB"), pytest.param(6, id="6MB", marks=pytest.mark.prove)]
LATER = NOON + 30 * DAY_SECONDS


@pytest.fixture
def small(home, request):
    """A scorer with a store as small as the test wants."""
    scorer = Scorer(home, store_map_bytes=request.param << 20)
    scorer.poller.poll()
    yield scorer
    scorer.close()


def fill_with_decisions(store):
    """Commit decisions at many terminals until one is refused; return how many there are."""
    number = 0
    try:
        while True:
            number += 1
            commit(store, number, terminal=f"k1.t{number % 200}", customer=f"k1.c{number % 500}", amount=number)
    except StoreFull:
        return number - 1


def fill_with_labels(store, decisions):
    """Store labels, also requests with a thousand, until even a single one is refused."""
    for size in (1_000, 100, 10, 1):
        try:
            for turn in range(1_000):
                first = turn * size % decisions
                put_label(store, *range(first + 1, min(first + size, decisions) + 1), learned_at=NOON + turn)
        except StoreFull:
            continue


def toggle(scorer):
    """Suspend and resume over HTTP, with the longest reason."""
    for action in ("suspend", "resume"):
        answer = scorer.switch(action, scorer.store.switch().epoch, reason="r" * 500)
        assert answer.status_code == 200


@pytest.mark.parametrize("small", SIZES, indirect=True)
def test_a_store_fills_in_order_and_goes_on_after_a_release(small):
    """Each kind of change is a 503 in its turn and never a 500; suspending and resuming work in every state."""
    store = small.store
    assert small.get("/readyz").status_code == 200

    decisions = fill_with_decisions(store)
    assert small.decide(transaction_id=0).status_code == 503
    small.poller.poll()
    ready = small.get("/readyz")
    assert (ready.status_code, "release shipped decisions" in ready.json["detail"]) == (503, True)
    label = {"transaction_id": 1, "status": "fraud", "learned_at": NOON}
    assert small.post("/v1/labels", {"labels": [label]}).status_code == 200
    toggle(small)

    fill_with_labels(store, decisions)
    answer = small.post("/v1/labels", {"labels": [{**label, "status": "unknown"}]})
    assert (answer.status_code, answer.json["type"]) == (503, "urn:antifraud:problem:store-unusable")
    toggle(small)

    inspect_until_idle(small)
    for _ in range(30):
        toggle(small)
    assert small.get("/v1/decisions/1").status_code == 200

    store.release(1, decisions)
    remove_all(store, GONE)
    small.poller.poll()
    assert small.get("/readyz").status_code == 200
    assert small.decide(transaction_id="again").status_code == 200


def inspect_until_idle(scorer):
    """Let the guard work until everything is counted, as it would with its pauses."""
    settings = GuardSettings(home=scorer.settings.home, fpr_limit=0.05)
    for _ in range(200):
        if not inspect_evidence(scorer.store, settings, LATER).more:
            break
    assert scorer.store.sizes()["pending"] == 0


@pytest.mark.parametrize("small", [pytest.param(1, id="1MB")], indirect=True)
def test_a_stopped_reader_does_not_hinder_a_suspension(small):
    """It keeps old pages from being reused until even copies have no space; the store is enlarged for the switch."""
    store, large = small.store, os.urandom(1 << 20)
    with process_at(small.settings.store_dir, READ):
        refused = [is_refused(lambda: store.report("worker-1", large)) for _ in range(COPIES_BYTES >> 19)]
        assert refused[-1]
        while not is_refused(lambda: store.report("worker-2", bytes(900))):
            pass

        toggle(small)

    store.forget_reports(["worker-1", "worker-2"])
    small.poller.poll()
    assert store.switch().mode is Mode.SERVING
    assert small.decide().status_code == 200


def is_refused(change):
    """Whether there is no room for a change."""
    try:
        change()
    except StoreFull:
        return True
    return False


def test_a_full_disk_refuses_all_but_the_switch(scorer, monkeypatch):
    """The reason names the error of the disk; as soon as there is room, decisions go on by themselves."""

    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("serving.store.room._allocate", full)
    scorer.poller.poll()
    assert "ENOSPC" in scorer.decide().json["detail"]
    assert "ENOSPC" in scorer.get("/readyz").json["detail"]
    toggle(scorer)

    monkeypatch.undo()
    scorer.poller.poll()
    assert (scorer.decide().status_code, scorer.get("/readyz").status_code) == (200, 200)


def test_the_reserve_lies_on_the_disk(scorer):
    """The file has the blocks of the reserve behind its last page, so a full disk cannot hinder a suspension."""
    scorer.poller.poll()

    file = scorer.settings.store_dir / "data.mdb"
    assert file.stat().st_blocks * 512 >= (1 << 26) / 8


def test_no_day_closes_before_there_is_room_for_its_labels(small_guard):
    """A guard without room says so and stays alive; once there is room, it counts the label and closes the day."""
    store, settings = small_guard

    with pytest.raises(StoreFull):
        inspect_evidence(store, settings, LATER)
    assert (store.closed_day(), json.loads(store.reports()["guard"])["business_time"]) == (-1, LATER)
    store.has_room = True
    assert inspect_evidence(store, settings, LATER).more
    assert (store.taken_in, store.inspections, store.closed_day()) == (1, 1, DAY)
    assert not inspect_evidence(store, settings, LATER).more


class FullStore:
    """A store without room for new labels until it `has_room`."""

    def __init__(self, store):
        self._store = store
        self.has_room, self.taken_in, self.inspections = False, 0, 0

    def __getattr__(self, name):
        return getattr(self._store, name)

    def take_in_labels(self, delay_days, limit):
        """Refuse until there is room."""
        if not self.has_room:
            raise StoreFull("the decision store is full")
        self.taken_in += 1
        return self._store.take_in_labels(delay_days, limit)

    def commit_inspection(self, inspection):
        """Count the inspections."""
        self.inspections += 1
        return self._store.commit_inspection(inspection)


@pytest.fixture
def small_guard(scorer):
    """A full store with a decision and its label, and the guard's settings."""
    commit(scorer.store, 1)
    put_label(scorer.store, 1)
    return FullStore(scorer.store), GuardSettings(home=scorer.settings.home)


def test_the_room_is_measured_before_the_reserve_can_be_used_up(tmp_path):
    """Between two measurements, one process writes a sixty-fourth of the reserve at most, in requests of any size."""
    room = Room(tmp_path / "data.mdb", 1 << 20)
    room.measure(0)

    assert [room.is_due(1) for _ in range(17)] == [False] * 16 + [True]
    room.measure(0)
    assert room.is_due(1_000)
    assert (Room(tmp_path, 8 << 30).reserve, room.reserve) == (64 << 20, 256 << 10)
