"""Late events: their own time counts, what is not known of it is null and said, and very old ones are refused."""

import numpy as np
import pytest

from antifraud.clock import DAY_SECONDS, HOUR_SECONDS
from antifraud.features.buckets import bucket_of
from antifraud.features.registry import FEATURE_NAMES
from tests.serving.scene import CUSTOMER, DAY, NO_LABELS, NOON, TERMINAL, export_state, stored
from tests.serving.test_decisions import assert_problem


def decided(scorer, number):
    """The stored decision, and its features by name."""
    decision, entry = stored(scorer.store, number)
    return decision, dict(zip(FEATURE_NAMES, np.frombuffer(entry.vector, "<f8").tolist(), strict=True))


def test_an_old_event_is_refused_and_a_repeat_of_it_is_not(scorer):
    """Ten days after its event a decision is still repeated; a new id of the same time is refused."""
    first = scorer.decide(transaction_id=1, event_time=NOON)
    scorer.clock.time = NOON + 10 * DAY_SECONDS

    assert scorer.decide(transaction_id=2, event_time=NOON).status_code == 200
    scorer.clock.time += 1
    answer = scorer.decide(transaction_id=3, event_time=NOON)

    assert scorer.decide(transaction_id=1, event_time=NOON).data == first.data
    assert_problem(answer, 422, "invalid", "event_time")
    assert answer.json["detail"] == (
        "event_time is not valid: expected UTC seconds from 10 days ago to 5 minutes ahead"
    )
    assert scorer.store.sizes()["decisions"] == 2


def test_another_payload_of_an_old_id_is_a_conflict(scorer):
    """The id is looked up before the age is."""
    scorer.decide(transaction_id=1, event_time=NOON)
    scorer.clock.time = NOON + 11 * DAY_SECONDS

    assert_problem(scorer.decide(transaction_id=1, amount=5), 409, "other-payload", "transaction_id")


def test_a_suspended_service_looks_at_no_time(scorer):
    """While suspended, an old event gets the answer of every other event."""
    scorer.switch("suspend", 1)

    assert_problem(scorer.decide(event_time=NOON - 11 * DAY_SECONDS), 503, "suspended")


def test_a_late_event_sees_only_its_own_time(scorer, home):
    """An event of yesterday noon sees the transactions up to then, although later ones have come before it."""
    export_state(home / "state", DAY - 3, {}, sequence=2, moved_back=True)
    scorer.poller.poll()
    yesterday = NOON - DAY_SECONDS
    times = [yesterday - 600, yesterday + HOUR_SECONDS, NOON - 3_600]
    for number, time in enumerate(times, 1):
        assert scorer.decide(transaction_id=number, event_time=time, amount=1_000).status_code == 200

    answer = scorer.decide(transaction_id=9, event_time=yesterday)

    _, features = decided(scorer, 9)
    assert answer.json["reasons"] == []
    assert [features[f"customer_{days}d_count"] for days in (1, 7, 30)] == [1, 1, 1]
    assert (features["customer_since_last"], features["terminal_since_last"]) == (600, 600)


def test_out_of_order_within_an_hour_since_last_is_not_negative(scorer):
    """The transaction of 12:03 came first, so at 12:00 the time since the last one is not known."""
    scorer.decide(transaction_id=1, event_time=NOON + 200)

    scorer.decide(transaction_id=2, event_time=NOON)

    _, features = decided(scorer, 2)
    assert features["customer_30d_count"] == 1
    assert np.isnan(features["customer_since_last"])


@pytest.mark.parametrize(("days_late", "known"), [(1, [1, 2, None]), (2, [None, None, None])])
def test_what_closed_days_hide_is_null_and_said(scorer, home, days_late, known):
    """On the cut-off day only the longest window is hidden; inside the closed days all windows are."""
    early, late = DAY - 2, DAY - 1
    hours = {late * 24 + 3: bucket_of(late * DAY_SECONDS + 3 * HOUR_SECONDS, 500)}
    days = {early - 3: bucket_of((early - 3) * DAY_SECONDS, 300), late: next(iter(hours.values()))}
    if days_late == 2:
        days[early] = bucket_of(early * DAY_SECONDS + 23 * HOUR_SECONDS, 400)
    export_state(home / "state", late, {CUSTOMER: (days, hours, NO_LABELS)}, sequence=2)
    scorer.poller.poll()

    answer = scorer.decide(event_time=NOON - days_late * DAY_SECONDS)

    decision, features = decided(scorer, 1)
    counts = [features[f"customer_{window}d_count"] for window in (1, 7, 30)]
    assert [None if np.isnan(count) else count for count in counts] == known
    assert np.isnan(features["terminal_fraud_7d"])
    assert answer.json["reasons"] == ["day_covered_by_state", "history_incomplete"]
    assert not decision.history_complete


def test_an_event_after_the_cutoff_has_its_whole_history(scorer):
    """Its decision says nothing of a gap, and no input of its features is unknown."""
    scorer.decide(event_time=DAY * DAY_SECONDS, terminal=TERMINAL)

    decision, features = decided(scorer, 1)
    assert decision.history_complete
    assert (features["terminal_fraud_7d"], features["customer_30d_count"]) == (0, 0)
