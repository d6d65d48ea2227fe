"""The counts of the guard beside its cohorts: missed frauds, minutes, and terminals; on the real store."""

import pytest

from antifraud.clock import DAY_SECONDS
from antifraud.killswitch.cohorts import CohortCounts
from antifraud.killswitch.detectors.flagged_share import Minute
from antifraud.killswitch.detectors.missed_rate import MissedFraud
from serving.store.customers import digest_of
from serving.store.guard_port import StoredFraud, StoredTerminal
from serving.store.port import Inspection
from tests.serving.cohort_scene import DELAY, FIRST_DAY, decide_day, label, new_store
from tests.serving.port_scene import GONE, commit, put_label, remove_all
from tests.serving.scene import NOON, require_consistent

NOW = NOON + 61
"""A minute after the decisions of `commit`, which are made one second after noon."""
MINUTE = (NOON + 1) // 60
EVER = 1 << 40
CARD, TILL = digest_of("k1.c").hex(), digest_of("k1.t0").hex()


@pytest.fixture
def store(tmp_path):
    opened = new_store(tmp_path)
    yield opened
    require_consistent(opened)
    opened.close()


def count(store):
    """Let the guard count all decisions and labels."""
    while store.count_arrivals(DELAY, 250) or store.take_in_labels(DELAY, 200):
        pass


def missed(store):
    """The missed amount by day, as the cohorts have it."""
    return {cohort.timely.day: cohort.missed for cohort in store.cohorts()}


def close(store, *days):
    """Close days, whatever they hold."""
    for day in days:
        cohorts = [cohort for cohort in store.cohorts() if cohort.timely.day == day]
        assert store.commit_inspection(Inspection(store.closed_day(), day, cohorts))


def test_a_fraud_that_passed_is_missed_and_a_flagged_one_is_not(store):
    """Amounts are 100 each; one fraud of either kind, and a legitimate payment."""
    ids = decide_day(store, FIRST_DAY, 10, 1, terminals=1)
    label(store, [ids[0], ids[5]], "fraud", FIRST_DAY + 2)
    label(store, [ids[6]], "legitimate", FIRST_DAY + 2)
    count(store)

    assert missed(store) == {FIRST_DAY: 100.0}
    assert store.missed_frauds(EVER) == [StoredFraud(0, MissedFraud(FIRST_DAY, 100.0, CARD, TILL))]


def test_a_label_of_a_sample_stands_for_more_missed_fraud(store):
    """At a propensity of 1/8, a fraud of 100 stands for 800."""
    (name,) = decide_day(store, FIRST_DAY, 1, 0)
    label(store, [name], "fraud", FIRST_DAY + 2, propensity=0.125)
    count(store)

    assert missed(store) == {FIRST_DAY: 800.0}
    assert [each.fraud.amount for each in store.missed_frauds(EVER)] == [800.0]


def test_later_labels_correct_the_missed_amount_after_the_close_too(store):
    """A fraud of the first day turns out legitimate on the tenth, and another one turns up."""
    ids = decide_day(store, FIRST_DAY, 2, 0)
    label(store, [ids[0]], "fraud", FIRST_DAY + 2)
    count(store)
    close(store, FIRST_DAY)
    assert missed(store) == {FIRST_DAY: 100.0}

    label(store, [ids[0]], "legitimate", FIRST_DAY + 10)
    count(store)
    assert missed(store) == {FIRST_DAY: 0.0}
    assert store.missed_frauds(EVER) == []

    label(store, [ids[1]], "fraud", FIRST_DAY + 11)
    count(store)
    assert missed(store) == {FIRST_DAY: 100.0}


def test_a_day_of_episodes_has_what_was_known_then(store):
    """A fraud that came on day 2 and went on day 20 was missed in between, however late one asks."""
    (name,) = decide_day(store, FIRST_DAY, 1, 0)
    label(store, [name], "fraud", FIRST_DAY + 2)
    label(store, [name], "legitimate", FIRST_DAY + 20)
    count(store)

    known = [len(store.missed_frauds((FIRST_DAY + day) * DAY_SECONDS)) for day in (2, 3, 20, 21)]
    assert known == [0, 1, 1, 0]


def test_the_customer_of_a_fraud_is_known_after_it_was_shipped(store):
    """Its entry has gone, and its label comes later; the digest goes with the decision."""
    (name,) = decide_day(store, FIRST_DAY, 1, 0, terminals=1)
    store.release(1, 1)
    label(store, [name], "fraud", FIRST_DAY + 2)
    count(store)
    assert [each.fraud for each in store.missed_frauds(EVER)] == [MissedFraud(FIRST_DAY, 100.0, CARD, TILL)]

    close(store, FIRST_DAY)
    remove_all(store, GONE)
    with store._environment.read() as view:
        assert (view.count("customers"), view.count("stubs")) == (0, 0)


