"""A recount finds decisions that were lost, and decisions that count more than once."""

import json

import lmdb
import pytest

from bench.serving import recount
from bench.serving.crash import answers_to, as_sent, transaction
from bench.serving.load import Attempt, Notes
from bench.serving.recount import Recount, Sent, find_faults

NUMBERS = (1, 2_001, 101)
"""Transactions that share a customer or a terminal with an earlier one."""


@pytest.fixture
def store(tmp_path, monkeypatch):
    """A home whose live records and exported vectors are those of `NUMBERS`, and the vectors by id, to change them."""
    counted, vectors = Recount(), {}
    for number in NUMBERS:
        vectors[f"c-{number}"] = counted.vector(transaction(number))
    (tmp_path / "store").mkdir()
    with lmdb.open(str(tmp_path / "store"), max_dbs=4) as environment:
        live = environment.open_db(b"live")
        with environment.begin(write=True, db=live) as change:
            for name, text in counted.records().items():
                change.put(name, text)
    monkeypatch.setattr(recount, "exported_vectors", lambda *_: vectors)
    return tmp_path, vectors


def sent(*arrivals):
    """The transactions of `NUMBERS` with these arrival numbers; 0 is one without an answer."""
    return [
        Sent(transaction(number), [{"arrival": arrival}] if arrival else [])
        for number, arrival in zip(NUMBERS, arrivals, strict=True)
    ]


def test_a_true_store_has_no_faults(store):
    """Everything that was sent is there once, whatever the order of the notes."""
    faults = find_faults(list(reversed(sent(1, 2, 3))), store[0], None)

    assert (faults.lost, faults.twice) == ([], [])


def test_an_unanswered_and_a_missing_decision_are_lost(store):
    """An id that nobody answered is lost, and so is one that the store does not have."""
    home, vectors = store
    del vectors["c-1"]

    assert find_faults(sent(1, 2, 3), home, None).lost == ["c-1"]
    assert "c-101" in find_faults(sent(1, 2, 0), home, None).lost


def test_arrivals_in_another_order_are_found(store):
    """Two arrivals that are exchanged have other features than the store says."""
    assert find_faults(sent(2, 1, 3), store[0], None).twice == ["c-2001", "c-1"]


def test_a_gap_and_a_second_answer_are_found(store):
    """A number that nobody was told of is a decision that counts and was not asked for."""
    assert find_faults(sent(1, 2, 4), store[0], None).twice == ["c-101"]
    twice = [*sent(1, 2, 3)[:2], Sent(transaction(101), [{"arrival": 3}, {"arrival": 3}])]
    assert find_faults(twice, store[0], None).twice == ["c-101"]


def test_a_live_record_that_differs_is_found(store):
    """An event that a record counts twice shows, even if every vector is right."""
    home, _ = store
    with lmdb.open(str(home / "store"), max_dbs=4) as environment:
        live = environment.open_db(b"live")
        with environment.begin(write=True, db=live) as change:
            change.put(transaction(101)["customer"].encode(), b"another")

    assert find_faults(sent(1, 2, 3), home, None).twice == [transaction(101)["customer"]]


def test_notes_keep_the_different_answers_of_an_id():
    """Equal answers are one; refusals are none."""
    said = [
        Attempt(0.0, 1.0, status, body, {}) for status, body in ((503, b"{}"), (200, b'{"a":1}'), (200, b'{"a":1}'))
    ]
    notes = Notes({"c-1": {"transaction_id": "c-1"}}, {"c-1": said})

    assert answers_to(notes, "c-1") == {b'{"a":1}'}
    assert json.dumps(as_sent(notes)) == '[{"body": {"transaction_id": "c-1"}, "answers": [{"a": 1}]}]'
