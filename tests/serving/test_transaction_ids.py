"""Transaction ids are text: what is taken as one, what is the same one, and where it comes back."""

import json
import string

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from antifraud.api.fields import decode_transaction_id
from antifraud.api.labels import LabelIn
from antifraud.artifacts.decision_log import DecisionLog
from antifraud.clock import DAY_SECONDS, date_of
from antifraud.errors import SchemaError
from antifraud.features.registry import FEATURE_NAMES
from antifraud.transaction_id import scoped_id
from serving.export_log import export
from serving.store.keys import id_of, key_of_id
from tests.serving.scene import DAY, NOON
from tests.serving.test_decisions import assert_problem

ALPHABET = string.ascii_letters + string.digits + "._:-"
ids = st.text(ALPHABET, min_size=1, max_size=64)


def decoded(value):
    """Return the id that a label with this value names; None if it is refused."""
    body = json.dumps({"transaction_id": value, "status": "fraud", "learned_at": 1})
    try:
        return msgspec.json.decode(body, type=LabelIn, dec_hook=decode_transaction_id).transaction_id
    except msgspec.ValidationError:
        return None


@given(st.text(max_size=70) | ids)
def test_a_text_is_an_id_or_refused(text):
    """A text of 1 to 64 of the 66 characters is an id as it stands; nothing is trimmed or normalised."""
    good = 1 <= len(text) <= 64 and set(text) <= set(ALPHABET)
    assert decoded(text) == (text if good else None)


@given(st.integers(-(10**66), 10**66))
def test_an_integer_stands_for_its_decimal_text(number):
    """The text of an integer has at most 64 digits and no sign."""
    assert decoded(number) == (str(number) if 0 <= number < 10**64 else None)


@given(st.none() | st.booleans() | st.floats() | st.lists(ids, max_size=2) | st.dictionaries(ids, ids, max_size=2))
def test_nothing_else_is_an_id(value):
    """A bool is no integer, and 1.0 is no id."""
    try:
        assert decoded(value) is None
    except msgspec.DecodeError:
        assert value in {float("inf"), float("-inf")} or value != value  # noqa: PLR0124 they are no JSON


@given(st.lists(st.integers(0, 10**20), max_size=30), st.lists(ids, max_size=30))
def test_keys_sort_by_length_and_bytes(numbers, texts):
    """For decimals this is the order of their values."""
    decimals = [str(number) for number in sorted(numbers)]
    assert sorted(map(key_of_id, map(str, numbers))) == list(map(key_of_id, decimals))
    expected = sorted(texts, key=lambda text: (len(text), text.encode()))
    assert [id_of(key) for key in sorted(map(key_of_id, texts))] == expected


def test_an_integer_and_its_text_are_one_id(scorer):
    """17 and "17" are repeats of each other, and "017" is another transaction."""
    first, second = scorer.decide(transaction_id=17), scorer.decide(transaction_id="17")

    assert (first.json["transaction_id"], second.data) == ("17", first.data)
    assert second.headers["Idempotent-Replayed"] == "true"
    assert "Idempotent-Replayed" not in scorer.decide(transaction_id="017").headers
    assert scorer.get("/v1/decisions/17").data == first.data
    assert scorer.get("/v1/decisions/017").json["transaction_id"] == "017"


@pytest.mark.parametrize("given_id", [0, 1 << 63, 10**64 - 1, "a", "Z" * 64, "2026-01-02:17", "-", "a.b_c:d-e"])
def test_an_id_comes_back_as_text(scorer, given_id):
    """In the answer, in reads, among the unknown ids of labels, and in the export of decisions."""
    said = {"transaction_id": given_id, "status": "fraud", "learned_at": NOON}
    assert scorer.post("/v1/labels", {"labels": [said]}).json["unknown_transactions"] == [str(given_id)]

    answer = scorer.decide(transaction_id=given_id)

    assert (answer.status_code, answer.json["transaction_id"]) == (200, str(given_id))
    assert scorer.get(f"/v1/decisions/{given_id}").data == answer.data
    assert scorer.post("/v1/labels", {"labels": [said]}).json == {"accepted": 1, "unknown_transactions": []}


@pytest.mark.parametrize("text", ["1%20", "%C3%A9", "%00", "a%2Fb", "1" * 65, "1+1"])
def test_no_decision_is_read_under_another_text(scorer, text):
    """A text that is no id was never decided."""
    assert_problem(scorer.get(f"/v1/decisions/{text}"), 404, "not-found")


def test_a_conflict_says_what_to_do_where_ids_restart(scorer):
    """The id 17 of the next day is another payload under the same id."""
    scorer.decide(transaction_id=17)

    answer = scorer.decide(transaction_id=17, event_time=NOON - DAY_SECONDS)

    assert_problem(answer, 409, "other-payload", "transaction_id")
    assert answer.json["detail"].endswith("such as <day>:<id> if your ids restart every day")


def test_an_id_of_two_days_is_two_decisions(scorer, tmp_path):
    """In a source whose ids restart every day, each decision has its own answer, label and vector."""
    days = {scoped_id(17, time, "day"): time for time in (NOON - DAY_SECONDS, NOON)}
    assert list(days) == ["2024-10-03:17", "2024-10-04:17"]
    amounts = dict(zip(days, (39_000, 7_091), strict=True))
    for name, time in days.items():
        assert scorer.decide(transaction_id=name, event_time=time, amount=amounts[name]).status_code == 200

    said = {"transaction_id": "2024-10-04:17", "status": "fraud", "learned_at": NOON}
    assert scorer.post("/v1/labels", {"labels": [said]}).json["accepted"] == 1

    decisions = [scorer.get(f"/v1/decisions/{name}").json["decision"] for name in days]
    assert decisions == ["flag", "approve"]
    assert [label.transaction_id for _, label in scorer.store.read_labels(1, 100)] == ["2024-10-04:17"]
    export(scorer.store, date_of(DAY - 1), date_of(DAY), tmp_path / "log.npz", now=NOON)
    log = DecisionLog(tmp_path / "log.npz")
    assert {name: log.vector_of(name)[FEATURE_NAMES.index("amount")] for name in days} == dict(
        zip(days, (390.0, 70.91), strict=True)
    )
    for absent in ("17", "2024-10-05:17", "2024-10-04:171"):
        with pytest.raises(SchemaError, match="holds no such transaction"):
            log.vector_of(absent)
    assert log.labels()["label_transaction_id"].tolist() == [b"2024-10-04:17"]


def test_a_thousand_labels_with_long_ids_fit_into_a_request(scorer):
    """The limit of a body leaves room for the longest ids."""
    said = [{"transaction_id": f"{n:064}", "status": "legitimate", "learned_at": NOON} for n in range(1_000)]
    answer = scorer.post("/v1/labels", {"labels": said})
    assert (answer.status_code, len(answer.json["unknown_transactions"])) == (200, 1_000)


def test_an_export_is_ordered_by_length_and_bytes(scorer, tmp_path):
    """Ids of other lengths share a column; 9 comes before 10."""
    for name in ("10", "2024-10-04:1", "a", "9"):
        scorer.decide(transaction_id=name)
    export(scorer.store, date_of(DAY), date_of(DAY), tmp_path / "log.npz", now=NOON)
    (piece,) = DecisionLog(tmp_path / "log.npz").decisions()
    assert piece["transaction_id"].tolist() == [b"9", b"a", b"10", b"2024-10-04:1"]
