"""Metadata of a decision: kept, echoed with every repeat, never logged, never exported."""

import pytest

from antifraud.clock import date_of
from serving.export_log import export
from tests.serving.scene import DAY, NOON, TERMINAL, stored, view_of
from tests.serving.test_decisions import assert_problem

MOST = {f"name-{number:026}.": "ü" * 64 for number in range(20)}


@pytest.mark.parametrize("metadata", [{"till": "3"}, {"b": "1", "a": "2"}, {"x": "\0\n\"'<é"}, {"e": ""}, MOST])
def test_metadata_are_echoed(scorer, metadata):
    """The answer, its repeat and the stored decision have the texts in their order, byte by byte."""
    first = scorer.decide(metadata=metadata)

    assert (first.status_code, list(first.json["metadata"].items())) == (200, list(metadata.items()))
    assert scorer.decide(metadata=metadata).data == first.data
    assert scorer.get("/v1/decisions/1").data == first.data


@pytest.mark.parametrize("again", [{"metadata": {"attempt": "2"}}, {"metadata": {}}, {}])
def test_the_first_request_sets_them(scorer, again):
    """A repeat with other metadata is a repeat: it gets the first answer with the first metadata."""
    first = scorer.decide(metadata={"attempt": "1"})
    repeat = scorer.decide(**again)

    assert (repeat.data, repeat.headers["Idempotent-Replayed"]) == (first.data, "true")


@pytest.mark.parametrize("without", [{}, {"metadata": {}}])
def test_a_decision_without_metadata_has_none(scorer, without):
    """There is no empty field in the answer, and a repeat does not add any."""
    first = scorer.decide(**without)

    assert "metadata" not in first.json
    assert scorer.decide(metadata={"late": "1"}).data == first.data


BAD = [
    None, [], "till", {"a": 1}, {"a": None}, {"a": {"b": "c"}}, {"": "a"}, {"a b": "c"}, {"a" * 33: "b"},
    {"a\n": "b"}, {"é": "b"}, {"a": "b" * 65}, {**MOST, "one": "more"},
]  # fmt: skip


@pytest.mark.parametrize("metadata", BAD, ids=range(len(BAD)))
def test_other_metadata_are_refused(scorer, metadata):
    """More than 20 texts, long ones, strange names and other values are refused by name, and nothing is written."""
    answer = scorer.decide(metadata=metadata)

    assert_problem(answer, 422, "invalid", "metadata")
    assert answer.json["detail"].startswith("metadata is not valid: expected at most 20 texts")
    assert scorer.store.newest_arrival() == 0


def test_metadata_are_never_logged_or_exported(scorer, tmp_path):
    """Neither a log line nor an export of decisions has a name or a text of them."""
    scorer.decide(metadata={"secret-name": "secret-text"})
    scorer.decide(metadata={"secret-name": "secret-text"}, amount=5)

    assert "secret" not in str(scorer.log.lines)
    export(scorer.store, date_of(DAY), date_of(DAY), tmp_path / "log.npz", now=NOON)
    assert b"secret" not in (tmp_path / "log.npz").read_bytes()


def test_only_a_decision_with_metadata_is_larger(scorer):
    """The stub of another decision has at most 90 bytes; metadata add their JSON and a byte, and nothing else."""
    scorer.decide(transaction_id=1)
    scorer.decide(transaction_id=2, metadata={"till": "3"})

    with view_of(scorer.store) as view:
        without, with_metadata = [stub for _, stub in view.items("stubs")]
    assert len(without) <= 90
    assert len(with_metadata) == len(without) + 1 + len('{"till":"3"}')


def test_labels_find_the_terminal_of_such_a_decision(scorer):
    """Terminal and amount are read as before, for labels and the guard."""
    scorer.decide(metadata={"till": "3"})
    said = {"transaction_id": 1, "status": "fraud", "learned_at": NOON}

    assert scorer.post("/v1/labels", {"labels": [said]}).json["accepted"] == 1
    decision, _ = stored(scorer.store, 1)
    assert (decision.terminal, decision.amount, decision.metadata) == (TERMINAL, 7_091, b'{"till":"3"}')
