"""Small edges: labels one by one, private metrics, an access file that is followed, and a guard that is remembered."""

import hashlib
import json
import os
import signal
import time

import httpx
import pytest

from bench.serving.processes import NOON, wait_for
from tests.blackbox.traffic import decide_all, label


@pytest.fixture
def scorer(build, scorer_of):
    """A scorer of its own for each test."""
    with scorer_of(build()) as running:
        yield running


def counted_labels(scorer):
    """The number in antifraud_labels_total, over all statuses."""
    lines = httpx.get(f"{scorer.url}/metrics", timeout=10).text.splitlines()
    return sum(float(line.split()[-1]) for line in lines if line.startswith("antifraud_labels_total"))


def test_one_early_label_does_not_refuse_a_thousand(scorer):
    """One label that is a minute ahead is listed with its place and the reason; the others are stored and counted."""
    decide_all(scorer, range(999))
    labels = [*(label(number) for number in range(999)), label(5, learned_at=NOON + 60)]

    answer = scorer.post("/v1/labels", {"labels": labels})

    assert (answer.status_code, answer.json()["accepted"]) == (200, 999)
    (rejected,) = answer.json()["rejected"]
    assert (rejected["index"], rejected["transaction_id"]) == (999, "5")
    assert counted_labels(scorer) == 999


def test_only_stored_labels_are_counted(scorer):
    """Unknown and repeated labels are not in the metric."""
    decide_all(scorer, range(2))
    for _ in range(3):
        scorer.post("/v1/labels", {"labels": [label(0), label(77)]}).raise_for_status()

    assert counted_labels(scorer) == 1


def test_a_token_comes_and_goes_without_a_restart(scorer):
    """An entry that is added to the access file works within seconds, and one that is removed is refused."""
    path = scorer.home / "secrets" / "access.json"
    before = path.read_text()
    (scorer.home / "secrets" / "kiosk.token").write_text("token-of-a-kiosk")
    entry = {"client": "kiosk", "sha256": hashlib.sha256(b"token-of-a-kiosk").hexdigest(), "scopes": ["read"]}

    def statuses():
        return {scorer.get("/v1/status", "kiosk").status_code for _ in range(10)}

    assert statuses() == {401}
    path.write_text(json.dumps({"clients": [*json.loads(before)["clients"], entry]}))
    wait_for(lambda: statuses() == {200}, "a token that works", 10)
    path.write_text("{")
    wait_for(lambda: "access" in scorer.status()["troubles"], "a trouble", 10)
    assert statuses() == {200}
    path.write_text(before)
    wait_for(lambda: statuses() == {401}, "a token that is refused", 10)


def test_a_broken_access_file_ends_no_service(scorer):
    """A worker that is replaced while the file is broken waits for it, and the other one goes on."""
    path = scorer.home / "secrets" / "access.json"
    before, victim = path.read_text(), scorer.workers()[0]
    path.write_text("{")
    time.sleep(1)
    os.kill(victim, signal.SIGKILL)
    wait_for(lambda: victim not in scorer.workers() and len(scorer.workers()) == 2, "a new worker")
    time.sleep(3)
    assert scorer.master.poll() is None
    path.write_text(before)
    wait_for(lambda: {answer.status for answer in decide_all(scorer, range(20))} == {200}, "decisions", 20)


def test_a_dead_guard_is_remembered(scorer):
    """More than two minutes after the guard was killed, status and readiness still say since when it is silent."""
    scorer.start_guard()
    wait_for(lambda: scorer.status()["guard"], "a guard")
    scorer.guard.send_signal(signal.SIGKILL)
    scorer.guard.wait()
    time.sleep(126)

    assert scorer.status()["guard"]["silent_since"]
    assert "silent since" in scorer.get("/readyz").text


def test_metrics_are_for_those_who_may_read_them(build, scorer_of):
    """A scorer that listens on all addresses shows its metrics to a token with the scope only."""
    with scorer_of(build(), host="0.0.0.0") as scorer:  # noqa: S104 the address that the test is about
        assert httpx.get(f"{scorer.url}/metrics", timeout=10).status_code == 401
        assert scorer.get("/metrics").status_code == 403
        assert "antifraud_decision_seconds" in scorer.get("/metrics", "metrics").text
