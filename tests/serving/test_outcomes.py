"""Outcomes over HTTP: the traces of a declined payment in later decisions, and the answers to clients."""

import numpy as np
import pytest

from antifraud.clock import DAY_SECONDS
from antifraud.features.registry import FEATURE_NAMES
from tests.serving.conftest import furnish
from tests.serving.scene import CUSTOMER, DAY, NO_LABELS, NOON, Scorer, export_state, stored
from tests.serving.test_decisions import assert_problem


def told(scorer, *outcomes):
    """POST outcomes, given as transaction id, outcome and time."""
    names = ("transaction_id", "outcome", "happened_at")
    return scorer.post("/v1/outcomes", {"outcomes": [dict(zip(names, each, strict=True)) for each in outcomes]})


def vector(scorer, number):
    return stored(scorer.store, number)[1].vector


def feature(scorer, number, name):
    return np.frombuffer(vector(scorer, number), "<f8")[FEATURE_NAMES.index(name)]


def test_a_declined_payment_leaves_no_trace_in_later_vectors(scorer, tmp_path_factory, two_releases):
    """A decision after the decline has the vector of a world in which the payment was never made."""
    alone = Scorer(furnish(tmp_path_factory.mktemp("alone"), two_releases))
    alone.poller.poll()
    try:
        for each in (scorer, alone):
            each.decide(transaction_id=1, event_time=NOON - 900, amount=500)
        scorer.decide(transaction_id=2, event_time=NOON - 600, amount=90_000)
        scorer.decide(transaction_id=3, event_time=NOON - 300, customer="k1." + "c" * 22)
        assert feature(scorer, 3, "terminal_30d_count") == 2
        assert told(scorer, (2, "declined", NOON - 300), (3, "declined", NOON - 300)).json["removed"] == 2

        for each in (scorer, alone):
            each.decide(transaction_id=4, event_time=NOON)

        assert vector(scorer, 4) == vector(alone, 4)
        assert feature(scorer, 4, "customer_30d_count") == 1
    finally:
        alone.close()


def test_each_outcome_is_answered(scorer):
    """Counts, unknown ids and refusals by name; nothing of a request is lost because a part of it is wrong."""
    scorer.decide(transaction_id=1)
    scorer.decide(transaction_id=2)

    answer = told(
        scorer,
        (1, "declined", NOON), (1, "declined", NOON), (1, "authorised", NOON + 1), (2, "authorised", NOON - 1),
        (3, "declined", NOON), (2, "challenge_passed", NOON), (2, "challenge_failed", NOON),
    )  # fmt: skip

    assert answer.json == {
        "accepted": 4, "removed": 1, "restored": 1, "late": 0, "repeated": 1, "unknown_transactions": ["3"],
        "rejected": [
            {"index": 3, "transaction_id": "2", "fault": "before_event",
             "reason": "happened_at lies before the event: correct it"},
            {"index": 6, "transaction_id": "2", "fault": "contradiction",
             "reason": "another outcome of the same second says the opposite: correct one of the times"},
        ],
    }  # fmt: skip
    text = scorer.services.metrics.render().decode()
    for labels, count in (
        ('effect="removed",outcome="declined"', 1), ('effect="repeated",outcome="declined"', 1),
        ('effect="restored",outcome="authorised"', 1), ('effect="none",outcome="challenge_passed"', 1),
        ('effect="unknown",outcome=""', 1), ('effect="before_event",outcome=""', 1),
        ('effect="contradiction",outcome=""', 1),
    ):  # fmt: skip
        assert f"antifraud_outcomes_total{{{labels}}} {count}.0" in text
    assert scorer.get("/v1/status").json["counts"]["outcomes"] == 3


def test_a_decline_after_the_cutoff_is_late(scorer, home):
    """Until the state of its day is in use a decline is applied, even past midnight; afterwards it is only stored."""
    for number in (1, 2):
        scorer.decide(transaction_id=number, event_time=NOON + number)
    scorer.clock.time = NOON + DAY_SECONDS
    assert told(scorer, (1, "declined", NOON + 9)).json["removed"] == 1
    export_state(home / "state", DAY, {CUSTOMER: ({}, {}, NO_LABELS)}, sequence=2)
    scorer.poller.poll()

    answer = told(scorer, (2, "declined", NOON + 9)).json

    assert (answer["accepted"], answer["removed"], answer["late"]) == (1, 0, 1)
    assert [outcome.effect for _, outcome in scorer.store.outcomes.read(1, 9)] == ["removed", "late"]


def test_a_payment_that_was_never_counted_cannot_leave(scorer):
    """A late event of a closed day is in no live record, so its decline is late, too."""
    scorer.decide(transaction_id=1, event_time=NOON - DAY_SECONDS)

    assert told(scorer, (1, "declined", NOON)).json["late"] == 1


def test_a_suspended_service_takes_outcomes(scorer):
    """Payments go on without the switch, and so do their outcomes."""
    scorer.decide(transaction_id=1)
    scorer.switch("suspend", 1)

    assert told(scorer, (1, "declined", NOON)).json["removed"] == 1


def test_without_a_state_outcomes_wait(home):
    """Which days are closed is not known yet: the client sends the same again."""
    running = Scorer(home)
    running.poller.poll()
    running.services.loaded = None

    assert_problem(told(running, (1, "declined", NOON)), 503, "not-ready")
    running.close()


INVALID = [
    ({"outcomes": []}, "outcomes"),
    ({"outcomes": [{"transaction_id": 1, "outcome": "refunded", "happened_at": NOON}]}, "outcomes[0].outcome"),
    ({"outcomes": [{"transaction_id": 1, "outcome": "declined"}]}, "outcomes[0].happened_at"),
    ({"outcomes": [{"transaction_id": 1, "outcome": "declined", "happened_at": "now"}]}, "outcomes[0].happened_at"),
    ({"outcomes": [{"transaction_id": "a b", "outcome": "declined", "happened_at": 1}]}, "outcomes[0].transaction_id"),
    ({"outcomes": [{"transaction_id": 1, "outcome": "declined", "happened_at": NOON}] * 1_001}, "outcomes"),
]


@pytest.mark.parametrize(("body", "field"), INVALID)
def test_a_wrong_body_changes_nothing(scorer, body, field):
    """The field at fault is named, and no outcome of the request is stored."""
    assert_problem(scorer.post("/v1/outcomes", body), 422, "invalid", field)
    assert scorer.store.outcomes.newest() == 0


def test_outcomes_need_the_scope_of_decisions(scorer):
    """Whoever decides payments tells what became of them."""
    body = {"outcomes": [{"transaction_id": 1, "outcome": "declined", "happened_at": NOON}]}

    assert_problem(scorer.post("/v1/outcomes", body, caller="watcher"), 403, "forbidden")
