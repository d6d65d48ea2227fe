"""Live labels count for their terminal from the hour after they were learnt, until the feed's own labels do."""

import pytest

from antifraud.api.fields import TransactionId
from antifraud.api.labels import LabelIn
from antifraud.clock import DAY_SECONDS, HOUR_SECONDS
from antifraud.features.labels import Change, Changes, LabelHistory
from antifraud.keys.pseudonym import tokenise
from tests.serving.scene import DAY, KEY, NOON, TERMINAL, export_state, view_of
from tests.serving.test_late_events import decided

HOUR = NOON // HOUR_SECONDS
DUE = NOON + 7 * DAY_SECONDS
ELSEWHERE = tokenise(KEY, "terminal", 120_000_000_018)


@pytest.fixture
def numbers():
    """Ids of further transactions."""
    return iter(range(100, 1_000))


def post(scorer, *labels, status=200):
    """Post (id, status, learned_at) as labels."""
    bodies = [dict(zip(("transaction_id", "status", "learned_at"), label, strict=True)) for label in labels]
    answer = scorer.post("/v1/labels", {"labels": bodies})
    assert answer.status_code == status
    return answer.json


def seen(scorer, number, time, terminal=TERMINAL):
    """The view of an event at `time`: frauds of 1, 7 and 30 days, and the streak."""
    scorer.clock.time = max(scorer.clock.time, time)
    assert scorer.decide(transaction_id=number, event_time=time, terminal=terminal).status_code == 200
    _, features = decided(scorer, number)
    return [features[f"terminal_{name}"] for name in ("fraud_1d", "fraud_7d", "fraud_30d", "streak_fraud")]


def counted(scorer, database):
    with view_of(scorer.store) as view:
        return view.count(database)


def test_a_label_counts_from_the_next_hour_on(scorer, numbers):
    """A fraud learnt at noon counts at one o'clock, at its own terminal; a day later it leaves the shortest window."""
    scorer.decide(transaction_id=1)
    post(scorer, (1, "fraud", NOON))

    assert seen(scorer, next(numbers), NOON + HOUR_SECONDS - 1) == [0, 0, 0, 0]
    assert seen(scorer, next(numbers), NOON + HOUR_SECONDS) == [1, 1, 1, 1]
    assert seen(scorer, next(numbers), NOON + HOUR_SECONDS, ELSEWHERE) == [0, 0, 0, 0]
    assert seen(scorer, next(numbers), NOON + DAY_SECONDS + HOUR_SECONDS) == [0, 1, 1, 1]


def test_a_late_event_does_not_see_a_label_of_its_own_hour(scorer, numbers):
    """The label has come before the event, and was learnt in the event's hour: it does not count."""
    scorer.decide(transaction_id=1)
    scorer.clock.time = NOON + DAY_SECONDS
    post(scorer, (1, "fraud", NOON + 2 * HOUR_SECONDS))

    assert seen(scorer, next(numbers), NOON + 3 * HOUR_SECONDS - 1) == [0, 0, 0, 0]
    assert seen(scorer, next(numbers), NOON + 3 * HOUR_SECONDS) == [1, 1, 1, 1]


def test_a_correction_takes_the_earlier_label_back(scorer, numbers):
    """A fraud that turns out legitimate leaves the windows and ends the streak, in whichever order both have come."""
    scorer.decide(transaction_id=1)
    scorer.clock.time = NOON + 5 * HOUR_SECONDS
    post(scorer, (1, "legitimate", NOON + 2 * HOUR_SECONDS))
    post(scorer, (1, "fraud", NOON))

    assert seen(scorer, next(numbers), NOON + HOUR_SECONDS) == [1, 1, 1, 1]
    assert seen(scorer, next(numbers), NOON + 3 * HOUR_SECONDS) == [0, 0, 0, 0]


def test_a_repeated_request_changes_nothing(scorer, numbers):
    """A fraud is corrected within the same second; its repeat is accepted and does not take the correction back."""
    scorer.decide(transaction_id=1)
    post(scorer, (1, "fraud", NOON))
    post(scorer, (1, "legitimate", NOON))

    assert post(scorer, (1, "fraud", NOON)) == {"accepted": 1, "unknown_transactions": []}

    assert seen(scorer, next(numbers), NOON + HOUR_SECONDS) == [0, 0, 0, 0]
    assert counted(scorer, "labels") == 2


