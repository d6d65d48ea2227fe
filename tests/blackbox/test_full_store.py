"""The store fills: new decisions are refused before the commit, and the service can still be halted."""

import pytest

from bench.serving.processes import wait_for
from tests.blackbox.traffic import MATURED, decide_all, fill, judged, label, transaction

SMALL = str(4 << 20)


@pytest.fixture(scope="module")
def full(build, scorer_of):
    """One scorer with a guard and a full store for all tests here, and the answers that it gave until then."""
    settings = {"ANTIFRAUD_STORE_MAP_BYTES": SMALL}
    with scorer_of(build(**settings), guard=MATURED, **settings) as scorer:
        yield scorer, fill(scorer)


def test_a_full_store_refuses_and_keeps_what_it_has(full):
    """Refused ids leave no trace, decided ones get their stored answers, and nothing unshipped has gone."""
    scorer, answers = full
    refused = [number for number, answer in answers.items() if answer.status != 200]
    decided = [number for number, answer in answers.items() if answer.status == 200]

    assert {answers[number].status for number in refused} == {503}
    assert {scorer.get(f"/v1/decisions/{number}").status_code for number in refused[:20]} == {404}
    again = decide_all(scorer, decided)
    assert {(answer.status, answer.replayed) for answer in again} == {(200, True)}
    assert [answer.body for answer in again] == [answers[number].body for number in decided]


def test_a_full_store_is_not_ready(full):
    """A supervisor learns from /readyz that the worker cannot write, and /healthz still says that it lives."""
    scorer, _ = full

    wait_for(lambda: scorer.get("/readyz").status_code == 503, "a worker that is not ready", 15)
    assert "full" in scorer.get("/readyz").json()["detail"]
    assert scorer.get("/healthz").status_code == 200


def test_a_full_store_can_be_suspended_and_resumed(full):
    """Room is kept for the switch, however often it is used."""
    scorer, _ = full

    for _ in range(20):
        assert scorer.switch("suspend").status_code == 200
        assert scorer.post("/v1/decisions", transaction(300_000)).json()["type"].endswith("suspended")
        assert scorer.switch("resume").status_code == 200


def test_labels_and_guard_go_on_in_a_full_store(full):
    """Labels of earlier decisions are stored and reach the guard, which can write."""
    scorer, answers = full
    # As many as half of the reserve of half a megabyte takes for certain.
    decided = [number for number, answer in answers.items() if answer.status == 200][:500]

    for start in range(0, len(decided), 100):
        labels = [label(number) for number in decided[start : start + 100]]
        assert scorer.post("/v1/labels", {"labels": labels}).status_code == 200
    wait_for(lambda: judged(scorer) == len(decided), "a guard that has judged all labels", 30)
