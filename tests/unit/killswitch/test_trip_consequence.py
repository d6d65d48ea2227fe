"""A trip goes back to the newest release that is good today and can serve at once, or suspends; every case is tried."""

import dataclasses
import datetime as dt
import itertools

import pytest

from antifraud.clock import HOUR_SECONDS
from antifraud.killswitch.consequence import Situation, answer_trip
from antifraud.killswitch.machine import INITIAL, Level, Mode, Order, change, trip, warn
from antifraud.killswitch.machine import Note as Words
from antifraud.killswitch.news import news_of
from antifraud.killswitch.trips import Trip
from tests.judgement_example import AS_OF, BAD, GOOD, MADE_AT, judged, judgement

NOW = MADE_AT + 6 * HOUR_SECONDS
DAYS = {"r1": dt.date(2026, 3, 12), "r2": dt.date(2026, 3, 26), "r3": dt.date(2026, 4, 9)}
ALL = frozenset(DAYS)


def order(switch, mode, release=None, **more):
    return Order(mode=mode, expected_epoch=switch.epoch, reason="r", by="boss", at=60, release=release, **more)


SERVING = change(INITIAL, order(INITIAL, Mode.SERVING, "r3"))
ROLLED_BACK = change(SERVING, order(SERVING, Mode.ROLLED_BACK, "r2"))


def answered(before, situation, at=NOW):
    """The switch after a trip about what serves."""
    tripped = trip(before, release=situation.serving, reason="too many flags", at=at, evidence={"rate": 0.08})
    return answer_trip(before, tripped, situation)


def situation(**changes):
    """The champion r3 has tripped since the first of April; r2 and r1 pass, and all are loaded."""
    given = {"serving": "r3", "onset": "2026-04-01", "judgement": judgement(), "loaded": ALL}
    return Situation(**{**given, **changes})


def test_a_trip_goes_back_to_the_newest_release_that_passes():
    """Switch, evidence and event name the release and the hash of the judgement, in one change."""
    after = answered(SERVING, situation())

    assert (after.mode, after.release, after.epoch, after.began, after.cause) == ("ROLLED_BACK", "r2", 2, 2, "trip")
    assert after.reason == "too many flags; r2 is the newest release that passes both tests."
    assert after.evidence == {
        "rate": 0.08,
        "onset": "2026-04-01",
        "consequence": "r2 is the newest release that passes both tests.",
        "judgement": judgement().sha256,
        "release": "r2",
    }
    assert (after.tripped, after.trip) == (("r3",), Trip(2, NOW, "2026-04-01"))
    assert news_of(SERVING, after) == ["rolled_back"]


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"judgement": None, "trouble": "There is no file."}, "There is no file."),
        ({"judgement": judgement(made_at=MADE_AT - 31 * HOUR_SECONDS)}, "37 hours old, at most 36 are allowed"),
        ({"judgement": judgement(made_at=NOW + 2 * HOUR_SECONDS)}, "-2 hours old"),
        ({"judgement": judgement(judged("r2", DAYS["r2"], onset=BAD))}, "None of 1 judged releases"),
        ({"judgement": judgement(judged("r3", DAYS["r3"]))}, "None of 1 judged"),
        ({"loaded": frozenset()}, "None of 3 judged releases"),
    ],
    ids=["none", "expired", "ahead", "fails", "only_the_tripped_one", "not_loaded"],
)
def test_without_a_release_that_is_good_and_loaded_a_trip_suspends(changes, why):
    """The reason stays that of the trip, and the evidence says why nothing serves; the recovery goes on from there."""
    after = answered(SERVING, situation(**changes))

    assert (after.mode, after.release, after.reason) == ("SUSPENDED", None, "too many flags")
    assert why in after.evidence["consequence"]
    assert after.trip == Trip(2, NOW, "2026-04-01")
    assert news_of(SERVING, after) == ["suspended"]


def test_a_release_that_not_every_worker_has_loaded_is_passed_over():
    """An older one that can serve at once is better than a wait."""
    assert answered(SERVING, situation(loaded=frozenset({"r1", "r3"}))).release == "r1"


def test_a_setting_leaves_the_decision_to_a_person():
    """A good release is known, and the service is suspended all the same, without a recovery."""
    after = answered(SERVING, situation(recovers=False))

    assert (after.mode, after.release, after.trip) == ("SUSPENDED", None, None)
    assert after.evidence["consequence"] == "A trip suspends the service by its settings."


