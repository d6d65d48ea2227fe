"""The guard measures technical signals, warns with hysteresis, and suspends only if the policy says so."""

import datetime as dt
import json
import time

import pytest

from antifraud.clock import DAY_SECONDS
from antifraud.killswitch.machine import Cause, Level, Mode, Note, Order, warn
from antifraud.killswitch.signals import SignalName
from antifraud.settings.serving import GuardSettings
from jobs.parity.distance import Distance
from jobs.parity.log import StoreLog
from jobs.parity.replay import Replayed
from jobs.parity.report import ParityReport
from serving.guard.signals import Signals, measure
from serving.worker.reports import read_workers
from tests.serving.port_scene import commit
from tests.serving.scene import DAY, NOON, SilentLog
from tests.serving.test_guard import new_store

GOOD = {"requests": 1_000, "failed": 0, "seconds": [0, 0, 1_000, 0, 0, 0, 0, 0, 0, 0, 0]}
SLOW = {"requests": 1_000, "failed": 0, "seconds": [0, 0, 900, 0, 0, 0, 0, 0, 100, 0, 0]}
FAILING = {"requests": 1_000, "failed": 50, "seconds": [0, 0, 950, 0, 0, 0, 0, 0, 0, 0, 0]}


class Wall:
    """Wall time that a test sets."""

    def __init__(self):
        self.time = int(time.time())

    def now(self):
        """The time that was set."""
        return self.time


@pytest.fixture
def wall():
    return Wall()


@pytest.fixture
def store(tmp_path):
    opened = new_store(tmp_path)
    yield opened
    opened.close()


class Scene:
    """A store with workers that report, and the signals of a guard."""

    def __init__(self, home, store, wall, **settings):
        self.store, self.wall, self.log = store, wall, SilentLog()
        self.signals = Signals(GuardSettings(home=home, store_map_bytes=1 << 28, **settings), self.log, wall.now)

    def report(self, name="worker-a-1", **changes):
        """Let a worker report."""
        worker = {
            "host": "a", "pid": 1, "at": self.wall.time, "release": "first", "cutoff": DAY - 1, "epoch": 0,
            "troubles": {}, "recent": GOOD, **changes,
        }  # fmt: skip
        self.store.report(name, json.dumps(worker).encode())

    def go_on(self, seconds, step=30, **changes):
        """Inspect again and again while a worker reports the same; return what was told."""
        told = []
        for _ in range(0, seconds, step):
            self.wall.time += step
            self.report(**changes)
            told.append(self.signals.inspect(self.store, NOON))
        return [reason for reason in told if reason]


@pytest.fixture
def scene(tmp_path, store, wall):
    return Scene(tmp_path, store, wall)


def test_a_good_service_warns_of_nothing(scene):
    """Ten minutes of good values leave the switch as it is."""
    before = scene.store.switch()

    assert (scene.go_on(600), scene.store.switch()) == ([], before)


def test_errors_warn_after_a_minute_and_end_after_five(scene):
    """The warning is in the switch, with the sentence; decisions go on."""
    epoch = scene.store.switch().epoch
    (told,) = scene.go_on(120, recent=FAILING)

    switch = scene.store.switch()
    assert told == "5.0% of the requests for decisions failed in the last minute, above 1.0%"
    assert (switch.mode, switch.epoch, dict(switch.warnings)) == (
        Mode.SERVING, epoch + 1, {"error_share": Level.WARN},
    )  # fmt: skip
    assert (switch.warned.reason, switch.warned.by) == (told, "guard")
    assert scene.go_on(270) == []
    assert scene.go_on(60) == ["a technical signal is good again"]
    assert dict(scene.store.switch().warnings) == {}


def test_a_signal_that_swings_tells_once(scene):
    """Half an hour around the limit is one warning and no end."""
    told = []
    for number in range(30):
        told += scene.go_on(60, recent=SLOW if number % 4 else GOOD)

    assert told == ["one decision in a hundred took longer than 0.475 s in the last minute, above 0.05 s"]


