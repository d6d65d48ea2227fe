"""Batches of decisions: each transaction has a result of its own, as if it had been asked for alone."""

import json
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from functools import partial

import numpy as np
import pytest

from antifraud.api.decisions import DecisionRequest
from antifraud.api.fields import TransactionId
from antifraud.errors import OtherPayload, StoreBusy, SwitchedOff
from antifraud.keys.pseudonym import tokenise
from antifraud.killswitch.machine import Mode, Order
from serving.decisions import batch as batches
from serving.decisions.batch import begin_batch, decide_all
from serving.decisions.decide import Decider, Outcome, decide
from serving.worker.turns import Turns, _places
from tests.serving.conftest import furnish
from tests.serving.scene import CUSTOMER, KEY, NOON, TERMINAL, Scorer, transaction
from tests.serving.test_decisions import assert_problem
from tests.serving.test_store_parity import MOMENT, generate_requests, replay


def ask(scorer, items, **options):
    """POST a batch, and read the whole answer."""
    body = items if isinstance(items, bytes) else {"decisions": items}
    with scorer.post("/v1/decisions/batch", body, **options) as answer:
        answer.get_data()
        return answer


def payments(count, *, customers=3, terminals=2, first=0):
    """Requests of a few customers and terminals within an hour, out of order now and then."""
    return [
        transaction(
            transaction_id=first + number, event_time=NOON - 1_800 + number * 7 % 1_801, amount=100 + number,
            customer=tokenise(KEY, "customer", number % customers),
            terminal=tokenise(KEY, "terminal", number % terminals),
        )
        for number in range(count)
    ]  # fmt: skip


def requests_of(items):
    return [DecisionRequest(**{**item, "transaction_id": TransactionId(str(item["transaction_id"]))}) for item in items]


def log_of(store):
    """All decisions in the order of arrival: id, vector and score."""
    return [(entry.transaction_id, entry.vector, decision.score) for entry, decision in store.entries(1, 9_999, 9_999)]


class Counting:
    """A store that counts the transactions that decisions are committed in."""

    def __init__(self, store):
        self._store, self.commits = store, []

    def __getattr__(self, name):
        return getattr(self._store, name)

    def commit_decisions(self, commits):
        """Commit, and note how many decisions came together."""
        self.commits.append(len(commits))
        return self._store.commit_decisions(commits)


def test_a_batch_decides_as_single_calls_would(scorer, tmp_path_factory, two_releases):
    """Answers, arrival numbers, vectors and scores are those of the same requests sent one after the other."""
    alone = Scorer(furnish(tmp_path_factory.mktemp("alone"), two_releases))
    alone.poller.poll()
    try:
        items = payments(100)

        answer = ask(scorer, items).json
        singles = [alone.post("/v1/decisions", item).json for item in items]

        ids = [single.pop("decision_id") for single in singles]
        assert len({item["decision"].pop("decision_id") for item in answer["results"]}) == len(set(ids)) == 100
        assert [item["decision"] for item in answer["results"]] == singles
        assert (answer["decided"], [item["index"] for item in answer["results"]]) == (100, list(range(100)))
        assert log_of(scorer.store) == log_of(alone.store)
    finally:
        alone.close()


def test_a_bad_item_spoils_no_other(scorer):
    """Each refusal is the one that the call for this transaction alone would get, with its field."""
    first, second = transaction(transaction_id=1), transaction(transaction_id=2, amount=50)
    twice = b'{"transaction_id": 9, ' + json.dumps(transaction(transaction_id=8)).encode()[1:]
    bad = [
        5, None, "text", [], {}, {**first, "amount": 0}, {**first, "amount": 10**30}, {**first, "more": 1},
        {**first, "transaction_id": 1, "amount": 8}, {**first, "transaction_id": 3, "customer": "k9." + "a" * 22},
        {**first, "transaction_id": 4, "event_time": NOON - 11 * 86_400},
    ]  # fmt: skip
    items = [json.dumps(each).encode() for each in (first, *bad, second, first)] + [twice]

    answer = ask(scorer, b'{"decisions": [' + b",".join(items) + b"]}")

    assert answer.status_code == 200
    results = answer.json["results"]
    assert [item["status"] for item in results] == [200, *[422] * 8, 409, 422, 422, 200, 200, 422]
    kinds = [item["problem"]["type"].rpartition(":")[2] for item in results if "problem" in item]
    assert kinds == [*["invalid"] * 8, "other-payload", "unknown-key", "invalid", "invalid"]
    fields = [item["problem"].get("field") for item in results if "problem" in item]
    assert fields == [
        None, None, None, None, "transaction_id", "amount", "amount", None,
        "transaction_id", "customer", "event_time", "transaction_id",
    ]  # fmt: skip
    assert [item["replayed"] for item in results if item["status"] == 200] == [False, False, True]
    assert results[0]["decision"] == results[-2]["decision"]
    assert (answer.json["decided"], scorer.store.newest_arrival()) == (3, 2)


