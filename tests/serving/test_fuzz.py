"""Whatever is sent, the scorer answers with a decision or a problem, never with a 500, and never decides twice."""

import json

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.serving.scene import CUSTOMER, NOON, TERMINAL, transaction

FIXTURE_KEPT = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
scalars = st.none() | st.booleans() | st.integers() | st.floats() | st.text()
documents = st.recursive(scalars, lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner), max_leaves=10)
fields = st.sampled_from(sorted(transaction()))
valid = st.fixed_dictionaries(
    {
        "transaction_id": st.integers(0, 20),
        "event_time": st.integers(NOON - 1_000, NOON + 300),
        "customer": st.sampled_from([CUSTOMER, TERMINAL]),
        "terminal": st.just(TERMINAL),
        "amount": st.integers(1, 10**9),
    }
)


def assert_decision_or_problem(answer):
    assert answer.status_code != 500
    if answer.status_code == 200:
        assert answer.json["decision"] in {"approve", "flag"}
    else:
        assert answer.content_type == "application/problem+json"
        assert answer.json["status"] == answer.status_code


@FIXTURE_KEPT
@given(st.binary(max_size=300))
def test_any_bytes(scorer, body):
    """Bytes that are not JSON, mostly."""
    assert_decision_or_problem(scorer.post("/v1/decisions", body))


@FIXTURE_KEPT
@given(st.sampled_from(["/v1/decisions", "/v1/labels"]), documents)
def test_any_document(scorer, path, document):
    """JSON that is not a request, mostly."""
    assert scorer.post(path, document).status_code in {400, 422}


@FIXTURE_KEPT
@given(valid, fields, documents)
def test_any_value_in_a_field(scorer, request_, field, value):
    """A valid request with one field replaced."""
    assert_decision_or_problem(scorer.post("/v1/decisions", {**request_, field: value}))


@FIXTURE_KEPT
@given(valid)
def test_an_id_is_decided_once(scorer, request_):
    """With 21 ids many repeat: the stored answer for the same payload, a conflict for another."""
    answer = scorer.post("/v1/decisions", request_)
    repeat = scorer.post("/v1/decisions", json.dumps(request_, indent=1).encode())

    assert answer.status_code in {200, 409}
    assert (repeat.status_code, repeat.data if answer.status_code == 200 else b"") == (
        answer.status_code,
        answer.data if answer.status_code == 200 else b"",
    )
