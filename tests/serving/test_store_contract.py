"""The contract of every decision store, through the port alone, over LMDB and Redis."""

import json
import multiprocessing
from concurrent.futures import ThreadPoolExecutor

import pytest

from antifraud.errors import NotLeading, StaleEpoch, StoreError, TransitionRefused
from antifraud.killswitch.cohorts import CohortCounts
from antifraud.killswitch.machine import Mode, Order, Switch
from serving.store.outbox import NOT_SUBSCRIBED
from serving.store.port import Inspection, StoredCohort
from serving.store.records import Lease, Place
from serving.store.store import open_store
from tests.serving.port_scene import (
    GONE,
    KEPT,
    VECTOR,
    commit,
    commit_many,
    new_decision,
    put_label,
    remove_all,
    settings_of,
    wanted_of,
)
from tests.serving.scene import CUSTOMER, DAY, NOON, TERMINAL, init_store

HOUR = NOON // 3_600
DELAY = 7


@pytest.fixture
def home(home_of_any):
    """A home with an initialised store."""
    init_store(home_of_any)
    return home_of_any


@pytest.fixture
def store(home):
    """The opened store."""
    opened = open_store(settings_of(home))
    yield opened
    opened.close()


def suspend(store, epoch=1, mode=Mode.SUSPENDED):
    return store.change_switch(Order(mode=mode, expected_epoch=epoch, reason="a drill", by="boss", at=NOON))


def test_a_decision_is_read_as_it_was_committed(store):
    """All that the answer says comes back, with the arrival number; the entry has the vector until it is shipped."""
    wanted = wanted_of(17)
    new = new_decision(wanted, store.look_up(wanted), flagged=True)

    assert store.commit_decision(wanted, store.look_up(wanted), new) == 1

    found = store.decision_of(Place("", "17"))
    assert (found.score, found.event_time, found.decided_at) == (600_000, NOON, NOON + 1)
    assert (found.terminal, found.amount, found.payload) == (TERMINAL, 7_091, bytes(16))
    assert (found.counted, found.history_complete, found.arrival, found.said) == (True, True, 1, "flag")
    assert (found.context.release, found.context.threshold, found.context.cutoff) == ("first", 500_000, DAY - 1)
    ((entry, decision),) = store.entries(1, 1, 9)
    assert (entry.namespace, entry.transaction_id, entry.customer, entry.vector) == ("", "17", CUSTOMER, VECTOR)
    assert decision == found
    seen = store.look_up(wanted)
    assert (seen.earlier, seen.live_customer, seen.live_terminal) == (found, new.live_customer, new.live_terminal)


def change_id(store):
    commit(store, 1, customer="k1.other", terminal="k1.elsewhere")


def change_customer(store):
    commit(store, 2, terminal="k1.elsewhere", amount=8)


def change_terminal(store):
    commit(store, 2, customer="k1.other", amount=8)


def change_label(store):
    put_label(store, 9, status="fraud", learned_at=NOON)


def change_switch(store):
    suspend(store)


CHANGES = [change_id, change_customer, change_terminal, change_label, change_switch]


@pytest.mark.parametrize("change", CHANGES, ids=lambda change: change.__name__)
def test_a_commit_is_refused_if_something_has_changed_since_it_was_read(store, change):
    """Nothing of the decision is stored, no arrival number is lost, and a new attempt succeeds."""
    commit(store, 9, customer="k1.labelled")
    hours = range(HOUR - 1, HOUR + 1)
    seen = store.look_up(wanted_of(1, hours=hours))
    change(store)
    before = store.newest_arrival()

    assert commit(store, 1, seen=seen, hours=hours) is None

    assert (store.newest_arrival(), store.sizes()["decisions"]) == (before, before)
    if change is not change_id:
        assert commit(store, 1, hours=hours) == before + 1