def test_a_repeated_batch_gets_the_first_answers(scorer):
    """A client that has lost the answer sends the same again; new transactions among them are decided."""
    items = payments(40)
    first = ask(scorer, items).json["results"]

    again = ask(scorer, [*items, *payments(3, first=100)]).json["results"]

    assert [item["decision"] for item in again[:40]] == [item["decision"] for item in first]
    assert [item["replayed"] for item in again] == [True] * 40 + [False] * 3
    assert scorer.store.newest_arrival() == 43


def test_equal_ids_of_one_batch_are_decided_once(scorer):
    """The second of two equal transactions is a repeat, and another payload under its id a conflict."""
    item = transaction(transaction_id=7)

    results = ask(scorer, [item, item, {**item, "amount": 1}]).json["results"]

    assert [each["status"] for each in results] == [200, 200, 409]
    assert [each["replayed"] for each in results] == [False, True, False]
    assert scorer.store.newest_arrival() == 1


def decider_of(scorer, store=None, turns=None):
    services = scorer.services
    return Decider(store or scorer.store, lambda: services.loaded, services.choose, turns or services.turns)


def test_a_batch_is_committed_in_chunks(scorer):
    """A hundred decisions at two terminals take four transactions of at most 32, and none is made alone."""
    store = Counting(scorer.store)

    results = list(decide_all(begin_batch(decider_of(scorer, store), "", MOMENT), requests_of(payments(100))))

    assert [len(chunk) for chunk in results] == store.commits == [32, 32, 32, 4]
    assert all(isinstance(result, Outcome) for chunk in results for result in chunk)


def test_single_decisions_have_their_turn_between_chunks(scorer):
    """A decision that is asked for while a batch goes on gets the next arrival number after the chunk."""
    decider, singles = decider_of(scorer), []
    for chunk in decide_all(begin_batch(decider, "", MOMENT), requests_of(payments(96))):
        (single,) = requests_of(payments(1, first=1_000 + len(singles)))
        singles.append(decide(decider, "", single, MOMENT).answer.arrival)
        assert len(chunk) == 32

    assert singles == [33, 66, 99]


def insist(decide_once):
    """Repeat a call as clients do, until nothing of it was refused as busy."""
    while True:
        results = decide_once()
        if not any(isinstance(result, StoreBusy) for result in results):
            return results


def test_batches_beside_single_decisions_equal_a_replay(home, tmp_path_factory, two_releases):
    """Two batches and four threads decide at two terminals; every vector is that of a replay in arrival order."""
    requests = [*dict.fromkeys(generate_requests(np.random.default_rng(3), 240))]
    singles, many = requests[:120], [requests[120:180], requests[180:]]
    scorer, alone = Scorer(home), Scorer(furnish(tmp_path_factory.mktemp("alone"), two_releases))
    for each in (scorer, alone):
        each.poller.poll()
    decider = decider_of(scorer, turns=Turns(60.0))

    def decide_single(request):
        try:
            return [decide(decider, "", request, MOMENT)]
        except StoreBusy as error:
            return [error]

    def decide_many(batch):
        return [result for chunk in decide_all(begin_batch(decider, "", MOMENT), batch) for result in chunk]

    try:
        with ThreadPoolExecutor(6) as pool:
            made = [pool.submit(insist, partial(decide_many, batch)) for batch in many]
            made += [pool.submit(insist, partial(decide_single, request)) for request in singles]
            results = [result for each in made for result in each.result()]

        assert len(results) == 240
        assert all(isinstance(result, Outcome) for result in results)
        arrivals = scorer.store.entries(1, 9_999, 9_999)
        assert [decision.arrival for _, decision in arrivals] == list(range(1, 241))
        vectors = [(entry.vector, decision.score) for entry, decision in arrivals]
        mismatches = sum(one != other for one, other in zip(vectors, replay(alone, requests, arrivals), strict=True))
        assert mismatches == 0
    finally:
        scorer.close()
        alone.close()


class Overtaken(Counting):
    """A store in which somebody else decides at a terminal before the first chunk is committed."""

    def commit_decisions(self, commits):
        """Let the other be faster, once."""
        if not self.commits:
            scorer_decides(self)
        return super().commit_decisions(commits)


def scorer_decides(store):
    (other,) = requests_of([transaction(transaction_id=999, terminal=tokenise(KEY, "terminal", 0))])
    decide(Decider(store._store, *store.loaded, Turns()), "", other, MOMENT)