def test_missed_frauds_go_when_their_episodes_are_over(store):
    """Day 28 is the first whose close needs the first day no more; then its counts may go, too."""
    (name,) = decide_day(store, FIRST_DAY, 1, 0)
    label(store, [name], "fraud", FIRST_DAY + 2)
    count(store)
    close(store, FIRST_DAY, FIRST_DAY + 27)
    remove_all(store, GONE)
    assert (len(store.missed_frauds(EVER)), len(store.cohorts())) == (1, 1)

    close(store, FIRST_DAY + 28)
    remove_all(store, GONE)
    assert (store.missed_frauds(EVER), store.cohorts()) == ([], [])


def test_each_terminal_of_a_day_is_counted(store):
    """Four decisions at two terminals; a fraud and a legitimate label at the first one."""
    ids = decide_day(store, FIRST_DAY, 4, 1, terminals=2)
    label(store, [ids[0]], "legitimate", FIRST_DAY + 1)
    label(store, [ids[2]], "fraud", FIRST_DAY + 1)
    count(store)

    first = CohortCounts(FIRST_DAY, "", 2, 1, legit_flagged=1.0, fraud_passed=1.0, squares=1.0)
    found = store.terminals_of(FIRST_DAY)
    assert sorted(found, key=str) == sorted(
        [StoredTerminal(0, first), StoredTerminal(0, CohortCounts(FIRST_DAY, "", 2, 0))], key=str
    )


def test_terminals_have_what_was_known_in_time_and_go_after_the_close(store):
    """A label of the eighth day changes nothing; the counts last as long as the day is open."""
    ids = decide_day(store, FIRST_DAY, 1, 1)
    decide_day(store, FIRST_DAY, 1, 1, lag=DELAY + 1)
    label(store, ids, "legitimate", FIRST_DAY + DELAY + 1)
    count(store)
    remove_all(store, GONE)
    assert store.terminals_of(FIRST_DAY) == [StoredTerminal(0, CohortCounts(FIRST_DAY, "", 1, 1))]

    close(store, FIRST_DAY)
    remove_all(store, GONE)
    assert store.terminals_of(FIRST_DAY) == []


def test_a_minute_is_counted_when_it_is_over_and_once(store):
    """Three decisions of a minute, one of them flagged; a second look finds nothing."""
    for number in range(3):
        commit(store, number, flagged=number == 0, customer=f"k1.c{number}")

    assert (store.count_minute(NOON + 59), store.minutes()) == (False, {})
    assert (store.count_minute(NOW), store.minutes()) == (True, {MINUTE: Minute(3, 1)})
    assert (store.count_minute(NOW), store.minutes()) == (False, {MINUTE: Minute(3, 1)})


def test_one_customer_and_one_terminal_count_a_few_times(store):
    """Two decisions a minute by customer, ten by terminal; the customers of shipped decisions are known, too."""
    for number in range(20):
        commit(store, number, flagged=True, customer="k1.burst", terminal=f"k1.t{number}")
    for number in range(20, 40):
        commit(store, number, flagged=True, customer=f"k1.c{number}", terminal="k1.giant")
    store.release(1, 15)

    assert store.count_minute(NOW)
    assert store.minutes() == {MINUTE: Minute(12, 12)}


def test_minutes_are_counted_one_by_one_and_old_ones_go(store):
    """A minute of an hour and a minute ago is not counted, and a counted one goes when it is as old."""
    commit(store, 1, time=NOON - 3_700)
    commit(store, 2, time=NOON - 1_800)
    commit(store, 3, time=NOON)

    assert [store.count_minute(NOW) for _ in range(3)] == [True, True, False]
    assert sorted(store.minutes()) == [MINUTE - 30, MINUTE]
    commit(store, 4, time=NOON + 1_900)
    assert store.count_minute(NOON + 1_990)
    assert sorted(store.minutes()) == [MINUTE, MINUTE + 31]


def test_a_decision_from_a_clock_that_is_ahead_holds_no_other_up(store):
    """One of two workers has a clock that is an hour fast; its decision is in no minute."""
    commit(store, 1, time=NOON + 3_600)
    commit(store, 2, time=NOON)

    assert store.count_minute(NOW)
    assert store.minutes() == {MINUTE: Minute(1, 0)}


def test_the_alarms_are_kept_with_the_switch_or_not_at_all(store):
    """An inspection with a stale reading keeps neither."""
    put = Inspection(store.closed_day(), alarms=b"{}")
    stale = Inspection(5, alarms=b'{"loss_budget": {}}')

    assert [store.commit_inspection(stale), store.commit_inspection(put)] == [False, True]
    assert store.reports()["alarms"] == b"{}"


def test_nothing_is_counted_without_a_label_that_counts(store):
    """A label of a payment with an unknown status is no fraud and no missed amount."""
    commit(store, 1)
    put_label(store, 1, status="unknown")
    count(store)

    assert store.missed_frauds(EVER) == []