def test_two_signals_are_told_each_when_it_begins(scene):
    """The second is news although the level stays the same."""
    (first,) = scene.go_on(180, recent=FAILING)
    (second,) = scene.go_on(180, recent={**FAILING, "seconds": SLOW["seconds"]})

    assert ("requests" in first, "hundred" in second) == (True, True)
    assert set(scene.store.switch().warnings) == {"error_share", "p99"}


def test_an_unreadable_release_suspends(scene):
    """All workers have none to serve; the cause is a signal, and no release is blamed."""
    broken = {"release": None, "cutoff": None, "troubles": {"release": "its signature is wrong"}}
    (told,) = scene.go_on(90, recent={"requests": 0, "failed": 0, "seconds": []}, **broken)

    switch = scene.store.switch()
    assert told == "no worker can read a release: `troubles` in GET /v1/status says why"
    assert (switch.mode, switch.cause, switch.by) == (Mode.SUSPENDED, Cause.SIGNAL, "guard")
    assert (switch.tripped, dict(switch.warnings)) == ((), {"release_unreadable": Level.PAGE})


def test_one_worker_with_a_release_is_enough(scene):
    """The others get no traffic, and NotConverged tells."""
    for _ in range(10):
        scene.report("worker-b-2")
        assert scene.go_on(30, release=None, troubles={"release": "broken"}) == []


def test_a_resume_during_a_signal_stands(scene, store):
    """Only the beginning suspends: the person who resumes knows what the signal says."""
    broken = {"release": None, "troubles": {"release": "broken"}, "recent": None}
    scene.go_on(90, **broken)
    resume(store)

    assert scene.go_on(300, **broken) == []
    assert store.switch().mode is Mode.SERVING


def resume(store):
    """Resume as an admin does."""
    order = Order(
        mode=Mode.SERVING, expected_epoch=store.switch().epoch, reason="we know", by="boss", at=NOON, release="first"
    )
    store.change_switch(order)


def test_policies_decide_what_a_signal_does(tmp_path, store, wall):
    """A signal that is off is not measured; another one may suspend if somebody wants that."""
    scene = Scene(tmp_path, store, wall, signal_policies="p99=off,error_share=suspend")
    assert len(scene.go_on(180, recent={**FAILING, "seconds": SLOW["seconds"]})) == 1

    switch = store.switch()
    assert (switch.mode, switch.cause, dict(switch.warnings)) == (
        Mode.SUSPENDED, Cause.SIGNAL, {"error_share": Level.PAGE},
    )  # fmt: skip
    assert "p99" not in json.loads(store.reports()["signals"])


def test_a_successor_goes_on_with_what_was_measured(tmp_path, scene, wall, store):
    """The wait of half a minute that its predecessor has seen counts, and a raised warning is no news."""
    scene.go_on(60, step=30, recent=FAILING)
    successor = Scene(tmp_path, store, wall)
    assert len(successor.go_on(30, recent=FAILING)) == 1
    assert Scene(tmp_path, store, wall).go_on(300, recent=FAILING) == []


def test_warnings_of_others_stay(scene, store):
    """Evidence warns by the same switch; the signals leave its names alone."""
    store.commit_signals(b"{}", [warn(store.switch(), {"loss": Level.PAGE}, Note("burnt", "guard", NOON))])
    scene.go_on(120, recent=FAILING)
    scene.go_on(600)

    assert dict(store.switch().warnings) == {"loss": Level.PAGE}