def test_what_others_have_changed_is_decided_anew(scorer):
    """Decisions that were overtaken are made alone, and count the one that was faster; the others stay in the chunk."""
    store = Overtaken(scorer.store)
    store.loaded = (lambda: scorer.services.loaded), scorer.services.choose
    items = payments(32, customers=32)

    (results,) = decide_all(begin_batch(decider_of(scorer, store), "", MOMENT), requests_of(items))

    assert all(isinstance(result, Outcome) for result in results)
    arrivals = {result.answer.transaction_id: result.answer.arrival for result in results}
    # Half of the payments are at the other terminal, and come first.
    assert [arrivals[str(number)] for number in range(1, 32, 2)] == list(range(2, 18))
    assert [arrivals[str(number)] for number in range(0, 32, 2)] == list(range(18, 34))


def test_a_release_that_was_swapped_concerns_the_whole_chunk(scorer):
    """Drafts of the earlier release are not stored: each decision is made anew with the present one."""
    loaded, seen = scorer.services.loaded, []

    def present():
        seen.append(1)
        return loaded if len(seen) <= 3 else scorer.services.loaded

    scorer.services.loaded = replace(loaded)
    decider = Decider(scorer.store, present, scorer.services.choose, scorer.services.turns)

    (results,) = decide_all(begin_batch(decider, "", MOMENT), requests_of(payments(3)))

    assert [result.answer.arrival for result in results] == [1, 2, 3]


def test_whoever_has_the_turn_is_not_overtaken(scorer):
    """A transaction waits for the turn of its terminal as a single one does; others are decided."""
    turns = Turns(0.05)
    items = payments(4, customers=4)

    with turns.take([tokenise(KEY, "terminal", 0)]):
        (results,) = decide_all(begin_batch(decider_of(scorer, turns=turns), "", MOMENT), requests_of(items))

    taken = [number for number, item in enumerate(items) if turns_collide(item)]
    assert [number for number, result in enumerate(results) if isinstance(result, StoreBusy)] == taken
    assert scorer.store.newest_arrival() == 4 - len(taken)


def turns_collide(item):
    """Whether a payment shares a turn with the first terminal."""
    held = _places([tokenise(KEY, "terminal", 0)])
    return bool(held & _places([item["customer"], item["terminal"]]))


def test_a_suspension_in_the_middle_ends_the_rest(scorer):
    """Decisions that were made stay, and everything after the suspension says why it was not."""
    chunks = decide_all(begin_batch(decider_of(scorer), "", MOMENT), requests_of(payments(100)))
    first = next(chunks)
    scorer.store.change_switch(Order(mode=Mode.SUSPENDED, expected_epoch=1, reason="a drill", by="boss", at=NOON))

    rest = [result for chunk in chunks for result in chunk]

    assert (len(first), len(rest), scorer.store.newest_arrival()) == (32, 68, 32)
    assert all(isinstance(result, SwitchedOff) for result in rest)


def test_a_suspended_service_refuses_the_whole_batch(scorer):
    """Nothing was decided, so the problem is that of the whole request, and clients know it."""
    scorer.switch("suspend", 1)

    answer = ask(scorer, payments(2))

    assert_problem(answer, 503, "suspended")
    assert answer.headers["Retry-After"] == "30"


def test_no_release_refuses_the_whole_batch(home):
    """A worker that can decide nothing says so once."""
    running = Scorer(home)
    running.poller.poll()
    running.services.loaded = None

    assert_problem(ask(running, payments(2)), 503, "not-ready")
    running.close()


def test_what_is_late_can_be_sent_again(scorer, monkeypatch):
    """A batch that takes too long leaves the rest undecided; the same batch then decides it."""
    monkeypatch.setattr(batches, "BATCH_SECONDS", -1.0)
    late = ask(scorer, payments(40)).json
    monkeypatch.undo()

    assert [item["status"] for item in late["results"]] == [503] * 40
    assert late["results"][0]["problem"]["type"] == "urn:antifraud:problem:store-unusable"
    assert ask(scorer, payments(40)).json["decided"] == 40


def test_a_full_store_refuses_what_it_cannot_take(scorer, monkeypatch):
    """The chunk that does not fit and everything after it get the problem of a full store."""
    store = scorer.store
    monkeypatch.setattr(store._environment.room, "disk_error", "ENOSPC")

    assert_problem(ask(scorer, payments(2)), 503, "store-unusable")


