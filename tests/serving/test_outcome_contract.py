"""The contract of outcomes for every decision store, through the port alone, over LMDB and Redis."""

import pytest

from antifraud.clock import DAY_SECONDS
from antifraud.features.buckets import Bucket
from serving.store.port import Inspection
from serving.store.records import Place
from serving.store.store import open_store
from tests.serving.outcome_scene import effects, live, pay, tell
from tests.serving.port_scene import GONE, KEPT, new_decision, remove_all, settings_of, wanted_of
from tests.serving.scene import CUSTOMER, DAY, NOON, TERMINAL, init_store, require_consistent

HOUR = NOON // 3_600
OTHER = "k1." + "o" * 22


@pytest.fixture
def home(home_of_any):
    """A home with an initialised store."""
    init_store(home_of_any)
    return home_of_any


@pytest.fixture
def store(home):
    """The opened store, whose records belong together in the end."""
    opened = open_store(settings_of(home))
    yield opened
    require_consistent(opened)
    opened.close()


def test_a_decline_takes_its_payment_out_of_both_entities(store):
    """Count and sums are without it, and so are the largest amount and the last time."""
    pay(store, 1, time=NOON, amount=300)
    pay(store, 2, time=NOON + 20, amount=500)
    pay(store, 3, time=NOON + 40, amount=400, customer=OTHER)

    assert effects(tell(store, (2, "declined", NOON + 60))) == ["removed"]

    assert live(store, CUSTOMER) == {HOUR: Bucket(1, 300, 90_000, 300, NOON)}
    assert live(store, TERMINAL) == {HOUR: Bucket(2, 700, 250_000, 400, NOON + 40)}
    assert effects(tell(store, (3, "declined", NOON + 60))) == ["removed"]
    assert live(store, TERMINAL) == {HOUR: Bucket(1, 300, 90_000, 300, NOON)}
    assert live(store, OTHER) == {}
    assert effects(tell(store, (1, "declined", NOON + 60))) == ["removed"]
    assert (live(store, CUSTOMER), live(store, TERMINAL)) == ({}, {})


def test_one_token_for_both_entities_counts_once(store):
    """A client that sends one token twice has one live record, which loses the payment once."""
    pay(store, 1, amount=300, terminal=CUSTOMER)
    pay(store, 2, amount=200, terminal=CUSTOMER)

    assert effects(tell(store, (1, "declined", NOON))) == ["removed"]
    assert live(store, CUSTOMER) == {HOUR: Bucket(1, 200, 40_000, 200, NOON)}


def test_other_hours_and_other_entities_stay(store):
    """Only the hour of the declined payment is made anew."""
    pay(store, 1, time=NOON - 3_600, amount=900)
    pay(store, 2, time=NOON, amount=500)
    pay(store, 3, time=NOON + 3_600, amount=700)

    tell(store, (2, "declined", NOON + 60))

    assert live(store, TERMINAL) == {
        HOUR - 1: Bucket(1, 900, 810_000, 900, NOON - 3_600),
        HOUR + 1: Bucket(1, 700, 490_000, 700, NOON + 3_600),
    }


def test_the_later_of_two_authorisations_holds(store):
    """An authorisation after a decline brings the payment back; what happened before says nothing any more."""
    pay(store, 1, amount=300)

    assert effects(tell(store, (1, "declined", NOON + 10))) == ["removed"]
    assert effects(tell(store, (1, "authorised", NOON + 5))) == ["none"]
    assert live(store, CUSTOMER) == {}
    assert effects(tell(store, (1, "authorised", NOON + 20))) == ["restored"]
    assert live(store, CUSTOMER) == live(store, TERMINAL) == {HOUR: Bucket(1, 300, 90_000, 300, NOON)}
    assert effects(tell(store, (1, "declined", NOON + 15))) == ["none"]
    assert effects(tell(store, (1, "declined", NOON + 30))) == ["removed"]
    assert store.outcomes.newest() == 5


