"""Labels, switch, status, and the poller: what operators and other systems rely on."""

import numpy as np
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from antifraud.features.registry import FEATURE_NAMES
from antifraud.keys.signing import SigningKey
from serving.worker.poller import Poller
from tests.serving.processes import wait_for
from tests.serving.scene import (
    ACCESS,
    CUSTOMER,
    DAY,
    NO_LABELS,
    NOON,
    Scorer,
    export_state,
    init_store,
    make_release,
    promote,
)
from tests.serving.test_decisions import assert_problem


def label(transaction_id=1, status="fraud", learned_at=NOON):
    return {"transaction_id": transaction_id, "status": status, "learned_at": learned_at}


def labels_of(scorer):
    return scorer.store.read_labels(1, 2_000)


def test_labels_are_stored_in_the_order_of_arrival(scorer):
    """Accepted labels get increasing numbers and their source; ids that were never decided come back."""
    scorer.decide(transaction_id=1)
    scorer.decide(transaction_id=2)

    answer = scorer.post("/v1/labels", {"labels": [label(2), label(77), label(1, "legitimate")]})

    assert (answer.status_code, answer.json) == (200, {"accepted": 2, "unknown_transactions": ["77"]})
    stored = [(number, held.transaction_id, held.status, held.source) for number, held in labels_of(scorer)]
    assert stored == [(1, "2", "fraud", "till"), (2, "1", "legitimate", "till")]


@pytest.mark.parametrize(("learned_at", "why"), [(NOON + 1, "in the future"), (NOON - 1, "before the event")])
def test_a_label_learnt_at_an_impossible_time_is_rejected(scorer, learned_at, why):
    """It is listed with its place and the reason; the other labels of the request are stored."""
    scorer.decide(transaction_id=1)
    scorer.decide(transaction_id=2)

    answer = scorer.post("/v1/labels", {"labels": [label(1), label(2, learned_at=learned_at), label(77), label(2)]})

    assert answer.status_code == 200
    assert (answer.json["accepted"], answer.json["unknown_transactions"]) == (2, ["77"])
    (rejected,) = answer.json["rejected"]
    assert (rejected["index"], rejected["transaction_id"]) == (1, "2")
    assert f"learned_at lies {why}" in rejected["reason"]
    assert [held.transaction_id for _, held in labels_of(scorer)] == ["1", "2"]


def test_one_early_label_does_not_refuse_a_thousand(scorer):
    """A clock that is one second ahead for one label costs that label only."""
    scorer.decide(transaction_id=1)
    labels = [label(1, learned_at=NOON - 1 + n % 2) for n in range(999)]

    answer = scorer.post("/v1/labels", {"labels": [*labels, label(1, learned_at=NOON + 1)]})

    assert answer.json["accepted"] == sum(each["learned_at"] == NOON for each in labels)
    assert answer.json["rejected"][-1]["index"] == 999


def test_only_stored_labels_are_counted(scorer):
    """Repeated, unknown and rejected labels are not in antifraud_labels_total."""
    scorer.decide(transaction_id=1)
    said = [label(1), label(77), label(1, learned_at=NOON + 1)]
    for _ in range(2):
        scorer.post("/v1/labels", {"labels": said})

    counted = [line for line in scorer.client.get("/metrics").text.splitlines() if "antifraud_labels_total{" in line]
    assert counted == ['antifraud_labels_total{status="fraud"} 1.0']


BAD_LABELS = [
    ({"labels": []}, "labels"),
    ({"labels": [label()] * 1_001}, "labels"),
    ({"labels": [label(status="483920175566")]}, "labels[0].status"),
    ({"labels": [label(transaction_id=True)]}, "labels[0].transaction_id"),
    ({"labels": [{"status": "fraud", "learned_at": 1}]}, "labels[0].transaction_id"),
    ({"labels": {"483920175566": 1}}, "labels"),
    ({}, "labels"),
]


@pytest.mark.parametrize(("body", "field"), BAD_LABELS)
def test_bad_labels_are_refused_by_field(scorer, body, field):
    """The field is named, and no value that was sent is repeated."""
    answer = scorer.post("/v1/labels", body)

    assert_problem(answer, 422, "invalid", field)
    assert "483920175566" not in answer.text


def test_a_thousand_labels_fit(scorer):
    """The largest request that the interface promises is below the body limit."""
    biggest = (1 << 63) - 1
    answer = scorer.post("/v1/labels", {"labels": [label(biggest - n, "legitimate") for n in range(1_000)]})

    assert (answer.status_code, answer.json["accepted"]) == (200, 0)


