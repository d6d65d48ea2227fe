"""``POST /v1/decisions``: the answer, repeated requests, and refusals that name the field and never repeat a value."""

import dataclasses
import json

import pytest

from antifraud.clock import DAY_SECONDS
from tests.serving.scene import DAY, NOON, TERMINAL, Scorer, transaction, view_of

RAW_ID = 483_920_175_566


def test_answers_with_everything_that_was_used(scorer):
    """A decision names score, threshold, release, mode, cut-off and whether it was counted."""
    answer = scorer.decide(amount=7_091)

    assert answer.status_code == 200
    assert 0 <= answer.json.pop("score") <= 500_000
    assert len(answer.json["decision_id"]) == 20
    assert answer.json | {"score": None, "decision_id": None} == {
        "transaction_id": "1",
        "decision": "approve",
        "source": "model",
        "score": None,
        "threshold": 500_000,
        "release": "first",
        "policy": None,
        "propensity": 1.0,
        "mode": "SERVING",
        "state_cutoff": "2024-10-03",
        "counted": True,
        "reasons": [],
        "decision_id": None,
        "arrival": 1,
    }


def test_flags_above_the_threshold(scorer):
    """The tiny model of the scene finds 390 RUB risky."""
    answer = scorer.decide(amount=39_000).json

    assert (answer["decision"], answer["reasons"]) == ("flag", ["score_above_threshold"])
    assert answer["score"] > 500_000


def test_a_repeat_gets_the_first_answer(scorer):
    """The same id and payload is not decided again, and the answer says so."""
    first, second = scorer.decide(), scorer.decide()

    assert second.data == first.data
    assert ("Idempotent-Replayed" in first.headers, second.headers["Idempotent-Replayed"]) == (False, "true")


@pytest.mark.parametrize("change", [{"amount": 7_092}, {"event_time": NOON + 1}, {"customer": TERMINAL}])
def test_another_payload_under_the_same_id_is_a_conflict(scorer, change):
    """Any different field makes it another payload."""
    scorer.decide()

    assert_problem(scorer.decide(**change), 409, "other-payload", "transaction_id")


def test_an_event_of_a_covered_day_is_scored_but_not_counted(scorer):
    """The state owns its cut-off day, so counting the event again would count it twice."""
    answer = scorer.decide(event_time=(DAY - 1) * DAY_SECONDS).json

    assert (answer["counted"], answer["reasons"]) == (False, ["day_covered_by_state", "history_incomplete"])
    with view_of(scorer.store) as view:
        assert view.count("live") == 0


def test_the_stored_answer_can_be_read(scorer):
    """GET by id gives the answer, and 404 for an id that was never decided or cannot exist."""
    first = scorer.decide()

    assert scorer.get("/v1/decisions/1").data == first.data
    assert_problem(scorer.get("/v1/decisions/2"), 404, "not-found")
    assert_problem(scorer.get(f"/v1/decisions/{1 << 64}"), 404, "not-found")


BAD_FIELDS = [
    ("transaction_id", True),
    ("transaction_id", -1),
    ("transaction_id", 10**64),
    ("transaction_id", ""),
    ("transaction_id", "1" * 65),
    ("transaction_id", "1 "),
    ("transaction_id", "1\n"),
    ("transaction_id", "1/2"),
    ("transaction_id", "\u0661"),
    ("transaction_id", "\u00e9"),
    ("transaction_id", ["1"]),
    ("transaction_id", {"id": "1"}),
    ("transaction_id", 1.5),
    ("transaction_id", 1.0),
    ("transaction_id", False),
    ("transaction_id", None),
    ("event_time", "2024-10-04"),
    ("event_time", NOON + 301),
    ("event_time", NOON - 10 * DAY_SECONDS - 1),
    ("event_time", 1 << 62),
    ("customer", RAW_ID),
    ("customer", str(RAW_ID)),
    ("customer", f"k1.{RAW_ID}"),
    ("customer", ""),
    ("terminal", str(RAW_ID)),
    ("terminal", TERMINAL + "\n"),
    ("terminal", {"id": RAW_ID}),
    ("amount", 0),
    ("amount", -5),
    ("amount", 10**9 + 1),
    ("amount", 10**30),
    ("amount", 70.91),
    ("amount", True),
    ("amount", "7091"),
    ("amount", [[[[[]]]]]),
]


@pytest.mark.parametrize(("field", "value"), BAD_FIELDS)
def test_a_bad_field_is_named_and_its_value_is_not(scorer, field, value):
    """The answer is 422 with the field; no value that was sent comes back, and nothing is written."""
    answer = scorer.decide(**{field: value})

    assert_problem(answer, 422, "invalid", field)
    assert str(RAW_ID) not in answer.text
    with view_of(scorer.store) as view:
        assert (view.count("stubs"), view.count("live")) == (0, 0)


@pytest.mark.parametrize("field", ["transaction_id", "event_time", "customer", "terminal", "amount"])
def test_a_missing_field_is_named(scorer, field):
    """Every field is needed."""
    body = transaction()
    del body[field]

    assert_problem(scorer.post("/v1/decisions", body), 422, "invalid", field)