def test_a_label_outside_the_hours_that_count_hinders_no_commit(store):
    """A decision that does not read a label does not depend on it, either."""
    commit(store, 9, customer="k1.labelled")
    seen = store.look_up(wanted_of(1, hours=range(HOUR)))
    put_label(store, 9)

    assert commit(store, 1, seen=seen, hours=range(HOUR)) == 2


def test_arrival_numbers_have_no_gap_over_threads_and_processes(home, store):
    """Two processes and four threads commit at one terminal; the numbers are 1 to 60, each decision has its own."""
    context = multiprocessing.get_context("spawn")
    results = context.Queue()
    processes = [context.Process(target=commit_many, args=(home, first, 10, results)) for first in (100, 200)]
    for process in processes:
        process.start()

    def insist(number):
        while (arrival := commit(store, number, amount=number + 1)) is None:
            pass
        return number, arrival

    with ThreadPoolExecutor(4) as pool:
        made = list(pool.map(insist, range(300, 340)))
    made += [results.get(timeout=60) for _ in range(20)]
    for process in processes:
        process.join()

    assert sorted(arrival for _, arrival in made) == list(range(1, 61))
    assert all(store.decision_of(Place("", str(number))).arrival == arrival for number, arrival in made)


def test_each_namespace_has_its_own_ids(store):
    """One id in two namespaces is two decisions; labels reach only the decision of their namespace."""
    assert [commit(store, 1), commit(store, 1, namespace="shop")] == [1, 2]

    assert put_label(store, 1, namespace="shop").unknown == []
    assert put_label(store, 1, namespace="elsewhere").unknown == ["1"]
    assert [(label.arrival, label.namespace) for _, label in store.read_labels(1, 9)] == [(2, "shop")]
    assert store.decision_of(Place("elsewhere", "1")) is None
    assert (store.decision_of(Place("shop", "1")).arrival, store.newest_label()) == (2, 1)


def test_decision_ids_are_unique_over_places_and_arrivals(store):
    """Every place and every arrival number gives another id of 20 letters and digits."""
    places = [Place("", "1"), Place("", "11"), Place("shop", "1"), Place("shop", "11")]
    names = {store.decision_id(place, arrival) for place in places for arrival in (1, 11, 111)}

    assert len(names) == 12
    assert {len(name) for name in names} == {20}
    assert all(name.isalnum() for name in names)


RANGES = [(2, 3), (1, 4), (0, 2), (-1, 1), (3, 2), (1, 1 << 40)]


@pytest.mark.parametrize(("first", "last"), RANGES)
def test_a_release_of_another_range_changes_nothing(store, first, last):
    """A gap, a decision that was never made, and an empty range are refused as a whole."""
    for number in range(3):
        commit(store, number)

    with pytest.raises(StoreError, match=f"decisions {first} to {last} cannot be released: .*begin with 1"):
        store.release(first, last)

    assert (tuple(store.shipped()), len(store.entries(1, 3, 9))) == ((0, 0), 3)


def test_releases_may_overlap(store):
    """A shipper that was killed sends the same again; entries go, answers stay."""
    for number in range(5):
        commit(store, number, time=NOON - number)

    store.release(1, 2)
    store.release(1, 2)
    store.release(2, 4)
    store.release(1, 1)

    assert tuple(store.shipped()) == (4, NOON)
    assert [decision.arrival for _, decision in store.entries(1, 9, 9)] == [5]
    assert [store.decision_of(Place("", str(number))).arrival for number in range(5)] == [1, 2, 3, 4, 5]
    assert [decision.arrival for _, decision in store.entries_at([5, 4])] == [5]


def test_only_what_is_shipped_and_old_is_removed(store):
    """An unshipped decision stays however old it is, a shipped one until the horizon, with its id and labels."""
    for number in range(3):
        commit(store, number)
        put_label(store, number)
    close_today(store)
    store.release(1, 2)
    store.shipping.release_labels(3)

    # The counts of its terminal are no longer needed, as the day has closed.
    assert remove_all(store, KEPT) == 1
    remove_all(store, GONE)

    assert [store.decision_of(Place("", str(number))) is None for number in range(3)] == [True, True, False]
    assert [label.transaction_id for _, label in store.read_labels(1, 9)] == ["2"]
    seen = store.look_up(wanted_of(7))
    assert (seen.live_customer, seen.live_terminal) == (None, None)
    assert commit(store, 7) == 4


