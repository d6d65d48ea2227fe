"""Threads and failing transactions: what a request sees of others that fail, wait, close or are too late."""

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from antifraud.errors import StaleEpoch, StoreBusy, StoreError, StoreForeign
from antifraud.killswitch.machine import Mode, Order
from serving.store.committer import Committer, Job
from serving.store.gate import Gate
from serving.store.records import Place
from serving.store.store import init_store, open_store
from tests.serving.port_scene import commit, put_label, settings_of, wanted_of
from tests.serving.scene import BEGIN, NOON


@pytest.fixture
def store(tmp_path):
    opened = init_store(settings_of(tmp_path, store_wait_seconds=5.0), "one")
    opened.change_switch(BEGIN)
    yield opened
    opened.close()


def hold_committer(store):
    """Make the committer wait; return what lets it go on."""
    begun, go_on = threading.Event(), threading.Event()

    def work(_):
        begun.set()
        go_on.wait(10)

    thread = threading.Thread(target=store._environment.write, args=(work,))
    thread.start()
    begun.wait(10)
    return lambda: (go_on.set(), thread.join())


def spoil(view):
    view.put("meta", b"spoilt", b"1")
    raise ValueError("spoilt")


def run_together(store, *works):
    """Run the works in one group, in this order; return their results or errors."""

    def run(work):
        try:
            return work()
        except (StoreError, ValueError) as error:
            return error

    let_go = hold_committer(store)
    with ThreadPoolExecutor(len(works)) as pool:
        made = []
        for work in works:
            made.append(pool.submit(run, work))
            while store._environment._committer._queue.qsize() < len(made):
                pass
        let_go()
        return [each.result() for each in made]


def test_a_request_that_fails_leaves_those_of_its_group_alone(store):
    """A new context of the group is stored with the second transaction, so that every process can read the decision."""
    seen = [store.look_up(wanted_of(number, terminal=f"k1.t{number}", customer=f"k1.c{number}")) for number in (1, 2)]

    first, second, failed = run_together(
        store,
        lambda: commit(store, 1, seen=seen[0], terminal="k1.t1", customer="k1.c1"),
        lambda: commit(store, 2, seen=seen[1], terminal="k1.t2", customer="k1.c2"),
        lambda: store._environment.write(spoil),
    )

    assert (first, second, str(failed)) == (1, 2, "spoilt")
    with store._environment.read() as view:
        assert (view.count("contexts"), view.get("meta", b"spoilt")) == (1, None)
    store._contexts.__init__()
    assert store.decision_of(Place("", "2")).context.release == "first"


def test_a_refusal_of_the_first_attempt_is_forgotten(store):
    """A change of the switch that was refused, and then succeeds with the group's second transaction, has succeeded."""
    refused_once = iter([StaleEpoch("too early")])

    def work(_):
        if error := next(refused_once, None):
            raise error
        return "done"

    done, failed = run_together(store, lambda: store._environment.write(work), lambda: store._environment.write(spoil))

    assert (done, str(failed)) == ("done", "spoilt")


def test_a_closed_store_refuses_at_once(store):
    """Requests that still hold a store after the poller has closed it get an error, and wait for nothing."""
    store.close()

    with pytest.raises(StoreError, match="was closed, and nothing was changed"):
        put_label(store, 1)
    with pytest.raises(StoreError, match="cannot be used"):
        store.switch()
    store.close()


def test_closing_finishes_what_waits(tmp_path):
    """Requests in the queue are done before the environment is closed, and the process can open it again."""
    store = init_store(settings_of(tmp_path, store_wait_seconds=5.0), "one")
    let_go = hold_committer(store)
    with ThreadPoolExecutor(2) as pool:
        waits = pool.submit(store.report, "worker-1", b"1")
        closes = pool.submit(store.close)
        let_go()
        waits.result()
        closes.result()

    again = open_store(settings_of(tmp_path))
    assert again.reports() == {"worker-1": b"1"}
    again.close()


def test_a_store_that_fails_to_open_can_be_opened_later(tmp_path):
    """Whatever fails while it is opened, the environment does not stay open in this process."""
    settings = settings_of(tmp_path)
    init_store(settings, "one").close()

    with pytest.raises(StoreForeign, match="has the identity one"):
        init_store(settings, "two")

    store = open_store(settings)
    assert store.identity == "one"
    store.close()


def test_a_job_that_was_given_up_is_never_done():
    """Its requester is told that nothing was changed, and that stays true."""
    locked, done = threading.Event(), []

    def do_all(jobs):
        locked.wait(10)
        for job in jobs:
            if job.start():
                done.append(job.work(None))
            job.finish()

    committer = Committer(do_all, end=lambda: done.append("end"))
    with pytest.raises(StoreBusy, match="nothing was changed"):
        committer.run(Job(lambda _: "late"), 0.05)
    locked.set()
    committer.run(Job(lambda _: "in time"), 10)
    committer.stop(10)

    assert done == ["in time", "end"]


def test_a_large_request_ends_its_group():
    """After 64 records the lock is given up, however many requests wait."""
    groups, begun, go_on = [], threading.Event(), threading.Event()

    def take(jobs):
        begun.set()
        go_on.wait(10)
        groups.append([job.size for job in jobs])
        for job in jobs:
            job.finish()

    committer = Committer(take, end=lambda: None)
    with ThreadPoolExecutor(7) as pool:
        pool.submit(committer.run, Job(lambda _: None), 10)
        begun.wait(10)
        for waiting, size in enumerate([1, 1_000, 1, 62, 1, 1], 1):
            pool.submit(committer.run, Job(lambda _: None, size=size), 10)
            while committer._queue.qsize() < waiting:
                pass
        go_on.set()
    committer.stop(10)

    assert groups == [[1], [1, 1_000], [1, 62, 1], [1]]


def test_nobody_waits_for_ever_at_the_gate():
    """Somebody who wants to be alone, and those who want to come in meanwhile, give up in time; then all goes on."""
    gate = Gate(0.05)

    with gate.among_others(), pytest.raises(StoreBusy, match="in use"), gate.alone():
        raise AssertionError("was not alone")
    with gate.alone(), pytest.raises(StoreBusy, match="takes over a new size"):
        gate.enter()
    with gate.among_others(), gate.among_others():
        pass
    with gate.alone():
        pass


def test_a_suspension_meets_a_stale_epoch_in_a_group(store):
    """Two changes in one transaction: the first succeeds, the second is refused; a decision is made anew."""
    seen = store.look_up(wanted_of(1))

    def suspend():
        return store.change_switch(Order(mode=Mode.SUSPENDED, expected_epoch=1, reason="x", by="boss", at=NOON)).epoch

    first, second, arrival = run_together(store, suspend, suspend, lambda: commit(store, 1, seen=seen))

    assert (first, type(second), arrival) == (2, StaleEpoch, None)
    assert (store.switch().epoch, commit(store, 1)) == (2, 1)
