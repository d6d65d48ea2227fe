"""Workers report what they use, and ``/v1/status`` says whether all of them use what the pointers name."""

import datetime as dt
import json
import os
import socket

import pytest

from antifraud.artifacts.state_export import StatePointer
from serving.worker.reports import WALL_CLOCK, have_converged, read_guard, read_workers
from tests.serving.scene import DAY, export_state, promote

RELEASE = "r1"
STATE = StatePointer("2024-10-03", "2024-10-03-1", 1)
WORKER = {
    "release": "r1",
    "state": {"cutoff": "2024-10-03", "path": "2024-10-03-1", "sequence": 1, "moved_back": False},
    "epoch": 4,
    "policy": {"version": 3, "sequence": 2},
}


def test_workers_that_use_the_same_have_converged():
    """Release, state and epoch are those of pointers and switch."""
    assert have_converged([WORKER, WORKER], RELEASE, STATE, 4, 2)


@pytest.mark.parametrize(
    ("changes", "epoch"),
    [
        ({"release": "r0"}, 4),
        ({"release": None}, 4),
        ({"state": None}, 4),
        ({"epoch": 3}, 4),
        ({}, 5),
        ({"policy": None}, 4),
        ({"policy": {"version": 3, "sequence": 1}}, 4),
    ],
)
def test_one_worker_that_stays_behind_is_enough(changes, epoch):
    """A release, a state or an epoch that is not the current one shows."""
    assert not have_converged([WORKER, {**WORKER, **changes}], RELEASE, STATE, epoch, 2)


def test_nothing_has_converged_without_workers_or_pointers():
    """There is nothing to agree about."""
    assert not have_converged([], RELEASE, STATE, 4, 2)
    assert not have_converged([WORKER], None, STATE, 4, 2)
    assert not have_converged([WORKER], RELEASE, None, 4, 2)


def test_only_the_age_of_a_report_counts():
    """A pid that exists nowhere may be one of another host; a clock that is ahead makes no negative age."""
    ages = (0, 60, 61, -5)
    items = [(str(age), json.dumps({"pid": 1 << 30, "at": 1_000 - age}).encode()) for age in ages]

    reports = read_workers(items, 1_000)

    assert [report["age"] for report in reports.alive] == [0, 60, 0]
    assert reports.silent == ["61"]


def test_a_silent_guard_is_not_forgotten():
    """A worker has successors, the guard has none: its last report stays, with the time since when it is silent."""
    beat = json.dumps({"role": "guard", "pid": 7, "at": 1_000}).encode()

    assert read_workers([("guard", beat)], 1_061).silent == []
    assert read_guard({}, 1_061) is None
    assert read_guard({"guard": beat}, 1_060)["silent_since"] is None
    assert read_guard({"guard": beat}, 100_000) == {
        "role": "guard", "pid": 7, "at": 1_000, "age": 99_000, "silent_since": "1970-01-01T00:16:40+00:00",
    }  # fmt: skip


def test_status_readiness_and_metrics_show_a_silent_guard(scorer):
    """The scorer goes on to decide, and says since when nobody watches it."""
    at = WALL_CLOCK.now() - 7_200
    scorer.store.report("guard", json.dumps({"role": "guard", "pid": 7, "at": at}).encode())
    for _ in range(2):
        scorer.poller.poll()

    since = dt.datetime.fromtimestamp(at, dt.UTC).isoformat()
    assert scorer.get("/v1/status").json["guard"]["silent_since"] == since
    assert scorer.get("/v1/status").json["workers"][0]["release"] == "first"
    ready = scorer.client.get("/readyz")
    assert (ready.status_code, ready.json) == (200, {"status": "ready", "warnings": [f"guard silent since {since}"]})
    lines = scorer.client.get("/metrics").text.splitlines()
    (heartbeat,) = [line for line in lines if line.startswith("antifraud_guard_heartbeat_timestamp_seconds ")]
    assert float(heartbeat.split()[1]) == at


def test_the_status_lists_what_every_worker_uses(scorer):
    """Host, pid, release, cut-off, epoch and age of the last poll."""
    status = scorer.get("/v1/status").json

    (worker,) = status["workers"]
    assert (worker["host"], worker["pid"]) == (socket.gethostname(), os.getpid())
    assert (worker["release"], worker["state_cutoff"], worker["epoch"]) == ("first", "2024-10-03", 1)
    assert 0 <= worker["age"] <= 5
    assert status["converged"] is True


def test_a_change_converges_with_the_next_poll(scorer, home):
    """Until a worker has seen a new release, state or epoch, the workers have not converged."""
    changes = [
        lambda: promote(home, "second"),
        lambda: export_state(home / "state", DAY, {}, sequence=2),
        lambda: scorer.switch("suspend", 1),
    ]
    for change in changes:
        change()
        assert scorer.get("/v1/status").json["converged"] is False
        scorer.poller.poll()
        assert scorer.get("/v1/status").json["converged"] is True


def test_a_worker_of_another_host_counts(scorer):
    """Its report has a name of its own, even if it has the same pid."""
    behind = {"host": "elsewhere", "pid": os.getpid(), "at": WALL_CLOCK.now(), "release": "old", "state": None}
    scorer.store.report(f"worker-elsewhere-{os.getpid()}", json.dumps({**behind, "epoch": 0}).encode())

    scorer.poller.poll()

    status = scorer.get("/v1/status").json
    assert {worker["host"] for worker in status["workers"]} == {"elsewhere", socket.gethostname()}
    assert status["converged"] is False


def test_a_broken_pointer_has_not_converged(scorer, home):
    """The status still answers."""
    (home / "releases" / "pointer.json").write_text("{")

    assert scorer.get("/v1/status").json["converged"] is False
