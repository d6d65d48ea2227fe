"""One guard leads: whoever else runs, was stopped, or has another clock changes nothing and counts nothing twice."""

import signal
import time
from contextlib import contextmanager

import pytest

from antifraud.errors import NotLeading
from antifraud.killswitch.machine import Mode
from antifraud.settings.serving import GuardSettings
from serving.guard.closing import make_inspection
from serving.guard.known import Known
from serving.guard.lead import Leader
from serving.guard.watch import inspect_evidence
from serving.store.records import Delivery, Lease
from tests.serving.port_scene import GONE
from tests.serving.processes import guard_process, wait_for
from tests.serving.scene import NOON, SilentLog
from tests.serving.test_guard import FIRST_DAY, new_store, put

SECONDS = 5.0
QUICK = {"ANTIFRAUD_GUARD_LEASE_SECONDS": "0.5"}
DELIVERY = Delivery("ops", "switch-1", b"{}", 0.0, 0.0)


@pytest.fixture
def store(tmp_path):
    opened = new_store(tmp_path)
    yield opened
    opened.close()


class Guard:
    """The share of one guard in the lease, with a clock of its own."""

    def __init__(self, store, now=0.0):
        self.now, self.log = now, SilentLog()
        self.leader = Leader(store, SECONDS, self.log, lambda: self.now)

    def after(self, seconds):
        """Let time pass on this clock, and return whether this guard leads then."""
        self.now += seconds
        return self.leader.renew() is not None

    @property
    def said(self):
        """The events that were logged."""
        return [event for _, event, _ in self.log.lines]


def test_the_first_guard_leads_and_the_second_stands_by(store):
    """The lease of a new store is free; while it is renewed nobody else gets it."""
    first, second = Guard(store), Guard(store)

    assert [first.after(0), second.after(0)] == [True, False]
    for _ in range(20):
        assert [first.after(1), second.after(1)] == [True, False]
    assert store.lease.read().epoch == 1
    assert (first.said, second.said) == (["leads"], [])


def test_a_guard_that_is_silent_for_long_enough_is_replaced(store):
    """Five seconds without a renewal, on the clock of the other one, begin the next epoch."""
    first, second = Guard(store), Guard(store)
    first.after(0)
    assert [second.after(0), second.after(4.9), second.after(0.1)] == [False, False, True]

    assert store.lease.read().epoch == 2
    assert first.after(0) is False
    assert (first.said, second.said) == (["leads", "stands by"], ["leads"])


@pytest.mark.parametrize("apart", [-1e9, -3_600.0, 3_600.0, 1e9])
def test_clocks_apart_change_nothing(store, apart):
    """No time of one guard is compared with that of another."""
    first, second = Guard(store), Guard(store, now=apart)
    for _ in range(20):
        assert [first.after(1), second.after(1)] == [True, False]
    assert [second.after(4), second.after(1)] == [False, True]


def test_a_guard_that_ends_gives_the_lease_back(store):
    """Its successor need not wait; the epoch goes on to grow."""
    first, second = Guard(store), Guard(store)
    assert [first.after(0), second.after(0)] == [True, False]
    first.leader.resign()

    assert (first.leader.led, second.after(0), store.lease.read().epoch) == (None, True, 2)


def test_of_two_guards_that_want_the_lease_at_once_one_gets_it(store):
    """Both have seen the same lease; the second attempt finds another one."""
    seen = store.lease.read()

    assert store.lease.take("a", seen) == Lease("a", 1, 0)
    assert store.lease.take("b", seen) is None
    assert store.lease.take("a", Lease("a", 1, 0)) == Lease("a", 1, 1)
    assert store.lease.take("b", Lease("a", 1, 1)) == Lease("b", 2, 0)
    store.lease.end(1)
    assert store.lease.read().holder == "b"


CHANGES = {
    "report": lambda led: led.report("guard", b"{}"),
    "forget": lambda led: led.forget_reports(["worker"]),
    "arrivals": lambda led: led.count_arrivals(7, 10),
    "labels": lambda led: led.take_in_labels(7, 10),
    "inspection": lambda led: led.commit_inspection(
        make_inspection(Known.read(led, 7, NOON), None, GuardSettings(), NOON)
    ),
    "signals": lambda led: led.commit_signals(b"{}", []),
    "release": lambda led: led.release(1, 1),
    "retention": lambda led: led.remove_expired(GONE, 50),
    "notifications": lambda led: led.outbox.queue_notifications(["ops"], 1.0),
    "attempt": lambda led: led.outbox.begin_attempt(DELIVERY, 1.0),
    "postpone": lambda led: led.outbox.postpone(DELIVERY, 1.0, "late"),
    "settle": lambda led: led.outbox.settle(DELIVERY, given_up_because=None),
}


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
def test_a_guard_that_was_replaced_changes_nothing(store, change):
    """Whatever it was about to write is refused in the transaction that would write it; reading goes on."""
    put(store, [(FIRST_DAY, "k1.a", False)])
    first, second = Guard(store), Guard(store)
    first.after(0)
    led = first.leader.led
    assert [second.after(0), second.after(SECONDS)] == [False, True]
    before = (store.reports(), store.sizes(), store.outbox.notifications())

    with pytest.raises(NotLeading, match="led in epoch 1, and the present one is 2"):
        change(led)

    assert (store.reports(), store.sizes(), store.outbox.notifications()) == before
    assert led.switch() == store.switch()


class Replaced:
    """A store that changes the switch for a guard, which is replaced right afterwards."""

    def __init__(self, store):
        self._store = store

    def __getattr__(self, name):
        return getattr(self._store, name)

    def report(self, *_):
        """Refuse the sign of life after the change."""
        if self._store.switch().mode is Mode.SUSPENDED:
            raise NotLeading("another guard leads")


