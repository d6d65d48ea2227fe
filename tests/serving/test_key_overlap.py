"""While the token key rotates, an entity has one history under both of its tokens, and a repeat may have either."""

from concurrent.futures import ThreadPoolExecutor

import pytest

from antifraud.clock import DAY_SECONDS, HOUR_SECONDS
from antifraud.features.buckets import bucket_of
from tests.serving.rotation_scene import begin_overlap, end_overlap, feature_of, parties
from tests.serving.scene import DAY, NO_LABELS, NOON
from tests.serving.test_decisions import assert_problem

COUNTS = ("customer_1d_count", "terminal_1d_count")


@pytest.fixture
def overlap(scorer, home):
    """A scorer with one decision about customer 0 at terminal 0 under the old key, made before the new one came."""
    assert scorer.decide(transaction_id=1, **parties("k1")).status_code == 200
    begin_overlap(home)
    scorer.poller.poll()
    return scorer


def counts_of(scorer, numbers):
    """The payments of the last day that each decision has counted, of its customer and of its terminal."""
    return [tuple(feature_of(scorer.store, number, name) for name in COUNTS) for number in numbers]


@pytest.mark.parametrize("way", ["single", "batch"])
def test_counts_go_on_whichever_token_comes(overlap, way):
    """Old, new, old, new: each decision counts all earlier ones, also those of the same batch."""
    items = [
        {"transaction_id": number, "event_time": NOON + number, "amount": 100, **parties(key)}
        for number, key in ((2, "k2"), (3, "k1"), (4, "k2"), (5, "k2"))
    ]
    if way == "batch":
        answer = overlap.post("/v1/decisions/batch", {"decisions": items})
        assert [each["status"] for each in answer.json["results"]] == [200] * 4
    else:
        assert [overlap.post("/v1/decisions", item).status_code for item in items] == [200] * 4

    assert counts_of(overlap, range(1, 6)) == [(0, 0), (1, 1), (2, 2), (3, 3), (4, 4)]


def test_only_one_of_both_parties_may_be_new(overlap):
    """A client may know a customer by the new key and a terminal by the old one."""
    mixed = {**parties("k2"), "terminal": parties("k1")["terminal"]}
    assert overlap.decide(transaction_id=2, **mixed).status_code == 200
    assert overlap.decide(transaction_id=3, **parties("k2", customer=7)).status_code == 200

    assert counts_of(overlap, (2, 3)) == [(1, 1), (0, 2)]


def test_the_closed_days_are_found_by_either_token(scorer, home):
    """The state has its record under the new key alone, after the rotation of the lake."""
    new = parties("k2")["customer"]
    bucket = bucket_of(NOON - DAY_SECONDS, 100)
    hour = (NOON - DAY_SECONDS) // HOUR_SECONDS
    begin_overlap(home, entities={new: ({DAY - 1: bucket}, {hour: bucket}, NO_LABELS)})
    scorer.poller.poll()

    for number, key in ((1, "k1"), (2, "k2")):
        assert scorer.decide(transaction_id=number, **parties(key)).status_code == 200

    assert [feature_of(scorer.store, number, "customer_7d_count") for number in (1, 2)] == [1, 2]


def test_a_repeat_with_the_other_token_gets_the_stored_answer(overlap):
    """In both directions, byte by byte, and for either party alone; another amount is another payload."""
    first = overlap.decide(transaction_id=2, **parties("k2"))
    before = overlap.store.newest_arrival()

    old, new = parties("k1"), parties("k2")
    for way in (old, new, {**old, "terminal": new["terminal"]}, {**new, "terminal": old["terminal"]}):
        again = overlap.decide(transaction_id=2, **way)
        assert (again.data, again.headers["Idempotent-Replayed"]) == (first.data, "true")
        assert overlap.decide(transaction_id=1, **way).headers["Idempotent-Replayed"] == "true"
    assert overlap.store.newest_arrival() == before
    assert_problem(overlap.decide(transaction_id=2, **{**old, "amount": 1}), 409, "other-payload", "transaction_id")
    assert_problem(
        overlap.decide(transaction_id=2, **parties("k1", customer=7)), 409, "other-payload", "transaction_id"
    )


def test_a_label_and_a_decline_count_under_the_other_token(overlap):
    """A label and a decline of a payment that was decided under the old token concern decisions under the new one."""
    overlap.clock.time = NOON + 2 * HOUR_SECONDS
    label = {"transaction_id": 1, "status": "fraud", "learned_at": NOON + 60}
    assert overlap.post("/v1/labels", {"labels": [label]}).status_code == 200
    later = NOON + HOUR_SECONDS
    overlap.decide(transaction_id=2, event_time=later, **parties("k2"))
    outcome = {"transaction_id": 1, "outcome": "declined", "happened_at": NOON + 90}
    assert overlap.post("/v1/outcomes", {"outcomes": [outcome]}).status_code == 200
    overlap.decide(transaction_id=3, event_time=later + 1, **parties("k2"))

    assert counts_of(overlap, (2, 3)) == [(1, 1), (1, 1)]
    assert [feature_of(overlap.store, number, "terminal_fraud_1d") for number in (2, 3)] == [1, 1]


def test_eight_clients_with_either_key_count_each_other(overlap):
    """Decisions that are computed at once under both tokens are committed as if one came after the other."""

    def decide(number):
        return overlap.decide(transaction_id=number, **parties("k2" if number % 2 else "k1")).json["arrival"]

    with ThreadPoolExecutor(8) as pool:
        arrivals = list(pool.map(decide, range(2, 62)))

    assert sorted(arrivals) == list(range(2, 62))
    numbers = [number for _, number in sorted(zip(arrivals, range(2, 62), strict=True))]
    assert counts_of(overlap, numbers) == [(arrival - 1, arrival - 1) for arrival in range(2, 62)]


def test_after_the_overlap_the_old_token_is_refused(overlap, home):
    """The problem is `unknown-key`, repeats of decided ids get their answers, and the new token's counts go on."""
    first = overlap.decide(transaction_id=2, **parties("k2"))
    end_overlap(home)
    overlap.poller.poll()

    assert_problem(overlap.decide(transaction_id=3, **parties("k1")), 422, "unknown-key", "customer")
    assert overlap.decide(transaction_id=1, **parties("k1")).headers["Idempotent-Replayed"] == "true"
    assert overlap.decide(transaction_id=2, **parties("k2")).data == first.data
    assert overlap.decide(transaction_id=4, **parties("k2")).status_code == 200
    assert counts_of(overlap, (4,)) == [(1, 1)]


def test_an_entity_that_no_bridge_knows_is_two(overlap):
    """A customer who first paid after the bridge was made has two histories until the bridge is made again."""
    for number, key in ((2, "k1"), (3, "k2"), (4, "k2")):
        overlap.decide(transaction_id=number, **parties(key, customer=1_000, terminal=1_000))

    assert counts_of(overlap, (2, 3, 4)) == [(0, 0), (0, 0), (1, 1)]
