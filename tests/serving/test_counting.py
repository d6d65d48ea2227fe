"""The guard counts each decision and each label once, whenever it is killed, and closes what was known in time."""

import pytest

from antifraud.clock import DAY_SECONDS
from antifraud.killswitch.cohorts import CohortCounts
from antifraud.policy.ruling import Ruling
from serving.guard.closing import make_inspection
from serving.guard.known import CLOSING_SECONDS, Known
from serving.guard.watch import inspect_evidence
from serving.store.port import StoredCohort
from tests.serving.cohort_scene import FIRST_DAY, decide_day, guard_settings, label, look, new_store, subject
from tests.serving.port_scene import GONE, remove_all
from tests.serving.scene import require_consistent


@pytest.fixture
def store(tmp_path):
    opened = new_store(tmp_path)
    yield opened
    require_consistent(opened)
    opened.close()


@pytest.fixture
def settings(tmp_path):
    return guard_settings(tmp_path)


def counts(store, which="timely"):
    """The counts of the one cohort."""
    (cohort,) = store.cohorts()
    return getattr(cohort, which)


def test_every_decision_counts_and_labels_are_added_to_it(store, settings):
    """Ten decisions, four of them flagged; two labels of each kind and one unknown."""
    ids = decide_day(store, FIRST_DAY, 10, 4)
    label(store, [ids[0], ids[5]], "legitimate", FIRST_DAY + 1)
    label(store, [ids[1], ids[6]], "fraud", FIRST_DAY + 1)
    label(store, [ids[2]], "unknown", FIRST_DAY + 1)
    look(store, settings, FIRST_DAY + 2)

    assert store.cohorts() == [
        StoredCohort(
            0, *[CohortCounts(FIRST_DAY, "first", 10, 4, 1.0, 1.0, 1.0, 1.0, squares=1.0)] * 2, missed=100.0
        )
    ]  # fmt: skip
    assert (store.sizes()["pending"], store.sizes()["judged"]) == (0, 5)


def test_a_decision_of_an_observing_service_counts_as_if_it_had_flagged(store, settings):
    """In OBSERVE nobody is flagged, and the would-be flags are counted."""
    decide_day(store, FIRST_DAY, 10, 4, mode="OBSERVE")
    look(store, settings, FIRST_DAY + 2)

    assert (counts(store).decided, counts(store).flagged) == (10, 4)


def test_the_label_that_was_learnt_last_counts(store, settings):
    """A fraud becomes legitimate, and an older label that arrives later changes nothing."""
    (name,) = decide_day(store, FIRST_DAY, 1, 1)
    label(store, [name], "fraud", FIRST_DAY + 1)
    look(store, settings, FIRST_DAY + 2)
    assert (counts(store).fraud_flagged, counts(store).legit_flagged) == (1.0, 0.0)

    label(store, [name], "legitimate", FIRST_DAY + 3)
    label(store, [name], "fraud", FIRST_DAY + 2, received=FIRST_DAY + 4)
    look(store, settings, FIRST_DAY + 5)

    assert (counts(store).fraud_flagged, counts(store).legit_flagged) == (0.0, 1.0)


def test_a_label_stands_for_as_many_as_its_propensity_says(store, settings):
    """At a propensity of 1/8, one label stands for eight decisions, and its square for 64."""
    (name,) = decide_day(store, FIRST_DAY, 1, 1)
    label(store, [name], "legitimate", FIRST_DAY + 1, propensity=0.125)
    look(store, settings, FIRST_DAY + 2)

    assert (counts(store).legit_flagged, counts(store).squares) == (8.0, 64.0)


@pytest.mark.parametrize(("let_through", "weight"), [(True, 8.0), (False, 1.0)])
def test_a_label_of_the_control_share_stands_for_its_kind(store, settings, let_through, weight):
    """The policy lets an eighth of its flags through; a label of one that stayed blocked stands for itself."""
    ruling = Ruling("flag", drawn=True, let_through=let_through)
    (name,) = decide_day(store, FIRST_DAY, 1, 1, ruling=ruling, control_share=0.125)
    label(store, [name], "legitimate", FIRST_DAY + 1)
    look(store, settings, FIRST_DAY + 2)

    assert (counts(store).flagged, counts(store).legit_flagged) == (1, weight)


def test_what_comes_after_the_close_changes_no_evidence(store, settings):
    """A label and a decision of the eighth day count as the latest, not as timely, also before the guard closes."""
    ids = decide_day(store, FIRST_DAY, 10, 4)
    label(store, ids[:2], "legitimate", FIRST_DAY + 7)
    label(store, ids[2:4], "legitimate", FIRST_DAY + 8)
    decide_day(store, FIRST_DAY, 1, 1, lag=8)
    look(store, settings, FIRST_DAY + 20)

    assert (counts(store).decided, counts(store).legit_flagged) == (10, 2.0)
    assert (counts(store, "latest").decided, counts(store, "latest").legit_flagged) == (11, 4.0)
    assert (subject(store)["legit"], subject(store)["flagged"]) == (8, 2)