def test_suspension_refuses_everything_but_reading_and_labels(scorer):
    """No decision is made, not even a repeated one; labels still arrive and stored answers can be read."""
    scorer.decide(transaction_id=1)

    assert scorer.switch("suspend", 1).json["mode"] == "SUSPENDED"

    for transaction_id in (1, 2):
        answer = scorer.decide(transaction_id=transaction_id)
        assert_problem(answer, 503, "suspended")
        assert answer.headers["Retry-After"] == "30"
    assert scorer.get("/readyz").status_code == 503
    assert scorer.get("/v1/decisions/1").status_code == 200
    assert scorer.post("/v1/labels", {"labels": [label()]}).json["accepted"] == 1
    assert scorer.get("/v1/status").json["counts"]["decisions"] == 1


def test_the_switch_is_compared_and_set(scorer):
    """A stale epoch and an impossible change are conflicts; the epoch tells how often it changed."""
    assert_problem(scorer.switch("resume", 1), 409, "transition-refused")
    assert scorer.switch("suspend", 1).json["epoch"] == 2
    assert_problem(scorer.switch("resume", 1), 409, "stale-epoch")
    assert scorer.switch("resume", 2).json == {
        "mode": "SERVING", "epoch": 3, "reason": "a drill", "by": "boss", "at": NOON, "cause": "admin", "release": None,
        "began": 3, "champion": "first", "trip": None, "warning": "none", "warnings": {},
        "warned": None, "drill": False, "drilled": None, "evidence": {}, "tripped": [],
        "unproved_at": None, "observed_at": None,
    }  # fmt: skip


@pytest.mark.parametrize("field", ["action", "reason", "expected_epoch"])
def test_a_bad_change_is_refused_by_field(scorer, field):
    """Each field is checked."""
    body = {"action": "suspend", "reason": "a drill", "expected_epoch": 0, field: ""}

    assert_problem(scorer.post("/v1/switch", body, caller="boss"), 422, "invalid", field)


def test_status_tells_what_is_going_on(scorer):
    """Switch, release, cut-off, counts, workers and evidence in one answer."""
    scorer.decide()

    status = scorer.get("/v1/status").json

    assert status["switch"] == {
        "mode": "SERVING", "epoch": 1, "reason": "we begin", "by": "boss", "at": 0, "cause": "admin", "release": None,
        "began": 1, "champion": None, "trip": None, "warning": "none", "warnings": {},
        "warned": None, "drill": False, "drilled": None, "evidence": {}, "tripped": [],
        "unproved_at": None, "observed_at": None,
    }  # fmt: skip
    assert (status["release"], status["threshold"], status["verdict"]) == ("first", 500_000, "PASS")
    assert (status["state_cutoff"], status["time"], status["troubles"]) == ("2024-10-03", NOON, {})
    assert status["counts"] == {
        "decisions": 1, "unshipped": 1, "labels": 0, "outcomes": 0, "pending": 0, "judged": 0, "outbox": 0, "dead": 0,
    }  # fmt: skip
    assert [(w["release"], w["cutoff"]) for w in status["workers"]] == [("first", DAY - 1)]
    assert (status["guard"], status["evidence"]) == (None, [])


def test_metrics_count_decisions(scorer):
    """Prometheus' text needs no token."""
    scorer.decide()
    scorer.decide()

    text = scorer.client.get("/metrics").text

    assert 'antifraud_decisions_total{decision="approve",release="first"} 1.0' in text
    assert "antifraud_replays_total 1.0" in text
    assert scorer.client.get("/healthz").json == {"status": "alive"}


def test_without_a_release_nothing_is_decided(tmp_path):
    """The answer is 503 not-ready with Retry-After, and readyz says why."""
    init_store(tmp_path)
    scorer = Scorer(tmp_path)
    scorer.poller.poll()
    try:
        answer = scorer.decide()
        assert_problem(answer, 503, "not-ready")
        assert answer.headers["Retry-After"] == "1"
        assert_problem(scorer.get("/readyz"), 503, "not-ready")
        assert scorer.get("/v1/status").json["release"] is None
    finally:
        scorer.close()


def test_a_store_that_is_not_one_is_a_503_until_it_is_mended(home):
    """The worker lives on, is not ready, and opens the store once it can."""
    good = home / "store" / "data.mdb"
    good.rename(home / "good.mdb")
    good.write_bytes(b"no store" * 1_000)
    scorer = Scorer(home)
    scorer.poller.poll()

    assert_problem(scorer.decide(), 503, "store-unusable")
    assert_problem(scorer.get("/readyz"), 503, "not-ready")
    assert scorer.get("/healthz").status_code == 200

    (home / "good.mdb").rename(good)
    scorer.poller.poll()
    assert scorer.decide().status_code == 200
    scorer.close()


