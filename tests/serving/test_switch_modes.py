"""An admin changes the switch, and one worker decides with the release that it says."""

import json
import shutil

import pytest

from antifraud.clock import DAY_SECONDS
from antifraud.killswitch.machine import trip
from serving.store.__main__ import main as store_command
from serving.store.port import Inspection
from tests.release_keys import put_keys
from tests.serving.scene import DAY, NOON, Scorer, empty_state, init_store, promote, transaction, view_of
from tests.serving.test_decisions import assert_problem

REPORT = "5" * 64
FRAUD = 40_000_000
"""An amount that both models flag."""


def switch(scorer, action, **fields):
    """POST a change of the switch at its present epoch, as an admin."""
    epoch = scorer.store.switch().epoch
    body = {"action": action, "reason": "a drill", "expected_epoch": epoch, **fields}
    return scorer.post("/v1/switch", body, caller="boss")


def suspend_by_trip(scorer, release="first"):
    """Suspend as the guard does, in one transaction."""
    after = trip(scorer.store.switch(), release=release, reason="too many flags", at=NOON, evidence={"fpr": 0.08})
    assert scorer.store.commit_inspection(Inspection(scorer.store.closed_day(), suspend=after))


@pytest.fixture
def new(tmp_path, two_releases):
    """A scorer whose store nobody has resumed yet."""
    put_keys(tmp_path)
    shutil.copytree(two_releases, tmp_path / "releases")
    promote(tmp_path, "first")
    empty_state(tmp_path)
    assert store_command(["init"], {"ANTIFRAUD_HOME": str(tmp_path)}) == 0
    scorer = Scorer(tmp_path)
    scorer.poller.poll()
    yield scorer
    scorer.close()


def test_a_new_store_decides_nothing_until_an_admin_begins(new):
    """It is suspended at epoch 0; a resume makes it serve at once."""
    assert_problem(new.decide(), 503, "suspended")
    assert new.get("/v1/status").json["switch"]["reason"] == "a new store: an admin begins with `observe` or `resume`"

    assert switch(new, "resume").json["mode"] == "SERVING"

    assert new.decide().json["release"] == "first"


def test_observation_scores_and_flags_nothing(new):
    """The answer tells what would have been flagged, and an admin may leave after 14 matured days, or by force."""
    assert switch(new, "observe").json["observed_at"] == NOON

    answer = new.decide(amount=FRAUD).json

    assert (answer["decision"], answer["mode"], answer["score"] > answer["threshold"]) == ("approve", "OBSERVE", True)
    assert answer["reasons"][:2] == ["score_above_threshold", "observed_only"]
    refused = switch(new, "resume")
    assert_problem(refused, 409, "transition-refused")
    assert refused.json["detail"].startswith("0 whole days of the observation have matured, 14 are needed")
    new.clock.time = (DAY + 22) * DAY_SECONDS
    assert switch(new, "resume").json["observed_at"] is None


def test_observation_is_left_by_force_with_a_reason(new):
    """The audit trail keeps that it was forced."""
    switch(new, "observe")

    assert switch(new, "resume", force=True).json["evidence"] == {"forced": True}
    assert new.decide(amount=FRAUD).json["decision"] == "flag"


def test_a_roll_back_serves_the_named_release_at_once(scorer, home):
    """The worker has not polled since; the pointer stays, and a resume serves its release again, also at once."""
    promote(home, "second")
    scorer.poller.poll()
    assert scorer.decide(transaction_id=1).json["release"] == "second"

    after = switch(scorer, "roll_back", release="first").json

    assert (after["mode"], after["release"], after["cause"]) == ("ROLLED_BACK", "first", "admin")
    assert [scorer.decide(transaction_id=2).json[name] for name in ("release", "mode")] == ["first", "ROLLED_BACK"]
    assert switch(scorer, "resume").json["release"] is None
    assert scorer.decide(transaction_id=3).json["release"] == "second"


