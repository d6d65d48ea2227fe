"""A name that an object of a request holds twice is refused with the path of the field, at any depth."""

import json

import pytest

from tests.serving.scene import NOON, transaction
from tests.serving.test_decisions import assert_problem

SECRET = "S3CRET"
LABEL = f'"transaction_id": 1, "status": "fraud", "learned_at": {NOON}'
GOOD = "{" + LABEL + "}"


def with_metadata(text):
    """A valid request with metadata of such JSON."""
    return f'{json.dumps(transaction())[:-1]}, "metadata": {text}}}'.encode()


def labels(*entries):
    """A request with labels of such JSON."""
    return f'{{"labels": [{", ".join(entries)}]}}'.encode()


@pytest.mark.parametrize(
    "text",
    [
        f'{{"{SECRET}": "1", "{SECRET}": "2"}}',
        f'{{"a": "1", "{SECRET}": "2", "b": "3", "{SECRET}": "2"}}',
        f'{{"{SECRET}": "1", "\\u0053{SECRET[1:]}": "1"}}',
        '{"amount": "1", "amount": "2"}',
        '{"a.b": "1", "a.b": "1"}',
    ],
)
def test_a_name_of_metadata_is_not_repeated(scorer, text):
    """The field is metadata, whatever the client calls its texts; the name itself may be a secret."""
    answer = scorer.post("/v1/decisions", with_metadata(text))

    assert_problem(answer, 422, "invalid", "metadata")
    assert answer.json["detail"] == "metadata has a name twice: expected each name once"
    assert SECRET not in answer.text + str(scorer.log.lines)
    assert scorer.store.newest_arrival() == 0


@pytest.mark.parametrize(
    ("path", "body", "field"),
    [
        ("/v1/decisions", with_metadata('{"a": "1"}, "metadata": {"a": "1"}'), "metadata"),
        ("/v1/decisions", with_metadata('{"a": "1"}, "amount": 5'), "amount"),
        ("/v1/labels", labels("{" + LABEL + ', "status": "fraud"}'), "labels[0].status"),
        ("/v1/labels", labels(GOOD, GOOD, "{" + LABEL + f', "learned_at": {NOON}}}'), "labels[2].learned_at"),
        ("/v1/labels", labels(GOOD, "{" + LABEL + ', "transaction_id": 2}', GOOD), "labels[1].transaction_id"),
        ("/v1/labels", labels(GOOD)[:-1] + b', "labels": [' + GOOD.encode() + b"]}", "labels"),
    ],
)
def test_a_field_is_named_with_its_path(scorer, path, body, field):
    """The path has the form of every other problem: the list, the place in it and the field."""
    answer = scorer.post(path, body)

    assert_problem(answer, 422, "invalid", field)
    assert answer.json["detail"] == f"{field} is there twice: expected each field once"


def test_a_switch_is_not_changed_by_a_doubtful_request(scorer):
    """Two actions in one request are none."""
    before = scorer.get("/v1/status", caller="boss").json["switch"]
    body = b'{"action": "suspend", "reason": "a", "expected_epoch": %d, "action": "resume"}' % before["epoch"]

    assert_problem(scorer.post("/v1/switch", body, caller="boss"), 422, "invalid", "action")
    assert scorer.get("/v1/status", caller="boss").json["switch"] == before


def test_equal_names_of_different_objects_are_no_fault(scorer):
    """Each label has the same fields, and metadata may have a name of a field."""
    answer = scorer.post("/v1/decisions", with_metadata('{"amount": "1", "customer": "2"}'))

    assert (answer.status_code, answer.json["metadata"]) == (200, {"amount": "1", "customer": "2"})
    assert scorer.post("/v1/labels", labels(GOOD, GOOD)).status_code == 200
