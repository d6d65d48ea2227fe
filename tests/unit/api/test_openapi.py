"""The OpenAPI document is made from the types, and other languages can use its schemas."""

import re

import msgspec
import pytest
from jsonschema import Draft202012Validator

from antifraud.api.fields import decode_transaction_id
from antifraud.api.openapi import openapi_document, pattern_for_javascript
from antifraud.api.operations import OPERATIONS
from antifraud.api.problems import GENERAL, KINDS, document_of

DOCUMENT = openapi_document()
SCHEMAS = DOCUMENT["components"]["schemas"]
TOKEN = "k1." + "a" * 22
REQUEST = {"transaction_id": "17", "event_time": 1, "customer": TOKEN, "terminal": TOKEN, "amount": 1}


def parts(document):
    """Every object in a document, with those inside it."""
    if isinstance(document, dict):
        yield document
    for inner in document.values() if isinstance(document, dict) else document if isinstance(document, list) else ():
        yield from parts(inner)


def accepts(name, value):
    """Whether the schema with a name accepts a value."""
    return Draft202012Validator({"$ref": f"#/components/schemas/{name}", **DOCUMENT}).is_valid(value)


def test_every_reference_leads_somewhere():
    """A reference names a schema of the document, and each schema is one of JSON Schema 2020-12."""
    named = {part["$ref"] for part in parts(DOCUMENT) if "$ref" in part}

    assert named == {f"#/components/schemas/{name}" for name in SCHEMAS}
    for schema in SCHEMAS.values():
        Draft202012Validator.check_schema(schema)


def test_patterns_are_those_of_javascript():
    """Every pattern matches a whole text, and has nothing that only Python knows."""
    patterns = {part["pattern"] for part in parts(DOCUMENT) if isinstance(part.get("pattern"), str)}

    assert "^k[0-9]{1,6}\\.[abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-]{22}$" in patterns
    assert [pattern for pattern in patterns if not re.fullmatch(r"\^[^$^\\]*(\\\.[^$^\\]*)*\$", pattern)] == []


def test_a_pattern_of_a_part_is_refused():
    """A pattern without both anchors would accept more in one language than in another."""
    with pytest.raises(ValueError, match="does not match whole texts"):
        pattern_for_javascript("k[0-9]")


REQUESTS = [
    (True, {}),
    (True, {"transaction_id": 17}),
    (True, {"transaction_id": 10**64 - 1}),
    (False, {"transaction_id": 10**64}),
    (False, {"transaction_id": -1}),
    (False, {"transaction_id": "1 "}),
    (False, {"transaction_id": True}),
    (False, {"customer": "596"}),
    (False, {"amount": 0}),
    (False, {"amount": 10**9 + 1}),
    (False, {"event_time": -1}),
    (False, {"event_time": None}),
    (False, {"unknown": 1}),
]


@pytest.mark.parametrize(("is_valid", "change"), REQUESTS)
def test_the_schema_accepts_what_the_scorer_accepts(is_valid, change):
    """The schema of a request and the type that the scorer decodes agree."""
    body = {**REQUEST, **change}

    assert accepts("DecisionRequest", body) == is_valid
    kind = next(each.request for each in OPERATIONS if each.name == "decide")
    if is_valid:
        msgspec.convert(body, kind, dec_hook=decode_transaction_id)
    else:
        with pytest.raises(msgspec.ValidationError):
            msgspec.convert(body, kind, dec_hook=decode_transaction_id)


def test_lists_have_their_limits():
    """A request has 1 to 1,000 labels."""
    label = {"transaction_id": 1, "status": "fraud", "learned_at": 1}

    assert [accepts("LabelsRequest", {"labels": [label] * count}) for count in (0, 1, 1_000, 1_001)] == [
        False, True, True, False,
    ]  # fmt: skip


def test_outcomes_and_batches_have_their_limits():
    """A request has 1 to 1,000 outcomes of four kinds, or as many transactions."""
    outcome = {"transaction_id": 1, "outcome": "declined", "happened_at": 1}

    assert accepts("OutcomesRequest", {"outcomes": [outcome] * 1_000})
    assert not accepts("OutcomesRequest", {"outcomes": [{**outcome, "outcome": "refunded"}]})
    assert [accepts("BatchRequest", {"decisions": [REQUEST] * count}) for count in (0, 1, 1_000, 1_001)] == [
        False, True, True, False,
    ]  # fmt: skip


def test_an_answer_may_gain_fields():
    """Requests are closed, answers are open."""
    closed = {name for name, schema in SCHEMAS.items() if schema.get("additionalProperties") is False}

    assert closed == {
        "BatchRequest", "DecisionRequest", "LabelIn", "LabelsRequest", "OutcomeIn", "OutcomesRequest", "SwitchRequest",
    }  # fmt: skip


def test_every_problem_of_a_call_is_a_kind():
    """Calls name kinds of the table, and each kind can happen in some call."""
    named = {name for operation in OPERATIONS for name in operation.all_problems}

    assert named <= set(KINDS)
    # A path that is too long belongs to no call.
    assert set(KINDS) - named == {"request-uri-too-long"}


def test_the_kinds_are_those_that_clients_know():
    """A kind that is renamed breaks clients that compare it."""
    assert set(KINDS) >= {
        "unauthorised", "forbidden", "not-json", "invalid", "other-payload", "suspended", "not-ready",
        "store-unusable", "stale-epoch", "transition-refused", "not-found", "internal", "method-not-allowed",
        "request-entity-too-large",
    }  # fmt: skip
    assert GENERAL[404] == "not-found"
    assert document_of("suspended", "because").type == "urn:antifraud:problem:suspended"