def test_a_rolled_back_service_stays_so_over_promotions_and_restarts(scorer, home):
    """A moved pointer changes nothing while the service is rolled back, neither here nor in a new worker."""
    switch(scorer, "roll_back", release="first")
    promote(home, "second")
    scorer.poller.poll()
    assert scorer.decide(transaction_id=1).json["release"] == "first"
    assert scorer.get("/v1/status").json["converged"] is True
    scorer.close()

    restarted = Scorer(home)
    restarted.poller.poll()
    try:
        assert restarted.decide(transaction_id=2).json["release"] == "first"
        assert switch(restarted, "resume").json["mode"] == "SERVING"
        assert restarted.decide(transaction_id=3).json["release"] == "second"
    finally:
        restarted.close()


def test_a_worker_without_the_rolled_back_release_decides_nothing(scorer, home):
    """It is not ready, says why, and never decides with another release."""
    switch(scorer, "roll_back", release="second")
    scorer.close()
    (home / "releases" / "second" / "model.onnx").write_bytes(b"damaged")

    restarted = Scorer(home)
    restarted.poller.poll()
    try:
        assert_problem(restarted.decide(), 503, "not-ready")
        assert "model.onnx of bundle second" in restarted.services.troubles["rolled back"]
        assert restarted.get("/readyz").status_code == 503
    finally:
        restarted.close()


def test_a_pointer_that_moved_during_a_suspension_counts_at_once(scorer, home):
    """After the resume, a worker that has not polled decides with what the pointer names now."""
    switch(scorer, "suspend")
    promote(home, "second")

    switch(scorer, "resume")

    assert scorer.decide().json["release"] == "second"


def test_a_broken_release_is_not_resumed(scorer, home):
    """The service stays suspended, and the answer names the trouble."""
    switch(scorer, "suspend")
    promote(home, "second")
    (home / "releases" / "second" / "model.onnx").write_bytes(b"damaged")

    refused = switch(scorer, "resume")

    assert_problem(refused, 409, "transition-refused")
    assert refused.json["detail"].startswith("the release that would serve cannot be used: model.onnx of bundle second")
    assert scorer.store.switch().mode == "SUSPENDED"


@pytest.mark.parametrize("release", ["third", "..", "a/b", "", "x" * 101, 7])
def test_an_unknown_release_is_refused_without_its_name(scorer, release):
    """The field is named, the value is not repeated, and the switch stays."""
    refused = switch(scorer, "roll_back", release=release)

    assert_problem(refused, 422, "invalid", "release")
    assert "third" not in refused.text
    assert scorer.store.switch().mode == "SERVING"


@pytest.mark.parametrize(
    ("action", "fields", "field"),
    [
        ("roll_back", {}, "release"),
        ("suspend", {"release": "first"}, "release"),
        ("resume", {"release": "first"}, "release"),
        ("resume", {"drill": True}, "drill"),
        ("observe", {"drill": True}, "drill"),
        ("observe", {"force": True}, "force"),
        ("suspend", {"force": True}, "force"),
        ("suspend", {"report": REPORT}, "report"),
        ("resume", {"report": "5" * 63}, "report"),
        ("resume", {"force": 1}, "force"),
    ],
)
def test_fields_that_say_nothing_about_an_action_are_refused(scorer, action, fields, field):
    """Each field belongs to some actions only, so that nobody believes in an effect that it does not have."""
    assert_problem(switch(scorer, action, **fields), 422, "invalid", field)
    assert scorer.store.switch().mode == "SERVING"


def test_a_drill_is_marked_until_the_next_change(scorer):
    """The switch and the notification tell that it is an exercise."""
    assert switch(scorer, "suspend", drill=True).json["drill"] is True
    assert switch(scorer, "resume").json["drill"] is False


def test_a_tripped_release_comes_back_once_without_a_pass(scorer):
    """The second time, the scorer refuses; a report by which the release passes helps, and so does force."""
    suspend_by_trip(scorer)
    assert scorer.get("/v1/status").json["switch"]["tripped"] == ["first"]
    assert switch(scorer, "resume").json["unproved_at"] == NOON
    suspend_by_trip(scorer)

    refused = switch(scorer, "resume")

    assert_problem(refused, 409, "transition-refused")
    assert refused.json["detail"].startswith("release first has tripped")
    passed = switch(scorer, "resume", report=REPORT).json
    assert (passed["cause"], passed["evidence"], passed["tripped"]) == ("pass", {"report": REPORT}, [])
    suspend_by_trip(scorer)
    assert switch(scorer, "resume", force=True).json["mode"] == "SERVING"
    assert scorer.decide().status_code == 200