def test_somebody_else_may_change_the_switch_meanwhile(scene, store, monkeypatch):
    """Neither the measurement nor the warning is kept, and the next inspection warns."""
    scene.go_on(60, recent=FAILING)
    stale = store.switch()
    resumed = warn(stale, {"loss": Level.WARN}, Note("burnt", "guard", NOON))
    store.commit_signals(store.reports()["signals"], [resumed])
    with monkeypatch.context() as blind:
        blind.setattr(store, "switch", lambda: stale)
        scene.wall.time += 30
        scene.report(recent=FAILING)
        assert scene.signals.inspect(store, NOON) is None
    assert dict(store.switch().warnings) == {"loss": Level.WARN}
    assert len(scene.go_on(30, recent=FAILING)) == 1


def values(store, wall, now=NOON):
    """All values but that of the parity report."""
    return measure(store, read_workers(store.reports().items(), wall.time).alive, now)


def test_values_come_from_all_workers(scene, store, wall):
    """Requests add up, the oldest state counts, and silent workers do not."""
    scene.report("worker-a-1", recent=FAILING, cutoff=DAY - 3)
    scene.report("worker-b-1", recent=GOOD)
    scene.report("worker-c-1", recent=FAILING, cutoff=0, at=wall.time - 61)

    measured = values(store, wall)

    assert measured[SignalName.ERROR_SHARE] == 0.025
    assert measured[SignalName.P99] == pytest.approx(0.00497, abs=1e-4)
    assert measured[SignalName.STALE_STATE] == (NOON - (DAY - 2) * DAY_SECONDS) / 3_600
    assert 0 < measured[SignalName.STORE_FILL] < 0.7
    assert measured[SignalName.RELEASE_UNREADABLE] == 0


def test_what_nobody_knows_is_unknown(store, wall):
    """Without workers, requests and a shipper there are no values, and no warnings."""
    measured = values(store, wall)

    assert {name for name, value in measured.items() if value is None} == {
        SignalName.ERROR_SHARE, SignalName.P99, SignalName.STALE_STATE, SignalName.SHIPPER_BEHIND,
        SignalName.RELEASE_UNREADABLE,
    }  # fmt: skip


def test_a_few_requests_say_nothing(scene, store, wall):
    """One failure of nineteen requests is no share, and 199 decisions have no slowest hundredth."""
    scene.report(recent={"requests": 19, "failed": 19, "seconds": [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 199]})

    assert (values(store, wall)[SignalName.ERROR_SHARE], values(store, wall)[SignalName.P99]) == (None, None)


def test_the_shipper_is_as_far_behind_as_its_oldest_decision(store, wall):
    """Before anything was shipped there is no shipper; when all is shipped it is not behind."""
    for number in (1, 2, 3):
        commit(store, number)
    store.release(1, 1)
    assert values(store, wall, now=NOON + 1 + 500)[SignalName.SHIPPER_BEHIND] == 500
    store.release(2, 3)
    assert values(store, wall, now=NOON + 501)[SignalName.SHIPPER_BEHIND] == 0


def parity_report(same, mismatches):
    """A report as the job of the DAG `monitor` writes it."""
    report = ParityReport(dt.date(2024, 10, 2))
    replayed = Replayed(same, list(range(mismatches)), without_state=7, other_features=3)
    report.add("s", StoreLog(), replayed, Distance())
    return json.dumps(report.to_dict())


def test_a_parity_report_is_read_once_and_a_broken_one_is_told_once(tmp_path, scene, store):
    """The newest report counts; a report without vectors says nothing."""
    for day, text in (("2024-10-01", parity_report(1_000, 0)), ("2024-10-02", "{")):
        (tmp_path / "reports" / day).mkdir(parents=True)
        (tmp_path / "reports" / day / "parity.json").write_text(text)
    assert scene.go_on(90) == []
    assert [event for _, event, _ in scene.log.lines] == ["parity report not usable"]

    (tmp_path / "reports" / "2024-10-02" / "parity.json").write_text(parity_report(980, 20))
    assert scene.go_on(30) == ["a replay reproduces 98.00% of the logged vectors, below 99.90%"]
    assert dict(store.switch().warnings) == {"parity_share": Level.WARN}