def test_the_feeds_label_takes_over_when_it_is_due(scorer, home, numbers):
    """Up to the hour in which the feed tells the label, the client's counts; then the feed's, and only it."""
    scorer.decide(transaction_id=1)
    scorer.clock.time = NOON + 2 * DAY_SECONDS
    post(scorer, (1, "fraud", NOON + DAY_SECONDS))
    due = DUE // HOUR_SECONDS
    labels = LabelHistory(DAY + 6, changes=Changes.of([Change(due, due, 1, 1)]))
    export_state(home / "state", DAY + 6, {TERMINAL: ({}, {}, labels)}, sequence=2)
    scorer.poller.poll()

    assert seen(scorer, next(numbers), DUE + HOUR_SECONDS - 1) == [0, 1, 1, 1]
    assert seen(scorer, next(numbers), DUE + HOUR_SECONDS) == [1, 1, 1, 1]


def test_a_label_learnt_when_the_feed_tells_it_is_stored_and_does_not_count(scorer, numbers):
    """The client is a week late: the label waits for the guard, and no feature changes."""
    scorer.decide(transaction_id=1)
    scorer.clock.time = DUE
    post(scorer, (1, "fraud", DUE))

    assert counted(scorer, "labels") == 1
    assert seen(scorer, next(numbers), DUE + HOUR_SECONDS) == [0, 0, 0, 0]


def test_the_label_delay_is_that_of_the_state(scorer, home, numbers):
    """A state of a lake with a delay of one day ends the label's time after one day, if it has the transaction."""
    scorer.decide(transaction_id=1)
    post(scorer, (1, "fraud", NOON))
    for cutoff, after_the_delay in ((DAY - 1, 1), (DAY, 0)):
        export_state(home / "state", cutoff, {}, sequence=2 + cutoff, label_delay_days=1)
        scorer.poller.poll()

        assert seen(scorer, next(numbers), NOON + DAY_SECONDS)[1] == 1
        assert seen(scorer, next(numbers), NOON + DAY_SECONDS + HOUR_SECONDS)[1] == after_the_delay


def test_labels_that_no_event_can_see_are_removed(scorer, home):
    """After seventeen days no event can see a label, if the state tells the feed's: the next poll removes it."""
    scorer.decide(transaction_id=1)
    scorer.decide(transaction_id=2, terminal=ELSEWHERE)
    post(scorer, (1, "fraud", NOON), (2, "fraud", NOON))
    scorer.clock.time = NOON + 17 * DAY_SECONDS
    scorer.decide(transaction_id=3, event_time=scorer.clock.time)
    post(scorer, (3, "legitimate", scorer.clock.time))
    assert counted(scorer, "live_labels") == 3

    scorer.clock.time += HOUR_SECONDS
    post(scorer, (3, "fraud", scorer.clock.time))
    assert counted(scorer, "live_labels") == 3  # the state is too old to tell the feed's label of the first

    export_state(home / "state", DAY + 16, {}, sequence=2)
    scorer.poller.poll()
    post(scorer, (3, "legitimate", scorer.clock.time))

    # The label of the other terminal has gone, too, although nothing is heard of it any more.
    assert counted(scorer, "live_labels") == 1
    assert counted(scorer, "labels") == 5


def test_without_a_state_labels_are_stored_and_none_is_removed(scorer):
    """A worker that has not loaded a state does not know when labels are due."""
    scorer.decide(transaction_id=1)
    scorer.services.loaded = None
    scorer.clock.time = NOON + 90 * DAY_SECONDS

    post(scorer, (1, "fraud", NOON))

    assert counted(scorer, "live_labels") == 1


def test_a_refused_request_leaves_no_label(scorer):
    """The second label is malformed, so the first one is not stored either."""
    scorer.decide(transaction_id=1)

    post(scorer, (1, "fraud", NOON), (1, "no status", NOON), status=422)

    assert (counted(scorer, "labels"), counted(scorer, "live_labels")) == (0, 0)


def test_a_rejected_label_does_not_count(scorer):
    """The second label is impossible; the first one of the same request counts for its terminal."""
    scorer.decide(transaction_id=1)

    answer = post(scorer, (1, "fraud", NOON), (1, "fraud", NOON + 1))

    assert (answer["accepted"], [each["index"] for each in answer["rejected"]]) == (1, [1])
    assert (counted(scorer, "labels"), counted(scorer, "live_labels")) == (1, 1)


def test_two_clients_are_two_sources(scorer):
    """The same label of another client is no repeat."""
    scorer.decide(transaction_id=1)
    for source in ("till", "bank", "till"):
        labels = [LabelIn(TransactionId("1"), "fraud", NOON)]
        assert scorer.store.add_labels("", labels, source=source, now=NOON, live_hour=HOUR - 24).unknown == []

    assert counted(scorer, "labels") == 2
