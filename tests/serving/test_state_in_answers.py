"""Every answer tells the state of the service, and a guard that is silent shows in all of them."""

import json

import pytest

from antifraud.api.state import HEADER, ServiceState, parse_state
from antifraud.killswitch.machine import GUARD, Level, Note, warn
from serving.worker.guard_watch import GuardWatch
from tests.serving.scene import NOON, Scorer, init_store

CALLS = {
    "decision": lambda scorer: scorer.decide(),
    "repeat": lambda scorer: scorer.decide(),
    "stored": lambda scorer: scorer.get("/v1/decisions/1"),
    "missing": lambda scorer: scorer.get("/v1/decisions/77"),
    "malformed": lambda scorer: scorer.post("/v1/decisions", b"{"),
    "stranger": lambda scorer: scorer.post("/v1/decisions", {}, caller="nobody"),
    "labels": lambda scorer: scorer.post(
        "/v1/labels", {"labels": [{"transaction_id": 1, "status": "fraud", "learned_at": NOON}]}
    ),
    "status": lambda scorer: scorer.get("/v1/status"),
    "switch": lambda scorer: scorer.switch("suspend", 99),
    "alive": lambda scorer: scorer.client.get("/healthz"),
    "ready": lambda scorer: scorer.client.get("/readyz"),
    "metrics": lambda scorer: scorer.client.get("/metrics"),
    "openapi": lambda scorer: scorer.client.get("/openapi.json"),
    "docs": lambda scorer: scorer.client.get("/docs"),
    "nowhere": lambda scorer: scorer.client.get("/nowhere"),
}


class Times:
    """The clocks of a worker that hears the guard."""

    own, wall = 0.0, 1_000_000


def state_of(answer):
    return parse_state(answer.headers[HEADER])


def beat(scorer, at):
    """Let the guard report at this wall time."""
    scorer.store.report("guard", json.dumps({"role": "guard", "pid": 7, "at": at}).encode())
    scorer.poller.poll()


@pytest.fixture
def times(scorer):
    """Clocks of the scorer's worker, which tests set."""
    times = Times()
    scorer.services.guard = GuardWatch(clock=lambda: times.own, wall=lambda: times.wall)
    return times


def test_every_answer_tells_the_state(scorer, times):
    """Success, refusal, repeat, probe, metrics and pages alike."""
    beat(scorer, times.wall)
    switch = scorer.store.switch()
    expected = ServiceState("SERVING", switch.epoch, switch.at, "admin")

    assert {name: state_of(call(scorer)) for name, call in CALLS.items()} == dict.fromkeys(CALLS, expected)


def test_a_silent_guard_shows_in_every_answer_and_metric(scorer, times):
    """After two minutes, until it reports again; a repeat has the bytes of the first answer nevertheless."""
    beat(scorer, times.wall)
    first = scorer.decide(transaction_id=5)
    times.own += 121
    scorer.poller.poll()

    assert {name: state_of(call(scorer)).warnings for name, call in CALLS.items()} == dict.fromkeys(
        CALLS, ("guard_silent",)
    )
    assert scorer.decide(transaction_id=5).data == first.data
    assert "antifraud_guard_silent 1.0" in scorer.client.get("/metrics").text
    assert scorer.client.get("/readyz").json["warnings"] == ["guard silent since 1970-01-12T13:46:40+00:00"]
    assert scorer.get("/v1/status").json["guard"]["silent_since"] == "1970-01-12T13:46:40+00:00"

    times.own += 86_400
    scorer.poller.poll()
    assert state_of(scorer.decide()).warnings == ("guard_silent",)

    beat(scorer, times.wall + 86_521)
    assert {name: state_of(call(scorer)).warnings for name, call in CALLS.items()} == dict.fromkeys(CALLS, ())
    assert "antifraud_guard_silent 0.0" in scorer.client.get("/metrics").text


def test_a_guard_that_was_never_there_shows_too(scorer, times):
    """Nobody has started one: after two minutes everybody knows."""
    times.own += 121
    scorer.poller.poll()

    assert state_of(scorer.decide()).warnings == ("guard_silent",)
    assert scorer.client.get("/readyz").json["warnings"] == ["no guard has ever reported"]
    assert scorer.get("/v1/status").json["guard"] is None


def test_a_suspended_service_says_why_and_since_when(scorer, times):
    """The problem has cause and time, `Retry-After` says when to ask again, and the header says the same."""
    beat(scorer, times.wall)
    epoch = scorer.store.switch().epoch
    scorer.switch("suspend", epoch)

    answer = scorer.decide()

    assert (answer.status_code, answer.headers["Retry-After"]) == (503, "30")
    assert (answer.json["type"], answer.json["cause"], answer.json["since"]) == (
        "urn:antifraud:problem:suspended", "admin", NOON,
    )  # fmt: skip
    assert state_of(answer) == ServiceState("SUSPENDED", epoch + 1, NOON, "admin")


def test_a_change_shows_in_the_next_decision(scorer, times):
    """A decision reads the switch itself, so its header does not wait for the poller."""
    beat(scorer, times.wall)
    epoch = scorer.store.switch().epoch
    scorer.switch("suspend", epoch)
    scorer.switch("resume", epoch + 1)

    assert state_of(scorer.decide()).epoch == epoch + 2


def test_a_service_without_its_store_says_so(scorer, home):
    """Mode and cause are known, epoch and time are not; the problem says since when the store is away."""
    scorer.close()
    (home / "store").rename(home / "away")
    scorer.poller.poll()

    answer = scorer.decide()
    assert state_of(answer) == ServiceState("SUSPENDED", cause="store")
    assert (answer.status_code, answer.headers["Retry-After"]) == (503, "30")
    assert (answer.json["cause"], answer.json["since"]) == ("store", NOON)
    (home / "away").rename(home / "store")
    scorer.poller.poll()
    assert state_of(scorer.decide()).mode == "SERVING"


def test_a_worker_that_has_nothing_to_serve_names_the_cause(tmp_path):
    """Nothing was promoted: there is no trouble, and so no time at which one began."""
    init_store(tmp_path)
    scorer = Scorer(tmp_path)
    scorer.poller.poll()
    try:
        answer = scorer.decide()
        assert (answer.status_code, answer.headers["Retry-After"]) == (503, "1")
        assert (answer.json["cause"], "since" in answer.json) == ("nothing_loaded", False)
        (tmp_path / "releases" / "pointer.json").write_text("{")
        scorer.poller.poll()
        answer = scorer.decide()
        assert (answer.json["cause"], answer.json["since"]) == ("release", NOON)
    finally:
        scorer.close()


def test_warnings_of_the_guard_show_beside_its_silence(scorer, times):
    """A dead guard's last warnings stay, because nobody has said that they are over."""
    switch = warn(scorer.store.switch(), {"store_fill": Level.WARN}, Note("full", GUARD, NOON))
    assert scorer.store.commit_signals(b"{}", [switch])
    times.own += 121
    scorer.poller.poll()

    assert state_of(scorer.decide()).warnings == ("store_fill", "guard_silent")
    text = scorer.client.get("/metrics").text
    assert 'antifraud_warning{warning="store_fill"} 1.0' in text
    assert 'antifraud_warning{warning="p99"} 0.0' in text