def close_today(store):
    """Let the guard count everything, and close the scene's today."""
    store.count_arrivals(DELAY, 9)
    store.take_in_labels(DELAY, 9)
    assert store.commit_inspection(Inspection(store.closed_day(), DAY, store.cohorts()))


def test_a_shipped_decision_is_still_judged_once(store):
    """Its label arrives after it was shipped, is counted, and a later label changes nothing of its closed day."""
    commit(store, 1, flagged=True)
    store.release(1, 1)
    put_label(store, 1, received=NOON + 60)

    assert (store.count_arrivals(DELAY, 9), store.take_in_labels(DELAY, 9)) == (1, 1)
    honest = CohortCounts(DAY, "first", decided=1, flagged=1, legit_flagged=1.0, squares=1.0)
    assert store.cohorts() == [StoredCohort(0, honest, honest)]
    close_today(store)
    put_label(store, 1, status="fraud", learned_at=NOON + 60)
    assert store.take_in_labels(DELAY, 9) == 1
    corrected = CohortCounts(DAY, "first", decided=1, flagged=1, fraud_flagged=1.0)
    assert (store.cohorts(), store.sizes()["judged"]) == ([StoredCohort(0, honest, corrected)], 1)


def test_labels_the_guard_has_not_seen_stay(store):
    """A label is removed only after the guard has taken it in, even if its decision is gone."""
    commit(store, 1)
    close_today(store)
    put_label(store, 1)
    store.release(1, 1)
    store.shipping.release_labels(1)

    remove_all(store, GONE)
    assert [label.transaction_id for _, label in store.read_labels(1, 9)] == ["1"]
    assert store.take_in_labels(DELAY, 9) == 1
    remove_all(store, GONE)
    assert (store.read_labels(1, 9), store.newest_label()) == ([], 1)


def test_labels_that_are_not_shipped_stay(store):
    """Guard and decision are done with it, and still it goes only when it is shipped; a number ahead is refused."""
    commit(store, 1)
    close_today(store)
    put_label(store, 1, status="fraud", learned_at=NOON + 60)
    store.release(1, 1)
    store.take_in_labels(DELAY, 9)
    remove_all(store, GONE)

    assert store.decision_of(Place("", "1")) is None
    ((number, label),) = store.shipping.labels(1, 9, 9)
    assert (number, label.arrival, label.after, label.event_time, label.terminal) == (1, 1, 1, NOON, TERMINAL)
    with pytest.raises(StoreError, match="labels up to 2 cannot be released: the newest is 1"):
        store.shipping.release_labels(2)
    store.shipping.release_labels(1)
    remove_all(store, GONE)
    assert (store.shipping.labels(1, 9, 9), store.shipping.shipped_label()) == ([], 1)


def test_the_history_of_the_switch_is_read_by_epoch(store):
    """Each change is there as the switch was after it, also after later changes."""
    for epoch in range(1, 4):
        suspend(store, epoch, Mode.SUSPENDED if epoch % 2 else Mode.SERVING)

    history = store.shipping.switch_history(3, 4, 9)

    assert [(epoch, json.loads(text)["mode"]) for epoch, text in history] == [(3, "SERVING"), (4, "SUSPENDED")]
    assert [epoch for epoch, _ in store.shipping.switch_history(1, 3, 2)] == [1, 2]