def test_a_day_closes_when_the_delay_of_its_last_second_is_over(store, settings):
    """Not a second earlier than the slack for commits under way allows."""
    decide_day(store, FIRST_DAY, 10, 0)
    due = (FIRST_DAY + 8) * DAY_SECONDS + CLOSING_SECONDS

    inspect_evidence(store, settings, due - 1)
    assert store.closed_day() == -1
    inspect_evidence(store, settings, due)
    assert store.closed_day() == FIRST_DAY


def fill(store):
    """Three days with labels, of which the guard knows nothing yet."""
    for day in range(FIRST_DAY, FIRST_DAY + 3):
        ids = decide_day(store, day, 700, 60)
        label(store, ids[:50], "legitimate", day + 3)
        label(store, ids[50:60], "fraud", day + 9)


class Killed(Exception):
    """Stands for the end of the guard's process."""


class Mortal:
    """A store that kills the guard before its n-th change, or right after it."""

    def __init__(self, store, steps, *, after):
        self._store, self._steps, self._after = store, steps, after

    def __getattr__(self, name):
        operation = getattr(self._store, name)
        if name not in ("count_arrivals", "count_minute", "take_in_labels", "commit_inspection", "report"):
            return operation

        def mortal(*arguments):
            self._steps -= 1
            if self._steps == 0 and not self._after:
                raise Killed
            result = operation(*arguments)
            if self._steps == 0:
                raise Killed
            return result

        return mortal


def verdict(store):
    """Everything that the guard has found out."""
    return store.evidence(), store.closed_day(), store.cohorts(), store.switch().mode, store.sizes()["judged"]


@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
def test_a_guard_killed_at_any_step_says_the_same(tmp_path, after):
    """Its successor ends with the counts, the evidence and the switch of a guard that was never killed."""
    undisturbed = new_store(tmp_path / "undisturbed")
    fill(undisturbed)
    look(undisturbed, guard_settings(tmp_path / "undisturbed"), FIRST_DAY + 12)
    disturbed, settings = new_store(tmp_path / "disturbed"), guard_settings(tmp_path / "disturbed")
    fill(disturbed)

    kills = 0
    for steps in range(1, 40):
        try:
            look(Mortal(disturbed, 1 + steps % 4, after=after), settings, FIRST_DAY + 12)
        except Killed:
            kills += 1
    look(disturbed, settings, FIRST_DAY + 12)

    assert kills >= 5
    assert verdict(disturbed) == verdict(undisturbed)
    for each in (undisturbed, disturbed):
        require_consistent(each)
        each.close()


def test_of_two_guards_one_closes_a_day(store, settings):
    """Both have read the same; the second finds another store than it has read, and changes nothing."""
    decide_day(store, FIRST_DAY, 10, 0)
    inspect_evidence(store, settings, FIRST_DAY * DAY_SECONDS)
    now = (FIRST_DAY + 9) * DAY_SECONDS
    first, second = (make_inspection(Known.read(store, 7, now), FIRST_DAY, settings, now) for _ in range(2))

    assert [store.commit_inspection(each) for each in (first, second)] == [True, False]
    assert subject(store)["days"] == 1


def test_what_the_guard_has_not_counted_stays(store, settings):
    """Shipped decisions and labels go after their day has closed, however old they are; counts after its episodes."""
    ids = decide_day(store, FIRST_DAY, 10, 4)
    store.release(1, 10)
    remove_all(store, GONE)
    assert store.sizes()["decisions"] == 10
    label(store, ids, "legitimate", FIRST_DAY + 1)
    look(store, settings, FIRST_DAY + 2)
    remove_all(store, GONE)
    assert (store.sizes()["decisions"], store.sizes()["labels"]) == (10, 10)

    look(store, settings, FIRST_DAY + 9)

    assert remove_all(store, GONE) > 0
    assert (store.sizes()["decisions"], store.sizes()["labels"]) == (0, 10)
    assert [cohort.timely.decided for cohort in store.cohorts()] == [10]
    store.shipping.release_labels(10)
    assert remove_all(store, GONE) == 10
    assert store.sizes()["labels"] == 0

    decide_day(store, FIRST_DAY + 28, 10, 4)
    look(store, settings, FIRST_DAY + 37)

    assert remove_all(store, GONE) > 0
    assert [cohort.timely.day for cohort in store.cohorts()] == [FIRST_DAY + 28]


def test_a_decision_with_a_label_that_waits_for_the_guard_stays(store, settings):
    """A label that comes while the guard is away counts when it is back, although its decision was due to go."""
    ids = decide_day(store, FIRST_DAY, 10, 4)
    look(store, settings, FIRST_DAY + 9)
    store.release(1, 10)
    label(store, ids[3:4], "legitimate", FIRST_DAY + 9)
    remove_all(store, GONE._replace(cohort_day=0))
    assert store.sizes()["decisions"] == 7

    look(store, settings, FIRST_DAY + 12)

    assert counts(store, "latest").legit_flagged == 1.0
    remove_all(store, GONE._replace(cohort_day=0))
    assert store.sizes()["decisions"] == 0


def test_evidence_of_a_silent_release_goes_and_that_of_the_service_stays(store, settings):
    """Its newest day lies behind the horizon."""
    decide_day(store, FIRST_DAY, 10, 0)
    look(store, settings, FIRST_DAY + 9)

    remove_all(store, GONE)

    assert list(store.evidence()) == [(0, "")]
