"""Ids are text in the namespace of their caller, and a repeated id gets its answer however old the event is."""

import hashlib
import json

import pytest

from bench.serving.load import attempt
from bench.serving.processes import NOON
from tests.blackbox.traffic import decide_all, label, transaction

DAYS = 86_400


@pytest.fixture(scope="module")
def shops(build, scorer_of):
    """A scorer that two clients use; the access entries "client" and "shop" have namespaces of their own."""
    home = build()
    (home / "secrets" / "shop.token").write_text("token-of-a-shop")
    path = home / "secrets" / "access.json"
    entry = {
        "client": "shop",
        "sha256": hashlib.sha256(b"token-of-a-shop").hexdigest(),
        "scopes": ["decide", "label", "read"],
        "namespace": "shop",
    }
    path.write_text(json.dumps({"clients": [*json.loads(path.read_text())["clients"], entry]}))
    with scorer_of(home) as scorer:
        yield scorer


def test_two_clients_may_use_the_same_id(shops):
    """The same id of two access entries is two transactions, each with its own repeats."""
    client = shops.post("/v1/decisions", transaction(1, amount=100))
    shop = shops.post("/v1/decisions", transaction(1, amount=40_000), "shop")

    assert (client.status_code, shop.status_code) == (200, 200)
    assert client.json()["decision_id"] != shop.json()["decision_id"]
    for caller, first, amount in (("client", client, 100), ("shop", shop, 40_000)):
        again = shops.post("/v1/decisions", transaction(1, amount=amount), caller)
        assert (again.content, again.headers["Idempotent-Replayed"]) == (first.content, "true")
        assert shops.get("/v1/decisions/1", caller).content == first.content


def test_reads_and_labels_are_scoped(shops):
    """A client can neither read nor label the decisions of another client."""
    shops.post("/v1/decisions", transaction(2)).raise_for_status()

    assert shops.get("/v1/decisions/2", "shop").status_code == 404
    labels = {"labels": [label(2)]}
    assert shops.post("/v1/labels", labels, "shop").json() == {"accepted": 0, "unknown_transactions": ["2"]}
    assert shops.post("/v1/labels", labels).json() == {"accepted": 1, "unknown_transactions": []}


def test_an_answer_has_a_decision_id_and_an_arrival_number(shops):
    """Arrival numbers grow by one in the order of the answers; decision ids are text and differ."""
    answers = [shops.post("/v1/decisions", transaction(number)).json() for number in range(10, 20)]

    arrivals = [answer["arrival"] for answer in answers]
    assert arrivals == list(range(arrivals[0], arrivals[0] + 10))
    decision_ids = {answer["decision_id"] for answer in answers}
    assert len(decision_ids) == 10
    assert {type(each) for each in decision_ids} == {str}


@pytest.mark.parametrize("given", ["2026-01-02:9", "a", "A.b_c:d-9", "9" * 64])
def test_an_id_is_text(shops, given):
    """Text of 1 to 64 permitted characters is an id, and is echoed."""
    answer = shops.post("/v1/decisions", transaction(0, transaction_id=given))

    assert (answer.status_code, answer.json()["transaction_id"]) == (200, given)
    assert shops.get(f"/v1/decisions/{given}").content == answer.content


def test_an_integer_is_its_decimal_text(shops):
    """The integer 77 and the text "77" are one id."""
    first = shops.post("/v1/decisions", transaction(77))
    again = shops.post("/v1/decisions", transaction(77, transaction_id="77"))

    assert first.json()["transaction_id"] == "77"
    assert (again.content, again.headers["Idempotent-Replayed"]) == (first.content, "true")


@pytest.mark.parametrize("given", ["", "9" * 65, "a b", "a/b", "é", 1.5, -1, True, None])
def test_another_id_is_refused(shops, given):
    """Anything else gets 422, and nothing is decided."""
    answer = shops.post("/v1/decisions", transaction(0, transaction_id=given))

    assert (answer.status_code, answer.json()["field"]) == (422, "transaction_id")


def test_a_repeat_of_an_old_event_gets_its_stored_answer(build, scorer_of):
    """The age of an event is checked only for new ids: 31 days later a repeat is replayed and a new id refused."""
    home = build()
    with scorer_of(home) as scorer:
        first = decide_all(scorer, range(20))
    with scorer_of(home, now=NOON + 31 * DAYS) as scorer:
        again = decide_all(scorer, range(20))
        new = attempt(scorer, transaction(100), scorer.token())

    assert [answer.body for answer in again] == [answer.body for answer in first]
    assert {(answer.status, answer.replayed) for answer in again} == {(200, True)}
    assert new.status == 422