def test_each_label_has_an_outcome(store):
    """Impossible and unknown labels are listed and not stored, the others are; a repeated label is stored once."""
    commit(store, 1)
    commit(store, 2, time=NOON + 5)

    added = put_label(store, 1, 2, 3)
    assert (added.stored, added.unknown) == (["legitimate"], ["3"])
    ((index, transaction_id, reason),) = [(each.index, each.transaction_id, each.reason) for each in added.rejected]
    assert (index, transaction_id, reason) == (1, "2", "learned_at lies before the event: correct it")
    assert store.newest_label() == 1
    assert put_label(store, 1).stored == []
    assert store.newest_label() == 1


def test_a_label_of_another_namespace_is_unknown(store):
    """The same id in another namespace is another transaction, also for labels."""
    commit(store, 1)

    assert put_label(store, 1, namespace="shop").unknown == ["1"]
    assert store.newest_label() == 0


def inspection(store, **changes):
    values = {
        "closed_before": -1,
        "closes": DAY,
        "cohorts": store.cohorts(),
        "evidence": {(0, "first"): (None, {"legit": 1})},
        "suspend": None,
    }
    return Inspection(**{**values, **changes})


def test_an_inspection_is_made_once_or_not_at_all(store):
    """It is refused if counts, evidence, the closed day or the switch have changed since it was read."""
    commit(store, 1)
    put_label(store, 1, received=NOON + 60)
    store.count_arrivals(DELAY, 9)
    store.take_in_labels(DELAY, 9)
    read, (cohort,), begun = inspection(store), store.cohorts(), store.switch().epoch
    stale = [
        inspection(store, cohorts=[cohort._replace(timely=CohortCounts(DAY, "first", 2))]),
        inspection(store, closed_before=DAY - 1),
        inspection(store, evidence={(0, "first"): ({"legit": 5}, {})}),
        inspection(store, suspend=Switch(Mode.SUSPENDED, store.switch().epoch + 2, "a trip", "guard", NOON)),
    ]

    assert [store.commit_inspection(other) for other in stale] == [False, False, False, False]
    assert (store.closed_day(), store.evidence(), store.switch().epoch) == (-1, {}, begun)
    assert [store.commit_inspection(read), store.commit_inspection(read)] == [True, False]
    assert (store.closed_day(), store.evidence()) == (DAY, {(0, "first"): {"legit": 1}})


def test_a_trip_begins_an_era_in_its_own_transaction(store):
    """Decisions of the epoch before it belong to the era before it, also if they are counted later."""
    commit(store, 1)
    begun = store.switch().epoch
    tripped = Switch(Mode.SUSPENDED, begun + 1, "a trip", "guard", NOON)
    assert store.commit_inspection(Inspection(-1, suspend=tripped))
    suspend(store, epoch=begun + 1, mode=Mode.SERVING)
    commit(store, 2)
    store.count_arrivals(DELAY, 9)

    assert store.eras().starts == (0, begun + 1)
    assert [(cohort.era, cohort.latest.decided) for cohort in store.cohorts()] == [(0, 1), (begun + 1, 1)]


def test_the_switch_is_compared_and_set_with_its_notification(store):
    """Two changes from one reading: the second is refused; only what succeeded is told, and each notification once."""
    assert (store.switch().mode, store.switch().epoch) == (Mode.SERVING, 1)
    assert suspend(store).epoch == 2
    with pytest.raises(StaleEpoch):
        suspend(store)
    with pytest.raises(TransitionRefused):
        suspend(store, epoch=2)
    suspend(store, epoch=2, mode=Mode.SERVING)

    assert store.outbox.notifications() == [f"switch-00000002-{NOON}", f"switch-00000003-{NOON}"]
    store.outbox.queue_notifications(["ops"], 100.0)
    assert store.outbox.notifications() == []
    first, second = store.outbox.deliveries()
    store.outbox.settle(first, given_up_because=None)
    store.outbox.settle(second, given_up_because="nobody there")
    store.outbox.settle(second, given_up_because="nobody there")
    assert store.outbox.deliveries() == []
    assert (store.sizes()["outbox"], store.sizes()["dead"]) == (0, 1)


