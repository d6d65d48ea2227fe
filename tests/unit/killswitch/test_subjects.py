"""The service and its releases as subjects: budgets, shares, nightly releases, and who may trip."""

import json
import math

import numpy as np
import pytest

from antifraud.killswitch.cohorts import CohortCounts
from antifraud.killswitch.detectors.noise import ALIKE, Noise
from antifraud.killswitch.promises import Promise, promise_of
from antifraud.killswitch.subjects import (
    SERVICE,
    Subject,
    budget_of,
    close_day,
    explain,
    find_trip,
    require_watchable,
)

LIMIT = 0.05
PROMISE = Promise(Noise(within=1.0, day_variance=0.0, factors=ALIKE, rows=1_000_000))
"""Independent rows."""


def labelled(day, release, rows, flagged):
    """A cohort of legitimate decisions whose labels are all known."""
    return CohortCounts(
        day, release, rows, flagged, legit_flagged=flagged, legit_passed=rows - flagged, squares=float(flagged)
    )


def close(subjects, *cohorts, promise=PROMISE):
    return subjects | close_day(subjects, cohorts, {each.release: promise for each in cohorts}, LIMIT)


def days_until_trip(rng, rate, rows, release_of, days=365):
    """Return the number of days until the service or the serving release trips; None if neither does."""
    subjects = {}
    for day in range(days):
        release = release_of(day)
        subjects = close(subjects, labelled(day, release, rows, int(rng.binomial(rows, rate))))
        if find_trip(subjects, release) is not None:
            return day + 1
    return None


@pytest.mark.parametrize("rows", [2_000, 200_000])
@pytest.mark.parametrize("nightly", [False, True], ids=["one", "nightly"])
def test_years_at_exactly_the_limit_trip_seldom(rows, nightly):
    """At most 3 of 40 years trip, at any volume, with one release and with a new one every night (budget: 4 %)."""
    trips = sum(
        days_until_trip(np.random.default_rng(seed), LIMIT, rows, lambda day: f"r{day * nightly}") is not None
        for seed in range(40)
    )

    assert trips <= 3


@pytest.mark.parametrize(("rate", "most"), [(0.08, 2), (0.10, 2), (0.20, 1)])
def test_nightly_releases_delay_nothing(rate, most):
    """At 10,000 rows a day the service finds an excess as soon as a single release would."""
    for release_of in (lambda _: "one", lambda day: f"night-{day}"):
        delays = [days_until_trip(np.random.default_rng(seed), rate, 10_000, release_of) for seed in range(9)]
        assert sorted(delays)[4] <= most


def test_the_noise_in_use_is_told_with_the_evidence():
    """The service has the largest noise of the day's releases, each release its own; both are stored."""
    calm, loud = Promise(Noise(2.0, 0.0, ALIKE, 1_000)), Promise(Noise(7.0, 0.0, ALIKE, 1_000))
    cohorts = labelled(0, "a", 100, 5), labelled(0, "b", 300, 15)
    subjects = close_day({}, cohorts, {"a": calm, "b": loud}, LIMIT)
    assert {name: each.inflation for name, each in subjects.items()} == {"a": 2.0, "b": 7.0, SERVICE: 7.0}
    stored = json.loads(json.dumps(subjects[SERVICE].to_dict()))
    assert stored["inflation"] == 7.0
    assert Subject.from_dict(stored) == subjects[SERVICE]


def test_releases_of_one_day_share_its_opening():
    """With a quarter of the decisions, a release begins with a quarter of the weight; the service has all of it."""
    subjects = close({}, labelled(0, "a", 100, 5), labelled(0, "b", 300, 15))

    def without_factor(name, rows):
        return subjects[name].rate.log_wealth[2] - (0.05 * rows * math.log(1.6) + 0.95 * rows * math.log(0.92 / 0.95))

    assert without_factor("a", 100) == pytest.approx(math.log(0.25 / 365))
    assert without_factor("b", 300) == pytest.approx(math.log(0.75 / 365))
    assert without_factor(SERVICE, 400) == pytest.approx(math.log(1 / 365))
    assert (subjects[SERVICE].rate.rows, subjects[SERVICE].rate.flagged) == (400, 20)