def test_a_guard_that_is_replaced_right_after_a_trip_still_says_so(tmp_path):
    """Its log has the suspension; without one, the refusal of its sign of life tells that another guard leads."""
    store, settings = new_store(tmp_path), GuardSettings(home=tmp_path, store_map_bytes=1 << 28)
    put(store, bad_days())

    reason = None
    while reason is None:
        reason = inspect_evidence(Replaced(store), settings, NOON).suspended_because
    assert reason.startswith("false-positive rate of ")
    with pytest.raises(NotLeading):
        inspect_evidence(Replaced(store), settings, NOON)
    store.close()


def test_a_lease_that_was_given_back_is_over(store):
    """A thread of a guard that ends cannot write after it, even before the next guard leads."""
    guard = Guard(store)
    guard.after(0)
    led = guard.leader.led
    guard.leader.resign()

    with pytest.raises(NotLeading):
        led.report("guard", b"{}")


@contextmanager
def two_guards(home, apart="0"):
    """Two real guards, the second with its business clock `apart` seconds ahead."""
    other = {"ANTIFRAUD_CLOCK_OFFSET_SECONDS": str(NOON - int(time.time()) + int(apart))}
    with guard_process(home, **QUICK) as first, guard_process(home, **QUICK, **other) as second:
        yield first, second


def verdict_of(store):
    """Whatever a verdict consists of: the switch, its history and its news, and all evidence."""
    switch = store.switch()
    return switch.mode, switch.epoch, switch.cause, switch.reason, store.outbox.notifications(), store.evidence()


def bad_days():
    """Labels that say that a third of the honest payments was flagged."""
    return [(FIRST_DAY + n // 1_000, f"k1.t{n % 200}", n % 3 == 0) for n in range(3_000)]


@pytest.fixture
def undisturbed(tmp_path):
    """The verdict of a single inspection in this process, about `bad_days`."""
    alone = new_store(tmp_path / "alone")
    put(alone, bad_days())
    while inspect_evidence(alone, GuardSettings(home=tmp_path / "alone"), NOON).more:
        pass
    assert alone.switch().mode is Mode.SUSPENDED
    verdict = verdict_of(alone)
    alone.close()
    return verdict


@pytest.mark.parametrize("apart", ["0", "3600", "-3600"])
def test_two_guards_at_once_make_one_verdict(tmp_path, undisturbed, apart):
    """Clocks apart or not: mode, epoch, reason, news and evidence are those of one guard that nobody disturbs."""
    store = new_store(tmp_path)
    put(store, bad_days())
    with two_guards(tmp_path, apart):
        wait_for(lambda: store.closed_day() >= FIRST_DAY + 2, "the verdict", 60)
        time.sleep(1)

    told = (tmp_path / "guard.log").read_text()
    assert told.count('"event": "suspended"') == 1
    assert steady(verdict_of(store)) == steady(undisturbed)
    store.close()


def steady(verdict):
    """A verdict without the notifications: the guards in these tests have no subscribers, and drop them."""
    mode, epoch, cause, reason, _, evidence = verdict
    return mode, epoch, cause, reason, evidence


def replace(leader, other, store):
    """Stop the guard that leads, wake the other one up, and wait until it leads."""
    epoch = store.lease.read().epoch
    while True:
        leader.send_signal(signal.SIGSTOP)
        other.send_signal(signal.SIGCONT)
        try:
            wait_for(lambda: store.lease.read().epoch > epoch, "another guard that leads", 4)
        except AssertionError:
            # It was stopped while it held the lock of the store, so nobody can write.
            leader.send_signal(signal.SIGCONT)
            time.sleep(0.003)
        else:
            return


def test_guards_that_are_stopped_and_wake_up_make_one_verdict(tmp_path, undisturbed):
    """Whoever leads is stopped (SIGSTOP) in the middle of its work, is replaced, and wakes up, again and again."""
    store = new_store(tmp_path)
    put(store, bad_days())
    with guard_process(tmp_path, **QUICK) as first, guard_process(tmp_path, **QUICK) as second:
        second.send_signal(signal.SIGSTOP)
        wait_for(lambda: store.lease.read().epoch, "a guard that leads", 20)
        for turn in range(8):
            time.sleep(0.01 * turn)
            replace(*((first, second) if turn % 2 == 0 else (second, first)), store)
        second.send_signal(signal.SIGCONT)
        wait_for(lambda: store.closed_day() >= FIRST_DAY + 2, "the verdict", 60)
        time.sleep(1)
        assert (first.poll(), second.poll()) == (None, None)

    told = (tmp_path / "guard.log").read_text()
    assert told.count('"event": "leads"') >= 8
    assert told.count('"event": "suspended"') == 1
    assert steady(verdict_of(store)) == steady(undisturbed)
    store.close()


def test_a_guard_that_ends_cleanly_is_replaced_at_once(tmp_path):
    """SIGTERM gives the lease back, so that a deployment leaves no gap of the length of the lease."""
    store = new_store(tmp_path)
    slow = {"ANTIFRAUD_GUARD_LEASE_SECONDS": "60"}
    with guard_process(tmp_path, **slow) as first:
        wait_for(lambda: store.lease.read().holder, "a guard that leads", 20)
        holder = store.lease.read().holder
        with guard_process(tmp_path, **slow):
            time.sleep(2)  # it stands by
            assert store.lease.read().holder == holder
            first.terminate()
            assert first.wait(timeout=20) == 0
            wait_for(lambda: store.lease.read().holder not in {"", holder}, "its successor", 20)
    store.close()