def test_a_trip_in_observation_flags_nothing_and_blocks_the_way_out(new):
    """The service goes on to observe; days do not free it, and another release does."""
    switch(new, "observe")
    suspend_by_trip(new)
    assert new.decide(amount=FRAUD).json["mode"] == "OBSERVE"
    new.clock.time = (DAY + 300) * DAY_SECONDS

    refused = switch(new, "resume")

    assert refused.json["detail"].startswith("release first has tripped while it was observed")
    promote(new.settings.home, "second")
    assert switch(new, "resume").json["mode"] == "SERVING"


def test_a_repeat_after_a_lost_answer_changes_nothing(scorer):
    """The epoch in the request is over, so the second one is a conflict."""
    body = {"action": "roll_back", "reason": "a drill", "expected_epoch": 1, "release": "second"}

    answers = [scorer.post("/v1/switch", body, caller="boss").status_code for _ in range(2)]

    assert (answers, scorer.store.switch().epoch) == ([200, 409], 2)


def test_the_audit_trail_is_checked_by_a_command(scorer, home, capsys):
    """It counts the entries and tells the newest hash, which the notification has as well, while the scorer runs."""
    switch(scorer, "suspend")
    switch(scorer, "resume")
    with view_of(scorer.store) as view:
        told = [json.loads(text) for _, text in view.items("outbox")]
    scorer.close()

    assert store_command(["audit"], {"ANTIFRAUD_HOME": str(home)}) == 0

    assert f"is sound: 4 entries, the newest is {told[-1]['audit']}" in capsys.readouterr().out


def test_a_changed_entry_ends_the_command(scorer, home, capsys):
    """The exit code is that of a damaged store, and the message names the epoch."""
    switch(scorer, "suspend")
    key = (2).to_bytes(8, "big")
    with view_of(scorer.store) as view:
        entry = view.get("switch", key)
    scorer.store._environment.write(lambda view: view.put("switch", key, entry.replace(b"a drill", b"an order")))
    scorer.close()

    assert store_command(["audit"], {"ANTIFRAUD_HOME": str(home)}) == 81

    assert "the audit trail is broken at epoch 2 (it was changed)" in capsys.readouterr().err


def test_a_store_of_an_earlier_version_keeps_its_mode(scorer):
    """A switch that nobody has changed since serves, and one that was changed stays; the trail goes on from there."""
    old = {"mode": "SUSPENDED", "epoch": 1, "reason": "old", "by": "boss", "at": 9}

    def make_old(view):
        view.clear("switch")
        view.clear("outbox")

    scorer.store._environment.write(make_old)
    assert scorer.decide().json["mode"] == "SERVING"
    text = json.dumps(old).encode()
    scorer.store._environment.write(
        lambda view: (view.put("switch", b"now", text), view.put("switch", (1).to_bytes(8, "big"), text))
    )
    assert (scorer.store.switch().mode, scorer.store.switch().cause) == ("SUSPENDED", "admin")
    assert scorer.store.verify_audit().entries == 1

    assert switch(scorer, "resume").json["epoch"] == 2

    assert scorer.store.verify_audit().entries == 2


def test_init_of_an_earlier_store_leaves_the_switch(tmp_path):
    """Only a store without any record is a new one."""
    from antifraud.settings.serving import StoreSettings
    from serving.store.store import open_store
    from tests.serving.test_earlier_store import earlier_store

    earlier_store(tmp_path, [1, 2])
    init_store(tmp_path)
    store = open_store(StoreSettings(home=tmp_path))
    try:
        assert (store.switch().mode, store.switch().epoch) == ("SERVING", 0)
    finally:
        store.close()


def test_a_transaction_of_a_suspended_drill_is_refused(scorer):
    """A drill is a real suspension for clients."""
    switch(scorer, "suspend", drill=True)

    assert_problem(scorer.post("/v1/decisions", transaction()), 503, "suspended")