def test_an_unknown_field_is_refused_without_its_name(scorer):
    """Even the name of an unknown field may be an identifier."""
    answer = scorer.decide(**{str(RAW_ID): 1})

    assert_problem(answer, 422, "invalid")
    assert str(RAW_ID) not in answer.text


NOT_JSON = [
    b"",
    b"{",
    b"amount=1",
    b"\xff\xfe",
    b'{"transaction_id": NaN}',
    json.dumps(transaction()).encode() + b" {}",
    json.dumps(transaction()).encode()[:-1],
    b'{"transaction_id": 1, "customer": "\xff"}',
]


@pytest.mark.parametrize("body", NOT_JSON)
def test_what_is_not_json_is_a_400(scorer, body):
    """Truncated, not UTF-8, NaN, two documents: all the same problem."""
    assert_problem(scorer.post("/v1/decisions", body), 400, "not-json")


@pytest.mark.parametrize("body", [b"[" * 100_000, b'{"amount":' + b"[" * 100_000, b'{"x":' * 20_000, b"null", b"7"])
def test_deep_nesting_and_other_documents_are_refused(scorer, body):
    """A deeply nested body cannot exhaust the stack."""
    assert scorer.post("/v1/decisions", body).status_code in {400, 422}


def test_a_body_that_ends_before_its_announced_length_is_a_400(scorer):
    """Half a body decides nothing, also if what has come would be a transaction."""
    body = json.dumps(transaction()).encode()
    headers, announced = {"Authorization": "Bearer till"}, {"CONTENT_LENGTH": str(len(body) + 1)}
    answer = scorer.client.post(
        "/v1/decisions", data=body, content_type="application/json", headers=headers, environ_overrides=announced
    )

    assert_problem(answer, 400, "bad-request")
    assert scorer.store.newest_arrival() == 0


def test_a_body_beyond_the_limit_is_a_413(scorer):
    """A body of 10 MB is refused by its announced length."""
    assert_problem(scorer.post("/v1/decisions", b" " * 10_000_000), 413, "request-entity-too-large")


def test_errors_of_the_framework_are_problems_too(scorer):
    """404 and 405 have the same shape as everything else."""
    assert_problem(scorer.get("/v1/nothing"), 404, "not-found")
    answer = scorer.get("/v1/decisions")
    assert_problem(answer, 405, "method-not-allowed")
    assert answer.headers["Allow"] == "POST"


@pytest.mark.parametrize("token", ["", "guess", "till "])
def test_an_unknown_token_is_a_401(scorer, token):
    """An unknown token is refused before anything else is read."""
    answer = scorer.post("/v1/decisions", b"", caller=token)

    assert_problem(answer, 401, "unauthorised")
    assert answer.headers["WWW-Authenticate"] == "Bearer"


def test_a_token_needs_the_scope(scorer):
    """An admin cannot ask for decisions, a client cannot change the switch, and a reader cannot send labels."""
    assert_problem(scorer.post("/v1/decisions", transaction(), caller="boss"), 403, "forbidden")
    assert_problem(scorer.post("/v1/switch", {}, caller="till"), 403, "forbidden")
    assert_problem(scorer.post("/v1/labels", {}, caller="watcher"), 403, "forbidden")


def test_a_full_store_refuses_before_anything_is_written(home):
    """A decision that does not fit into the store is a 503, and no part of it is written."""
    scorer = Scorer(home, store_map_bytes=1 << 20)
    scorer.poller.poll()
    try:
        statuses = [scorer.decide(transaction_id=n).status_code for n in range(1, 1_500)]
        refused = statuses.index(503)
        answer = scorer.decide(transaction_id=refused + 1)
        assert_problem(answer, 503, "store-unusable")
        assert "ANTIFRAUD_STORE_MAP_BYTES" in answer.json["detail"]
        assert_problem(scorer.get(f"/v1/decisions/{refused + 1}"), 404, "not-found")
    finally:
        scorer.close()


def test_what_breaks_is_a_500_without_details(scorer):
    """The log gets type and place of a defect, the client gets nothing of it."""

    class Broken:
        def score(self, _vectors):
            raise ValueError(f"customer {RAW_ID}")

    loaded = scorer.services.loaded
    scorer.services.loaded = dataclasses.replace(
        loaded, champion=dataclasses.replace(loaded.champion, evaluator=Broken())
    )

    answer = scorer.decide()

    assert_problem(answer, 500, "internal")
    assert str(RAW_ID) not in answer.text + str(scorer.log.lines)
    assert ("error", "unexpected") in [(level, event) for level, event, _ in scorer.log.lines]


def assert_problem(answer, status, slug, field=None):
    assert (answer.status_code, answer.content_type) == (status, "application/problem+json")
    assert answer.json["type"] == f"urn:antifraud:problem:{slug}"
    assert (answer.json["status"], answer.json.get("field")) == (status, field)
    assert answer.json["title"]
    assert answer.json["detail"]