def test_a_challenge_changes_no_history(store):
    """A challenge has outcomes of its own, at whatever time, and a declined payment stays out."""
    pay(store, 1)

    assert effects(tell(store, (1, "challenge_failed", NOON), (1, "declined", NOON))) == ["none", "removed"]
    assert effects(tell(store, (1, "challenge_passed", NOON + 9))) == ["none"]
    assert live(store, CUSTOMER) == {}


def test_an_outcome_that_comes_again_changes_nothing(store):
    """A repeat is accepted and stored once, in the same request or in another one."""
    pay(store, 1)
    pay(store, 2)
    declined = (1, "declined", NOON + 10)

    assert effects(tell(store, declined, declined)) == ["removed", "repeated"]
    assert effects(tell(store, declined, now=NOON + 900)) == ["repeated"]
    assert live(store, CUSTOMER) == {HOUR: Bucket(1, 100, 10_000, 100, NOON)}
    assert store.outcomes.newest() == 1


def test_a_contradiction_is_refused_by_name(store):
    """Two opposite outcomes of one second: the first stays, the second one is told apart by its place."""
    pay(store, 1)

    added = tell(store, (1, "declined", NOON), (1, "authorised", NOON), (1, "challenge_passed", NOON))

    assert effects(added) == ["removed", "none"]
    (refused,) = added.rejected
    assert (refused.index, refused.transaction_id, refused.fault) == (1, "1", "contradiction")
    assert refused.reason == "another outcome of the same second says the opposite: correct one of the times"
    assert effects(tell(store, (1, "authorised", NOON + 1))) == ["restored"]


def test_an_impossible_time_is_refused_by_name(store):
    """Before its event nothing can happen to a payment; five minutes ahead of the clock may be the client's clock."""
    pay(store, 1)
    now = NOON + 600

    added = tell(store, (1, "declined", NOON - 1), (1, "declined", now + 301), (1, "authorised", now + 300), now=now)

    assert [(each.index, each.fault) for each in added.rejected] == [(0, "before_event"), (1, "in_future")]
    assert effects(added) == ["none"]


def test_unknown_payments_are_listed(store):
    """An id that was never decided, and one of another namespace, are no payments of this client."""
    pay(store, 1, namespace="shop")

    assert tell(store, (1, "declined", NOON), (2, "declined", NOON)).unknown == ["1", "2"]
    assert effects(tell(store, (1, "declined", NOON), namespace="shop")) == ["removed"]
    assert store.outcomes.newest() == 1


def test_after_the_cutoff_a_decline_is_stored_and_not_applied(store):
    """The closed day belongs to the state, so the live record stays; an authorisation is nothing new."""
    pay(store, 1)
    pay(store, 2)

    added = tell(store, (1, "declined", NOON), (2, "authorised", NOON), cutoff=DAY)

    assert effects(added) == ["late", "none"]
    assert live(store, CUSTOMER)[HOUR].tx_count == 2
    assert [outcome.effect for _, outcome in store.outcomes.read(1, 9)] == ["late", "none"]


def test_a_decline_before_the_cutoff_stays_applied_after_it(store):
    """An authorisation that comes after the cut-off cannot bring the payment back, and says so."""
    pay(store, 1)

    tell(store, (1, "declined", NOON))

    assert effects(tell(store, (1, "authorised", NOON + 9), cutoff=DAY)) == ["late"]
    assert live(store, CUSTOMER) == {}