def test_what_serves_stays_if_the_trip_is_about_its_predecessors():
    """It passes as well: the epoch changes, so that an era begins, and clients and subscribers are warned."""
    passing = judgement(judged("r3", DAYS["r3"]), judged("r2", DAYS["r2"]))
    given = {"judgement": passing, "loaded": frozenset({"r2"}), "is_about_earlier": True}

    after = answered(SERVING, situation(**given))

    warned = {"warning": Level.WARN, "warnings": {"older_cohorts": Level.WARN}, "warned": after.warned}
    assert after == dataclasses.replace(SERVING, epoch=2, **warned)
    assert after.warned.reason == "too many flags; r3, which serves, passes both tests."
    assert after.warned.evidence["judgement"] == passing.sha256
    assert news_of(SERVING, after) == ["warning"]
    again = answered(after, situation(**given))
    assert (again.epoch, again.warnings, news_of(after, again)) == (3, after.warnings, ["warning"])
    assert answered(SERVING, situation(**{**given, "is_about_earlier": False})).release == "r2"


def test_a_trip_while_rolled_back_goes_on_to_the_next_release():
    """The release that serves is left out even if it passes, and so are releases that have tripped before."""
    after = answered(ROLLED_BACK, situation(serving="r2", is_about_earlier=True))

    assert (after.mode, after.release, after.began, after.tripped) == ("ROLLED_BACK", "r1", 3, ("r2",))
    assert news_of(ROLLED_BACK, after) == ["rolled_back"]
    last = answered(after, situation(serving="r1"))
    assert (last.mode, last.tripped) == ("SUSPENDED", ("r2", "r1"))


@pytest.mark.parametrize("before", [SERVING, ROLLED_BACK], ids=["serving", "rolled back"])
@pytest.mark.parametrize(("onset", "mode"), [("2026-04-03", "ROLLED_BACK"), ("2026-04-04", "SUSPENDED")])
def test_a_day_since_the_onset_has_to_be_judged(before, onset, mode):
    """The judgement of the tenth of April knows the days up to the third."""
    after = answered(before, situation(serving=before.release or "r3", onset=onset))

    assert (after.mode, AS_OF) == (mode, dt.date(2026, 4, 10))


def test_warnings_stay_over_a_trip():
    """They say other things."""
    warned = warn(SERVING, {"p99": Level.WARN}, Words("slow", "guard", 70))

    assert answered(warned, situation()).warnings == {"p99": Level.WARN}


def expected(before, given, at):
    """The rules, written a second time: the release that serves, None if none does."""
    fresh = given.judgement is not None and -3600 <= at - given.judgement.made_at <= 36 * 3600
    if not (fresh and given.recovers):
        return None
    passing = {each.release for each in given.judgement.releases if each.passes} - set(before.tripped)
    if given.onset > "2026-04-03":
        return None
    if before.mode == "SERVING" and given.is_about_earlier and given.serving in passing:
        return given.serving
    return max((passing & given.loaded) - {given.serving}, default=None)


def test_every_combination_follows_the_rules():
    """Modes, tests of three releases, loaded ones, earlier trips, ages, settings and kinds of trips: all of them."""
    outcomes = (GOOD, BAD)
    tried = 0
    for mode, tests, loaded, tripped, age, earlier, recovers, onset in itertools.product(
        (SERVING, ROLLED_BACK), itertools.product(outcomes, repeat=3),
        (frozenset(), frozenset({"r1"}), frozenset({"r1", "r2"}), ALL), ((), ("r1",), ("r2",), ("r1", "r3")),
        (-2, 6, 36, 37, None), (False, True), (True, False), ("2026-04-01", "2026-04-12"),
    ):  # fmt: skip
        given = Situation(
            serving="r2" if mode is ROLLED_BACK else "r3",
            onset=onset,
            is_about_earlier=earlier,
            judgement=None if age is None else judgement(
                *(judged(name, DAYS[name], long=test) for name, test in zip(DAYS, tests, strict=True))
            ),
            trouble="There is none.",
            loaded=loaded,
            recovers=recovers,
        )  # fmt: skip
        at = MADE_AT + (age or 0) * HOUR_SECONDS
        before = dataclasses.replace(mode, tripped=tripped)
        after = answered(before, given, at)
        release = expected(before, given, at)
        tried += 1
        assert after.epoch == before.epoch + 1
        if release == given.serving:
            assert (after.mode, after.trip, after.tripped) == ("SERVING", None, before.tripped)
            continue
        assert (after.mode, after.release) == ("ROLLED_BACK" if release else "SUSPENDED", release)
        assert after.trip == (Trip(after.epoch, at, onset) if recovers else None)
        assert given.serving in after.tripped
    assert tried == 2 * 8 * 4 * 4 * 5 * 2 * 2 * 2