def test_batches_leave_threads_to_single_decisions(scorer):
    """A worker works on two batches at a time; a third one is asked to come again, and a decision is made."""
    semaphore = scorer.services.batches
    assert semaphore.acquire(blocking=False)
    assert semaphore.acquire(blocking=False)

    answer = ask(scorer, payments(2))

    assert_problem(answer, 429, "too-many-requests")
    assert answer.headers["Retry-After"] == "1"
    assert scorer.decide().status_code == 200
    semaphore.release()
    semaphore.release()
    assert [ask(scorer, payments(2)).status_code for _ in range(5)] == [200] * 5


def test_a_refused_batch_gives_its_place_back(scorer):
    """Bodies that are no batch leave as many places as before."""
    for _ in range(5):
        assert_problem(ask(scorer, b"{"), 400, "not-json")
    assert ask(scorer, payments(1)).status_code == 200


WRONG = [
    (b'{"decisions": []}', 422, "invalid", "decisions"),
    (b'{"decisions": [' + b",".join([b"{}"] * 1_001) + b"]}", 422, "invalid", "decisions"),
    (b'{"decisions": [{}], "more": 1}', 422, "invalid", None),
    (b'{"decisions": [{}], "decisions": [{}]}', 422, "invalid", "decisions"),
    (b"{}", 422, "invalid", "decisions"),
    (b"[]", 422, "invalid", None),
    (b'{"decisions": [{"a": "\xff"}]}', 400, "not-json", None),
    (b'{"decisions": [{"a": "\n"}]}', 400, "not-json", None),
    (b'{"decisions": [' + b"[" * 5_000 + b"]" * 5_000 + b"]}", 400, "not-json", None),
]


@pytest.mark.parametrize(("body", "status", "kind", "field"), WRONG)
def test_a_body_that_is_no_batch_is_refused_as_a_whole(scorer, body, status, kind, field):
    """The fields around the transactions are checked as in every call, and nothing is decided."""
    assert_problem(ask(scorer, body), status, kind, field)
    assert scorer.store.newest_arrival() == 0


def test_a_number_that_python_would_not_read_spoils_its_item_alone(scorer):
    """An amount of ten thousand digits is wrong, and the transaction beside it is decided."""
    huge = json.dumps(transaction(transaction_id=2)).replace("7091", "7" * 10_000).encode()

    answer = ask(scorer, b'{"decisions": [' + huge + b"," + json.dumps(transaction()).encode() + b"]}")

    assert [item["status"] for item in answer.json["results"]] == [422, 200]


def test_a_batch_may_be_larger_than_other_bodies(scorer):
    """A thousand transactions with metadata fit; a megabyte is the end, and other calls keep their smaller limit."""
    metadata = {"till": "7" * 64, "shop": "8" * 64, "note": "9" * 64, "cashier": "1" * 64, "line": "2" * 64}
    items = [transaction(transaction_id=number, metadata=metadata) for number in range(700)]
    body = json.dumps({"decisions": items}).encode()
    assert 1 << 18 < len(body) < 1 << 20

    assert ask(scorer, body).json["decided"] == 700
    assert_problem(ask(scorer, body + b" " * (1 << 20)), 413, "request-entity-too-large")
    assert_problem(scorer.post("/v1/decisions", body), 413, "request-entity-too-large")


def test_batches_are_counted(scorer):
    """Items by status, chunks, decisions and repeats show in the metrics."""
    ask(scorer, [*payments(40), {}])
    ask(scorer, payments(1))

    text = scorer.services.metrics.render().decode()
    for line in (
        'antifraud_batch_items_total{status="200"} 41.0', 'antifraud_batch_items_total{status="422"} 1.0',
        "antifraud_batch_chunks_total 3.0", "antifraud_replays_total 1.0",
        'antifraud_decisions_total{decision="approve",release="first"} 40.0',
    ):  # fmt: skip
        assert line in text


def test_a_transaction_may_be_called_batch(scorer):
    """The id of a decision is read by its path, also if it is the word in the path of batches."""
    scorer.decide(transaction_id="batch")

    assert scorer.get("/v1/decisions/batch").json["transaction_id"] == "batch"


def test_the_scope_is_that_of_decisions(scorer):
    """A token that may not decide may not decide many."""
    assert_problem(ask(scorer, payments(1), caller="watcher"), 403, "forbidden")


def test_a_conflict_of_payloads_is_found_before_anything_is_computed(scorer):
    """An id of another payload is refused among repeats and new ones, wherever it stands."""
    scorer.decide(transaction_id=1, customer=CUSTOMER, terminal=TERMINAL)
    chunk = requests_of([transaction(transaction_id=1, amount=1), transaction(transaction_id=2)])

    (results,) = decide_all(begin_batch(decider_of(scorer), "", MOMENT), chunk)

    assert isinstance(results[0], OtherPayload)
    assert results[1].answer.arrival == 2