def queue(store, *subscribers, now=100.0):
    """Suspend, and queue the notification for these subscribers; return the deliveries."""
    suspend(store)
    store.outbox.queue_notifications(subscribers, now)
    return store.outbox.deliveries()


def test_each_subscriber_has_a_delivery_of_its_own(store):
    """Deliveries of one notification are tried, given up and queued again each for itself."""
    audit, ops = queue(store, "ops", "audit")
    assert (audit.subscriber, audit.attempts, audit.queued_at, audit.due) == ("audit", 0, 100.0, 100.0)

    begun = store.outbox.begin_attempt(audit, due=130.0)
    assert (begun.attempts, begun.due, store.outbox.deliveries()) == (1, 130.0, [begun, ops])
    assert store.outbox.begin_attempt(audit, due=130.0) is None
    store.outbox.postpone(begun, 140.0, "busy")
    (later, _) = store.outbox.deliveries()
    assert (later.attempts, later.due, later.reason) == (1, 140.0, "busy")
    store.outbox.settle(later, given_up_because="gone")

    (letter,) = store.outbox.dead_letters()
    assert (letter.subscriber, letter.reason, store.outbox.deliveries()) == ("audit", "gone", [ops])
    assert (store.outbox.redeliver([letter], 500.0), store.outbox.redeliver([letter], 500.0)) == (1, 0)
    (again, _) = store.outbox.deliveries()
    assert (again.subscriber, again.attempts, again.queued_at, again.due) == ("audit", 0, 500.0, 500.0)
    assert (again.switch, store.outbox.dead_letters()) == (letter.switch, [])


def test_deliveries_to_a_subscriber_that_has_gone_become_dead_letters(store):
    """Its news is kept for the case that it comes back, and news for nobody is dropped."""
    queue(store, "ops", "audit")
    suspend(store, epoch=2, mode=Mode.SERVING)

    store.outbox.queue_notifications([], 200.0)

    assert (store.outbox.notifications(), store.outbox.deliveries()) == ([], [])
    reasons = [(letter.subscriber, letter.reason) for letter in store.outbox.dead_letters()]
    assert reasons == [("audit", NOT_SUBSCRIBED), ("ops", NOT_SUBSCRIBED)]


def test_one_guard_at_a_time_has_the_lease(store):
    """It goes to whoever names it as it is; a renewal keeps the epoch, and another holder begins the next one."""
    lease = store.lease
    free = lease.read()
    assert (free, lease.take("a", free)) == (Lease(), Lease("a", 1, 0))
    first = lease.read()
    assert (lease.take("b", free), lease.take("a", first), lease.take("b", first)) == (None, Lease("a", 1, 1), None)
    assert lease.take("b", lease.read()) == Lease("b", 2, 0)
    lease.end(1)
    assert lease.read() == Lease("b", 2, 0)
    lease.end(2)
    assert lease.read() == Lease("", 2, 0)
    assert lease.take("a", lease.read()) == Lease("a", 3, 0)


def test_a_guard_that_has_lost_the_lease_changes_nothing(store):
    """A process that was stopped for long cannot undo what its successor has noted."""
    (delivery,) = queue(store, "ops")
    held = store.lease.take("guard", store.lease.read())
    led = store.led_by(held.epoch)
    led.outbox.queue_notifications(["ops"], 150.0)
    assert store.lease.take("successor", held).epoch == held.epoch + 1

    changes = [
        lambda: led.outbox.begin_attempt(delivery, due=300.0),
        lambda: led.outbox.postpone(delivery, 300.0, "late"),
        lambda: led.outbox.settle(delivery, given_up_because=None),
        lambda: led.outbox.queue_notifications([], 200.0),
        lambda: led.report("guard", b"{}"),
    ]
    for change in changes:
        with pytest.raises(NotLeading, match="led in epoch 1, and the present one is 2"):
            change()

    assert (store.outbox.deliveries(), store.outbox.dead_letters()) == ([delivery], [])
    assert store.reports() == {}