def break_checksum(bundle):
    (bundle.path / "calibration.json").write_text("{}")


def remove_model(bundle):
    (bundle.path / "model.onnx").unlink()


def remove_signature(bundle):
    (bundle.path / "manifest.sig").unlink()


def sign_with_another_key(bundle):
    stranger = SigningKey(Ed25519PrivateKey.generate())
    (bundle.path / "manifest.sig").write_bytes(stranger.sign((bundle.path / "manifest.json").read_bytes()))


BROKEN_FILES = [
    (break_checksum, "has SHA-256"),
    (remove_model, "disagree about model.onnx"),
    (remove_signature, "no readable manifest.sig"),
    (sign_with_another_key, "not made over this manifest with the release key"),
]
BROKEN_MANIFESTS = [
    ({"feature_set": "0123456789abcdef"}, "run the version it was made with"),
    ({"threshold": "high"}, "no integer threshold"),
    ({"scores": [1] * 16}, "golden rows differently"),
    ({"scores": [1]}, "16 golden rows and 1 scores"),
]


@pytest.mark.parametrize(("breaks", "says"), BROKEN_FILES, ids=["checksum", "missing", "unsigned", "stranger"])
def test_an_altered_bundle_leaves_the_old_release_serving(scorer, home, breaks, says):
    """A trouble is in the status, in the log once, and in a metric; the repaired pointer clears it."""
    bundle = make_bundle(home, "third")
    promote(home, "third")
    breaks(bundle)

    for _ in range(3):
        scorer.poller.poll()

    assert_refused(scorer, says)


def test_without_a_public_key_nothing_new_is_loaded(scorer, home):
    """A lost key file does not switch the check off, and the loaded release keeps serving."""
    (home / "secrets" / "release.pub").unlink()
    promote(home, "second")

    scorer.poller.poll()

    assert_refused(scorer, "release-key generate")


@pytest.mark.parametrize(("changes", "says"), BROKEN_MANIFESTS, ids=["features", "threshold", "golden", "count"])
def test_a_bundle_that_does_not_prove_itself_is_refused(scorer, home, changes, says):
    """A bundle with another feature set, no threshold, or golden rows that do not match is refused."""
    make_bundle(home, "third", **changes)
    promote(home, "third")

    for _ in range(3):
        scorer.poller.poll()

    assert_refused(scorer, says)
    promote(home, "second")
    scorer.poller.poll()
    assert (scorer.decide(transaction_id=9).json["release"], scorer.services.troubles) == ("second", {})


def make_bundle(home, release, **changes):
    golden = np.linspace(0, 400, 16 * len(FEATURE_NAMES)).reshape(16, -1)
    return make_release(home / "releases", home / "releases" / "first", golden, release, **changes)


def assert_refused(scorer, says):
    assert scorer.decide().json["release"] == "first"
    status = scorer.get("/v1/status").json
    assert says in status["troubles"]["release"]
    assert says in status["workers"][0]["troubles"]["release"]
    assert 'candidates_refused_total{kind="release"} 1.0' in scorer.client.get("/metrics").text
    assert [fields["kind"] for level, _, fields in scorer.log.lines if level == "warning"] == ["release"]


@pytest.mark.parametrize("text", [b"", b"{}", b'{"cutoff": "2024-10-04", "path": "nowhere", "sequence": 9}', b"\xff"])
def test_a_broken_state_pointer_leaves_the_old_state_serving(scorer, home, text):
    """A malformed pointer, or one to nothing, changes nothing."""
    (home / "state" / "pointer.json").write_bytes(text)

    scorer.poller.poll()

    assert scorer.decide().json["state_cutoff"] == "2024-10-03"
    assert "state" in scorer.services.troubles


def test_an_altered_state_is_refused(scorer, home):
    """One flipped byte is enough."""
    folder = export_state(home / "state", DAY, {CUSTOMER: ({}, {}, NO_LABELS)}, sequence=2)
    content = bytearray((folder / "data.mdb").read_bytes())
    content[-1] ^= 1
    (folder / "data.mdb").write_bytes(content)

    scorer.poller.poll()

    assert scorer.decide().json["state_cutoff"] == "2024-10-03"
    assert "is not what its manifest says" in scorer.services.troubles["state"]


def test_the_poller_thread_starts_and_stops(home):
    """The thread polls until it is stopped."""
    scorer = Scorer(home, poll_seconds=0.01)
    poller = Poller(scorer.services)
    poller.start()
    wait_for(lambda: scorer.services.serving, "the first swap", 10)
    poller.stop()

    assert scorer.services.serving.release.release == "first"
    assert scorer.services.access == ACCESS
    scorer.close()
