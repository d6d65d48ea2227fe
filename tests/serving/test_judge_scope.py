"""A token of the scope `judge` recovers the service from a trip as the evidence allows, and can do nothing else."""

import dataclasses
import datetime as dt

import pytest

from tests.judgement_example import GOOD, judged, judgement
from tests.serving.recovery_scene import ONSET, RECOVERY, TODAY, copy_release, judge, stand, suspend_by_trip
from tests.serving.scene import DAY, NOON, promote, transaction
from tests.serving.test_decisions import assert_problem

REPORT = "5" * 64
EARLY = dataclasses.replace(GOOD, last=ONSET - dt.timedelta(days=1))
"""A passed onset test on days before the trouble."""


def switch(scorer, action, caller=RECOVERY, **fields):
    """POST a change of the switch at its present epoch."""
    body = {"action": action, "reason": "recovery", "expected_epoch": scorer.store.switch().epoch, **fields}
    return scorer.post("/v1/switch", body, caller=caller)


@pytest.mark.parametrize(
    ("action", "fields"),
    [
        ("suspend", {}),
        ("suspend", {"drill": True}),
        ("observe", {}),
        ("resume", {}),
        ("resume", {"force": True, "report": REPORT}),
        ("roll_back", {"release": "second"}),
        ("roll_back", {"release": "second", "report": REPORT, "drill": True}),
        ("roll_back", {"release": "second", "report": REPORT, "force": True}),
    ],
)
def test_the_scope_orders_nothing_but_a_recovery(scorer, action, fields):
    """Every other change is forbidden, also after a trip, and the switch stays."""
    before = suspend_by_trip(scorer)

    assert_problem(switch(scorer, action, **fields), 403, "forbidden")

    assert scorer.store.switch() == before


def test_the_scope_decides_and_labels_nothing(scorer):
    """It can ask for no decision, alone or in a batch, send no label and no outcome, and not read the metrics."""
    label = {"labels": [{"transaction_id": "1", "status": "fraud", "learned_at": NOON}]}
    asked = [
        scorer.post("/v1/decisions", transaction(), RECOVERY),
        scorer.post("/v1/decisions:batch", {"decisions": [transaction()]}, RECOVERY),
        scorer.post("/v1/labels", label, RECOVERY),
        scorer.post("/v1/outcomes", {"outcomes": []}, RECOVERY),
    ]

    assert {answer.status_code for answer in asked} <= {403, 404}
    assert [answer.status_code for answer in asked][0::2] == [403, 403]
    assert scorer.get("/v1/status", RECOVERY).status_code == 200


def test_a_roll_back_by_the_standing_judgement(scorer, home):
    """The release serves, the trip is not over, and the audit trail has the hash of the judgement."""
    suspend_by_trip(scorer)
    made = stand(home, "second")

    after = switch(scorer, "roll_back", release="second", report=made.sha256).json

    assert (after["mode"], after["release"], after["cause"], after["by"]) == ("ROLLED_BACK", "second", "pass", RECOVERY)
    assert after["evidence"] == {"report": made.sha256}
    assert after["trip"] == {"epoch": 2, "at": NOON, "onset": str(ONSET)}
    assert scorer.decide().json["release"] == "second"


@pytest.mark.parametrize(
    ("made", "release", "words"),
    [
        (None, "second", "not the hash of the standing judgement"),
        (judge("first", failing=("second",)), "second", "does not let this release serve"),
        (judge("first", "second", failing=()), "first", "does not let this release serve"),
        (judge("second", made_at=(DAY - 2) * 86_400), "second", "60 hours old"),
        (judgement(judged("second", TODAY, onset=EARLY), made_at=DAY * 86_400), "second", "before the onset"),
    ],
    ids=["none", "fails", "tripped", "expired", "before the onset"],
)
def test_a_release_that_the_judgement_does_not_let_serve_is_refused(scorer, home, made, release, words):
    """The scorer looks itself, whatever the request says."""
    before = suspend_by_trip(scorer)
    if made is not None:
        (home / "releases" / "judgement.json").unlink(missing_ok=True)
        from antifraud.artifacts.judgement import write_judgement

        write_judgement(home / "releases", made)

    refused = switch(scorer, "roll_back", release=release, report=made.sha256 if made else REPORT)

    assert_problem(refused, 409, "transition-refused")
    assert words in refused.json["detail"]
    assert scorer.store.switch() == before


def test_the_hash_has_to_be_that_of_the_standing_judgement(scorer, home):
    """A newer judgement has come meanwhile."""
    suspend_by_trip(scorer)
    stand(home, "second")

    refused = switch(scorer, "roll_back", release="second", report=judgement().sha256)

    assert_problem(refused, 409, "transition-refused")


def test_an_outdated_epoch_is_a_conflict(scorer, home):
    """Somebody has changed the switch since it was read."""
    suspend_by_trip(scorer)
    made = stand(home, "second")

    refused = switch(scorer, "roll_back", release="second", report=made.sha256, expected_epoch=1)

    assert_problem(refused, 409, "stale-epoch")


def test_without_a_trip_there_is_nothing_to_recover(scorer, home):
    """While the service serves, and after a person has suspended it, the evidence does not matter."""
    made = stand(home, "second", failing=())
    for _ in range(2):
        refused = switch(scorer, "roll_back", release="second", report=made.sha256)
        assert_problem(refused, 409, "transition-refused")
        assert "an admin decides what serves" in refused.json["detail"]
        switch(scorer, "suspend", caller="boss")


@pytest.mark.parametrize(
    ("days", "changes", "status"),
    [(14, {}, 200), (13, {}, 409), (14, {"verdict": "FAIL"}, 409), (None, {}, 409)],
    ids=["enough", "a day too few", "no pass", "no window"],
)
def test_a_resume_needs_a_pass_on_enough_days_after_the_onset(scorer, home, days, changes, status):
    """The signed manifest of the release that the pointer names has to say so."""
    suspend_by_trip(scorer)
    copy_release(home, "third", certify_last=days and ONSET + dt.timedelta(days=days), **changes)
    promote(home, "third")

    answer = switch(scorer, "resume", report=REPORT)

    assert answer.status_code == status
    after = scorer.store.switch()
    assert (after.mode, after.trip is None) == (("SERVING", True) if status == 200 else ("SUSPENDED", False))


def test_the_status_says_what_is_missing_and_when_it_could_be_there(scorer, home):
    """The champion fails for good; a young release may pass later, and a candidate 14 certify days after the onset."""
    assert scorer.get("/v1/status").json["recovery"] is None
    suspend_by_trip(scorer)
    assert scorer.get("/v1/status").json["recovery"]["trouble"].startswith("there is no judgement.json")
    made = stand(home, "second")

    assert scorer.get("/v1/status").json["recovery"] == {
        "onset": str(ONSET),
        "judgement": made.sha256,
        "trouble": "",
        "passing": ["second"],
        "missing": {"first": "The rate is at most 7.1%, the limit is 5.0%."},
        "next_release_on": None,
        "resumes_from": str(ONSET + dt.timedelta(days=21)),
    }