def test_outcomes_are_read_in_the_order_of_arrival(store):
    """Each says which decisions have come before it, so that a replay knows which could see its effect."""
    pay(store, 1)
    tell(store, (1, "challenge_passed", NOON + 5))
    pay(store, 2)
    tell(store, (1, "declined", NOON + 7), now=NOON + 60)

    (_, first), (number, second) = store.outcomes.read(1, 9)

    assert number == store.outcomes.newest() == 2
    assert (first.arrival, first.after, first.outcome, first.effect) == (1, 1, "challenge_passed", "none")
    assert (second.arrival, second.after, second.outcome, second.effect) == (1, 2, "declined", "removed")
    assert (second.namespace, second.transaction_id, second.source) == ("", "1", "till")
    assert (second.event_time, second.happened_at, second.received_at) == (NOON, NOON + 7, NOON + 60)
    assert [number for number, _ in store.outcomes.read(2, 9)] == [2]
    assert len(store.outcomes.read(1, 1)) == 1


def test_many_outcomes_are_stored_in_small_steps(store):
    """A thousand outcomes are told in one request, and each keeps its place in it."""
    for number in range(3):
        pay(store, number, time=NOON + number)
    told = [(number % 3, "declined", NOON + 10) for number in range(997)]

    added = tell(store, *told, (0, "authorised", NOON + 10), (9, "declined", NOON), (1, "declined", NOON))

    assert effects(added)[:4] == ["removed", "removed", "removed", "repeated"]
    assert (len(added.effects), added.unknown) == (997, ["9"])
    assert [(each.index, each.fault) for each in added.rejected] == [(997, "contradiction"), (999, "before_event")]


def test_outcomes_survive_a_restart(home):
    """A store that is opened again goes on where it was; a payment that was taken out can come back."""
    first = open_store(settings_of(home))
    pay(first, 1, amount=300)
    pay(first, 2, amount=200)
    tell(first, (1, "declined", NOON + 1))
    first.close()

    again = open_store(settings_of(home))
    assert live(again, TERMINAL) == {HOUR: Bucket(1, 200, 40_000, 200, NOON)}
    assert effects(tell(again, (1, "declined", NOON + 1), (1, "authorised", NOON + 2))) == ["repeated", "restored"]
    assert live(again, TERMINAL) == {HOUR: Bucket(2, 500, 130_000, 300, NOON)}
    again.close()


def test_a_decision_in_flight_sees_the_decline(store):
    """A decision that was computed before a decline is not committed with the old history."""
    pay(store, 1)
    seen_before = store.look_up(wanted := wanted_of(2))
    tell(store, (1, "declined", NOON))

    assert store.commit_decision(wanted, seen_before, new_decision(wanted, seen_before)) is None
    assert pay(store, 2) == 2


def test_kept_events_and_outcomes_go_with_their_time(store):
    """Events are kept until their day is closed for all workers; outcomes until they are shipped, like decisions."""
    pay(store, 1)
    pay(store, 2, time=NOON + DAY_SECONDS)
    tell(store, (1, "declined", NOON + 5))
    remove_all(store, KEPT)
    assert effects(tell(store, (1, "authorised", NOON + 6))) == ["restored"]

    remove_all(store, KEPT._replace(live_day=DAY + 1))
    assert effects(tell(store, (1, "declined", NOON + 7))) == ["late"]
    assert effects(tell(store, (2, "declined", NOON + DAY_SECONDS), now=NOON + DAY_SECONDS)) == ["removed"]
    # The guard counts a decision, and closes its day, before it can go.
    store.count_arrivals(7, 9)
    today = [cohort for cohort in store.cohorts() if cohort.timely.day == DAY]
    assert store.commit_inspection(Inspection(store.closed_day(), DAY, today))
    store.release(1, 1)
    remove_all(store, GONE)
    assert (len(store.outcomes.read(1, 9)), store.outcomes.shipped()) == (4, 0)
    store.outcomes.release(4)
    store.outcomes.release(2)
    remove_all(store, GONE)

    assert store.outcomes.shipped() == 4
    assert [outcome.transaction_id for _, outcome in store.outcomes.read(1, 9)] == ["2"]
    assert store.decision_of(Place("", "1")) is None
    assert tell(store, (1, "declined", NOON)).unknown == ["1"]
    assert store.outcomes.newest() == 4
