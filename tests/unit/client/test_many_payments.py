"""The SDK asks for many decisions at once, and tells outcomes; single errors are returned in their places."""

import json

import httpx
import pytest

from antifraud.client import BadAnswer, ClientError, Outcome, Payment, Refused, Suspended, Unreachable
from antifraud.keys.pseudonym import Key, tokenise
from tests.unit.client.test_async_scorer import run
from tests.unit.client.test_scorer import ANSWER, CUSTOMER, KEY, TERMINAL, Wire, client, clock, problem  # noqa: F401

OTHER = Payment("till-3:2", 61, 596, 3_156, 5_716, {"till": "3"})
PAYMENTS = [Payment(5, 60, CUSTOMER, TERMINAL, 7_091), OTHER]
COUNTS = {
    "accepted": 1, "removed": 1, "restored": 0, "late": 0, "repeated": 0, "unknown_transactions": ["6"], "rejected": [],
}  # fmt: skip


def failed(index, status, slug, detail="because"):
    return {"index": index, "status": status, "problem": {"type": f"urn:antifraud:problem:{slug}", "detail": detail}}


def decided(index, **changes):
    return {"index": index, "status": 200, "decision": ANSWER, "replayed": False, **changes}


def batch(*results):
    return httpx.Response(200, json={"decided": 1, "results": list(results), "later": 1})


def ask(wire, payments=PAYMENTS):
    with client(wire) as scorer:
        return scorer.decide_all(payments)


def test_a_batch_is_asked_with_tokens():
    """One request holds all payments, with tokens in place of identifiers; results are decisions in their order."""
    wire = Wire(batch(decided(0), decided(1, replayed=True)))

    results = ask(wire)

    (sent,) = wire.requests
    assert (sent.method, sent.url.path) == ("POST", "/v1/decisions/batch")
    assert json.loads(sent.content) == {
        "decisions": [
            {"transaction_id": "5", "event_time": 60, "customer": tokenise(KEY, "customer", CUSTOMER),
             "terminal": tokenise(KEY, "terminal", TERMINAL), "amount": 7_091},
            {"transaction_id": "till-3:2", "event_time": 61, "customer": tokenise(KEY, "customer", 596),
             "terminal": tokenise(KEY, "terminal", 3_156), "amount": 5_716, "metadata": {"till": "3"}},
        ]
    }  # fmt: skip
    assert [(result.decision, result.score, result.replayed) for result in results] == [
        ("flag", 700_000, False), ("flag", 700_000, True),
    ]  # fmt: skip


ITEMS = [
    (409, "other-payload", Refused),
    (422, "unknown-key", Refused),
    (503, "store-unusable", Unreachable),
    (503, "suspended", Suspended),
]


@pytest.mark.parametrize(("status", "slug", "error"), ITEMS)
def test_an_error_of_one_payment_is_returned(status, slug, error):
    """It is the error that the call for this payment alone would raise; the other payment has its decision."""
    first, second = ask(Wire(batch(decided(0), failed(1, status, slug))))

    assert first.score == 700_000
    assert (type(second), second.status, second.kind) == (error, status, slug)


@pytest.mark.parametrize("detail", ["a\nb", "\x1b[31m", "a" * 1_001])
def test_a_detail_is_one_harmless_line(detail):
    """Text of somebody else never ends up in terminals and logs."""
    with pytest.raises(BadAnswer):
        ask(Wire(batch(decided(0), failed(1, 422, "invalid", detail))))


@pytest.mark.parametrize("results", [[], [decided(0)], [decided(1), decided(0)], [decided(0), decided(0)]])
def test_results_of_another_batch_are_refused(results):
    """Each payment has exactly one result, in its place."""
    with pytest.raises(BadAnswer, match="a batch of 2 has other results"):
        ask(Wire(batch(*results)))


def test_a_whole_batch_is_retried():
    """A busy scorer is asked again, and the second answer counts."""
    wire = Wire(problem(429, "too-many-requests", 1), batch(decided(0), decided(1)))

    assert len(ask(wire)) == 2
    assert wire.requests[0].content == wire.requests[1].content


def test_a_wrong_identifier_is_found_before_anything_is_sent():
    """The payments are the caller's own, so an error in one of them stops the batch."""
    wire = Wire()
    with pytest.raises(ClientError, match="transaction_id is no id"):
        ask(wire, [PAYMENTS[0], Payment("a b", 60, 1, 2, 3)])
    assert wire.requests == []


def test_outcomes_are_told():
    """The answer has the counts and the ids that were never decided."""
    wire = Wire(httpx.Response(200, json=COUNTS))

    with client(wire, None) as scorer:
        answer = scorer.tell_outcomes([Outcome(5, "declined", 99), Outcome("6", "authorised", 98)])

    (sent,) = wire.requests
    assert (sent.method, sent.url.path) == ("POST", "/v1/outcomes")
    assert json.loads(sent.content) == {
        "outcomes": [
            {"transaction_id": "5", "outcome": "declined", "happened_at": 99},
            {"transaction_id": "6", "outcome": "authorised", "happened_at": 98},
        ]
    }
    assert (answer.accepted, answer.removed, answer.unknown_transactions) == (1, 1, ["6"])


def test_an_impossible_outcome_is_raised():
    """The first one is named by its place and fault; the scorer has stored the others."""
    rejected = [
        {"index": 3, "transaction_id": "5", "fault": "contradiction", "reason": "correct one of the times"},
        {"index": 4, "transaction_id": "5", "fault": "in_future", "reason": "later"},
    ]
    wire = Wire(httpx.Response(200, json={**COUNTS, "rejected": rejected}))

    with client(wire) as scorer, pytest.raises(Refused) as caught:
        scorer.tell_outcomes([Outcome(5, "declined", 99)])

    assert str(caught.value) == "outcomes[3] (and 1 others) not stored, the rest was: correct one of the times"
    assert caught.value.kind == "contradiction"


def test_the_asynchronous_client_does_the_same():
    """Both calls send the same requests and read the same answers."""
    wire = Wire(batch(decided(0), failed(1, 409, "other-payload")), httpx.Response(200, json=COUNTS))

    async def make(scorer):
        return await scorer.decide_all(PAYMENTS), await scorer.tell_outcomes([Outcome(5, "declined", 99)])

    results, answer = run(wire, make, key=Key("k1", bytes(32)))

    assert (results[0].score, type(results[1]), answer.removed) == (700_000, Refused, 1)
    assert [request.url.path for request in wire.requests] == ["/v1/decisions/batch", "/v1/outcomes"]