def test_decisions_of_other_eras_keep_their_part_of_the_opening():
    """The day's 400 decisions count, also those of another era."""
    subjects = close_day({}, [labelled(0, "a", 100, 5)], {"a": PROMISE}, LIMIT, decided=400)
    alone = close_day({}, [labelled(0, "a", 100, 5)], {"a": PROMISE}, LIMIT)

    for name in ("a", SERVICE):
        lost = alone[name].rate.log_wealth[0] - subjects[name].rate.log_wealth[0]
        assert lost == pytest.approx(math.log(4))


def test_only_what_serves_trips_and_the_service():
    """A release that serves no more does not; the budgets are 1.5 and 2.5 % of the years."""
    subjects = {}
    for day in range(4):
        subjects = close(subjects, labelled(day, "bad", 1_000, 300))
    assert (find_trip(subjects, "bad"), find_trip(subjects, "other"), find_trip({}, "bad")) == ("bad", SERVICE, None)

    kept = {name: each for name, each in subjects.items() if name != SERVICE}
    assert (find_trip(kept, "other"), find_trip(kept, None)) == (None, None)
    assert (budget_of("bad"), budget_of(SERVICE)) == (0.015, 0.025)


def test_a_day_without_labels_trips_nothing():
    """Whatever is flagged, nobody has said that it was honest."""
    subjects = close({}, CohortCounts(0, "a", 1_000, 900))

    assert (subjects[SERVICE].rate.rows, subjects[SERVICE].rate.flagged) == (100, 0)
    assert find_trip(subjects, "a") is None


def test_labels_by_chance_weigh_less_than_they_stand_for():
    """100 flagged decisions told by 10 labels of a control share gain less than if all were known."""
    known = labelled(0, "a", 1_000, 100)
    sampled = CohortCounts(0, "a", 1_000, 100, 100.0, 900.0, squares=1_000.0)
    gains = [close({}, each)[SERVICE].rate.log_e for each in (known, sampled)]

    assert sampled.weight == 10
    assert gains[1] < gains[0]
    unit = math.log(1 / 365)
    for alternative in range(4):
        full, part = (close({}, each)[SERVICE].rate.log_wealth[alternative] - unit for each in (known, sampled))
        assert part == pytest.approx(full / 10) or full > 6


@pytest.mark.parametrize("rate", [0.06, 0.08, 0.2, 0.35])
@pytest.mark.parametrize("weight", [1, 2, 20, 1_000])
def test_a_control_share_is_no_bet_that_wins_on_average(rate, weight):
    """At exactly the limit, the mean factor of a decision is at most 1, however many a label stands for."""
    # A flagged decision has a label with probability 1 / weight; otherwise it is no row of the lower bound.
    flagged = (rate / LIMIT) / weight + 1 - 1 / weight
    passed = ((1 - rate) / (1 - LIMIT)) ** (1 / weight)

    assert LIMIT * flagged + (1 - LIMIT) * passed <= 1 + 1e-12


def test_a_subject_survives_json():
    """Stored subjects go on unchanged, also one that was cleared."""
    subject = close({}, labelled(0, "a", 1_000, 100))[SERVICE]
    for each in (subject, subject.clear(0)):
        assert Subject.from_dict(json.loads(json.dumps(each.to_dict()))) == each
    assert (subject.clear(0).rate.days, subject.clear(0).cleared_on) == (0, 0)


def test_the_reason_names_the_last_week_and_all_days():
    """Eight days with 100 rows: 7 % on the first, 9 % on the others."""
    subjects = {}
    for day in range(8):
        subjects = close(subjects, labelled(day, "a", 100, 9 if day else 7))

    assert explain("a", subjects["a"], LIMIT) == (
        "false-positive rate of release a is above 5.0%: 63 of the last 700 matured legitimate transactions were "
        "flagged (9.0%; 8.8% of all 800)"
    )
    assert explain(SERVICE, subjects[SERVICE], LIMIT).startswith("false-positive rate of the service is above 5.0%: ")


def test_a_limit_without_alternatives_above_it_is_refused():
    """On a weekday with the largest factor, 0.57 leaves room and 0.6 does not."""
    require_watchable(0.5)
    with pytest.raises(ValueError, match="limit must lie in"):
        require_watchable(0.6)


def test_a_manifest_tells_how_much_fraud_is_known():
    """The share at the age of the close counts, the last one beyond it, and 1 without any."""
    manifest = {"known_shares": [0.1, 0.5, 0.9]}

    assert [promise_of(manifest, LIMIT, age).known for age in (0, 1, 7)] == [0.1, 0.5, 0.9]
    assert promise_of({}, LIMIT, 7) == Promise(Noise.assumed(LIMIT), 1.0)
