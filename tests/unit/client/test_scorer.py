"""The SDK sends tokens only, retries what may be retried, and raises typed errors that hold no identifier."""

import datetime as dt
import json

import httpx
import pytest
from standardwebhooks import Webhook

from antifraud.client import (
    BadAnswer,
    ClientError,
    Decision,
    Label,
    Refused,
    ScorerClient,
    Suspended,
    Unreachable,
    verify_webhook,
)  # fmt: skip
from antifraud.keys.pseudonym import Key, tokenise

KEY = Key("k1", bytes(32))
CUSTOMER, TERMINAL = 483_920_175_566, 120_000_000_017
ANSWER = {
    "transaction_id": "5",
    "decision": "flag",
    "score": 700_000,
    "threshold": 500_000,
    "release": "r1",
    "mode": "SERVING",
    "state_cutoff": "2026-01-01",
    "counted": True,
    "reasons": ["score_above_threshold"],
    "a_field_of_a_later_version": 1,
}
SECRET = "whsec_c2VjcmV0"


class Wire:
    """A transport that returns prepared answers, raises prepared errors, and keeps the requests."""

    def __init__(self, *answers):
        self.answers, self.requests = list(answers), []

    def __call__(self, request):
        """Answer one request."""
        self.requests.append(request)
        answer = self.answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer


def problem(status, slug, retry_after=None):
    headers = {} if retry_after is None else {"Retry-After": str(retry_after)}
    body = {"type": f"urn:antifraud:problem:{slug}", "detail": "because"}
    return httpx.Response(status, json=body, headers=headers)


class Clock:
    """Time that passes only while a client pauses."""

    def __init__(self):
        self.time, self.pauses = 100.0, []

    def monotonic(self):
        """Seconds since some moment."""
        return self.time

    def sleep(self, seconds):
        """Pass the time."""
        self.pauses.append(seconds)
        self.time += seconds


@pytest.fixture(autouse=True)
def clock(monkeypatch):
    """Retries pause as long as they say, without waiting; the jitter is the whole of the longest pause."""
    clock = Clock()
    monkeypatch.setattr("antifraud.client.attempts.time", clock)
    monkeypatch.setattr("antifraud.client.scorer.time", clock)
    monkeypatch.setattr("antifraud.client.attempts.random.uniform", lambda _, longest: longest)
    return clock


def client(wire, key=KEY):
    return ScorerClient("http://scorer", "s3cret", key, transport=httpx.MockTransport(wire))


def decide(wire):
    with client(wire) as scorer:
        return scorer.decide(5, 60, CUSTOMER, TERMINAL, 7_091)


def test_a_decision_is_asked_with_tokens():
    """A request holds tokens and the bearer token; the answer is typed and frozen."""
    wire = Wire(httpx.Response(200, json=ANSWER))

    decision = decide(wire)

    (sent,) = wire.requests
    assert json.loads(sent.content) == {
        "transaction_id": "5",
        "event_time": 60,
        "customer": tokenise(KEY, "customer", CUSTOMER),
        "terminal": tokenise(KEY, "terminal", TERMINAL),
        "amount": 7_091,
    }
    assert sent.headers["Authorization"] == "Bearer s3cret"
    assert decision == Decision(
        transaction_id="5", decision="flag", score=700_000, threshold=500_000, release="r1", mode="SERVING",
        state_cutoff="2026-01-01", counted=True, reasons=("score_above_threshold",), replayed=False,
    )  # fmt: skip
    assert (decision.metadata, decision.decision_id, decision.arrival) == ({}, "", 0)
    with pytest.raises(AttributeError):
        decision.score = 1


def test_a_replay_is_marked():
    """The header of a repeated answer becomes a field."""
    assert decide(Wire(httpx.Response(200, json=ANSWER, headers={"Idempotent-Replayed": "true"}))).replayed


def test_connection_errors_and_unready_scorers_are_asked_again(clock):
    """The same request is sent again, after a doubling pause or after the pause that the scorer asks for."""
    wire = Wire(
        httpx.ConnectError("no"), httpx.ReadTimeout("slow"), problem(502, "x"), problem(503, "not-ready", 1),
        httpx.Response(200, json=ANSWER),
    )  # fmt: skip

    assert decide(wire).score == 700_000
    assert len({request.content for request in wire.requests}) == 1
    assert len({request.headers["X-Request-Id"] for request in wire.requests}) == 1
    assert clock.pauses == pytest.approx([0.05, 0.1, 0.2, 1.4])


@pytest.mark.parametrize("status", [408, 425, 429, 500, 502, 503, 504, 599])
def test_what_the_id_makes_safe_is_sent_again(clock, status):
    """An answer that another attempt may change is no answer yet, with or without a time to wait."""
    wire = Wire(problem(status, "x"), httpx.Response(status, text="<p>busy</p>"), httpx.Response(200, json=ANSWER))

    assert decide(wire).score == 700_000
    assert clock.pauses == pytest.approx([0.05, 0.1])


def test_it_gives_up_at_the_deadline(clock):
    """Retries are bounded by the deadline and end in a typed error."""
    wire = Wire(*[httpx.ConnectError("no")] * 9)

    with pytest.raises(Unreachable, match=r"did not answer \(ConnectError\)"):
        decide(wire)
    assert clock.pauses == pytest.approx([0.05, 0.1, 0.2, 0.4, 0.8])
    assert len(wire.requests) == 6


def test_a_wait_beyond_the_deadline_is_not_begun(clock):
    """If the scorer asks for a longer wait than the deadline leaves, the call ends at once and says how long."""
    wire = Wire(problem(429, "too-many-requests", 30))

    with pytest.raises(Unreachable, match="answered 429: because") as caught:
        decide(wire)
    assert (caught.value.retry_after, caught.value.status, caught.value.kind) == (30, 429, "too-many-requests")
    assert clock.pauses == []


def test_suspension_is_told_at_once():
    """A suspended service is no reason to wait: the caller decides without it."""
    wire = Wire(problem(503, "suspended", 30))

    with pytest.raises(Suspended, match="ask again in 30 s") as caught:
        decide(wire)
    assert (caught.value.retry_after, len(wire.requests)) == (30, 1)


@pytest.mark.parametrize("status", [301, 400, 401, 403, 409, 413, 422])
def test_a_refusal_is_final(status):
    """A refused request is not repeated."""
    wire = Wire(problem(status, "x"))

    with pytest.raises(Refused, match=f"refused with {status}: because") as caught:
        decide(wire)
    assert (caught.value.status, caught.value.kind, len(wire.requests)) == (status, "x", 1)


OTHERS = [
    httpx.Response(404, text=f"<p>{CUSTOMER}</p>"),
    httpx.Response(404, json={"type": "about:blank", "detail": f"{CUSTOMER}"}),
    httpx.Response(404, json={"type": "urn:antifraud:problem:not-found", "detail": f"\x1b[2J{CUSTOMER}"}),
    httpx.Response(404, json={"type": "urn:antifraud:problem:not-found", "detail": f"{CUSTOMER}" * 200}),
    httpx.Response(404, json=[CUSTOMER]),
]


@pytest.mark.parametrize("answer", OTHERS, ids=["page", "problem", "control", "long", "list"])
def test_an_answer_of_something_else_is_a_refusal(answer):
    """The error does not repeat a proxy's page or document."""
    with pytest.raises(Refused, match=r"404: no problem document$"):
        decide(Wire(answer))


GARBAGE = [
    b"",
    b"<html>login</html>",
    b"{",
    b"[]",
    b"null",
    b"{}",
    b'{"decision": "flag"}',
    b"\xff\xfe",
    b"[" * 100_000,
]
GARBAGE += [json.dumps({**ANSWER, "score": value}).encode() for value in ("7", None, 0.5, -1, 1_000_001)]
GARBAGE += [json.dumps({**ANSWER, "decision": "perhaps"}).encode(), json.dumps(ANSWER).encode()[:-1]]


@pytest.mark.parametrize("content", GARBAGE, ids=range(len(GARBAGE)))
def test_garbage_in_a_success_is_a_typed_error(content):
    """A page, a cut document or another form in a 200 is no decision, and is not repeated in the error."""
    wire = Wire(httpx.Response(200, content=content))

    with pytest.raises(BadAnswer, match="the answer with status 200 is not one of the scorer's") as caught:
        decide(wire)
    assert (caught.value.status, len(wire.requests)) == (200, 1)
    assert "login" not in str(caught.value)


def test_an_endless_answer_is_no_answer():
    """An answer that is larger than any of the scorer's is a typed error."""
    with pytest.raises(BadAnswer):
        decide(Wire(httpx.Response(200, content=b'{"a":"' + b"a" * (1 << 22) + b'"}')))


def test_metadata_go_and_come_back():
    """Metadata are sent as they are, and the answer has what the scorer keeps."""
    wire = Wire(httpx.Response(200, json={**ANSWER, "metadata": {"till": "3"}}))

    with client(wire) as scorer:
        decision = scorer.decide(5, 60, CUSTOMER, TERMINAL, 7_091, metadata={"till": "4"})

    assert json.loads(wire.requests[0].content)["metadata"] == {"till": "4"}
    assert decision.metadata == {"till": "3"}


def test_a_value_that_is_no_json_is_a_typed_error():
    """A value that cannot be sent ends in an error without the value, and nothing is sent."""
    wire = Wire()
    with pytest.raises(ClientError, match=r"the request is no JSON \(TypeError\)") as caught:
        client(wire).decide(5, 60, CUSTOMER, TERMINAL, object())
    assert (wire.requests, "object" in str(caught.value)) == ([], False)


@pytest.mark.parametrize("answer", [problem(422, "invalid"), problem(503, "suspended"), httpx.ConnectError("no")])
def test_no_error_or_repr_holds_an_identifier_or_a_secret(answer):
    """No error or repr holds raw ids, tokens, the key or the bearer token."""
    wire = Wire(*[answer] * 9)
    scorer = client(wire)
    with pytest.raises(ClientError) as caught:
        scorer.decide(5, 60, CUSTOMER, TERMINAL, 7_091)

    said = f"{caught.value!r} {caught.value} {scorer!r} {caught.value.__cause__!r}"
    secrets = (str(CUSTOMER), str(TERMINAL), tokenise(KEY, "customer", CUSTOMER), "s3cret")
    assert [secret for secret in secrets if secret in said] == []


def test_deciding_needs_a_key():
    """A client without a key can make every other request."""
    with pytest.raises(ClientError, match="no key to make tokens with"):
        client(Wire(), key=None).decide(5, 60, CUSTOMER, TERMINAL, 7_091)


def test_a_rejected_label_is_an_error():
    """No label is lost silently: the error names the first one that was not stored, and why."""
    rejected = [{"index": n, "transaction_id": "5", "reason": "learned_at lies in the future: later"} for n in (3, 4)]
    answer = {"accepted": 3, "unknown_transactions": [], "rejected": rejected}
    scorer = client(Wire(httpx.Response(200, json=answer)), key=None)

    with pytest.raises(Refused, match=r"labels\[3\] \(and 1 others\) not stored.*in the future"):
        scorer.label([Label(5, "fraud", 99)] * 5)


def test_labels_status_and_switch():
    """The other calls send what the interface says."""
    wire = Wire(
        httpx.Response(200, json={"accepted": 1, "unknown_transactions": ["6"]}),
        httpx.Response(200, json={"switch": {"epoch": 3}}),
        httpx.Response(200, json={"epoch": 4}),
        httpx.Response(200, json={"epoch": 5}),
    )
    scorer = client(wire, key=None)

    assert scorer.label([Label(5, "fraud", 99), Label(6, "unknown", 99)]) == ["6"]
    assert scorer.status() == {"switch": {"epoch": 3}}
    assert scorer.suspend("drill", expected_epoch=3) == {"epoch": 4}
    assert scorer.resume("over", expected_epoch=4) == {"epoch": 5}
    labels, status, suspend, resume = wire.requests
    first = {"transaction_id": "5", "status": "fraud", "learned_at": 99}
    assert json.loads(labels.content)["labels"][0] == first
    assert (status.method, status.url.path) == ("GET", "/v1/status")
    assert json.loads(suspend.content) == {"action": "suspend", "reason": "drill", "expected_epoch": 3}
    assert json.loads(resume.content)["action"] == "resume"


def test_every_change_of_the_switch_is_sent_with_what_was_said():
    """A field that was not given is left out, so that an earlier scorer understands the request."""
    wire = Wire(*[httpx.Response(200, json={"epoch": 4})] * 4)
    scorer = client(wire, key=None)

    scorer.suspend("drill", 3, drill=True)
    scorer.resume("over", 3, report="5" * 64, force=True)
    scorer.observe("a trial", 3)
    scorer.roll_back("r1", "r2 is worse", 3, report="5" * 64, drill=True, force=True)

    assert [json.loads(request.content) for request in wire.requests] == [
        {"action": "suspend", "reason": "drill", "expected_epoch": 3, "drill": True},
        {"action": "resume", "reason": "over", "expected_epoch": 3, "report": "5" * 64, "force": True},
        {"action": "observe", "reason": "a trial", "expected_epoch": 3},
        {
            "action": "roll_back", "reason": "r2 is worse", "expected_epoch": 3, "release": "r1", "report": "5" * 64,
            "drill": True, "force": True,
        },
    ]  # fmt: skip


def signed(body, at=None, secret=SECRET):
    at = at or dt.datetime.now(tz=dt.UTC)
    signature = Webhook(secret).sign("n-1", at, body)
    return {"webhook-id": "n-1", "webhook-timestamp": str(int(at.timestamp())), "webhook-signature": signature}


BODY = json.dumps({"id": "n-1", "type": "antifraud.switch.changed", "time": "t", "data": {"mode": "SUSPENDED"}})


def test_a_signed_webhook_becomes_an_event():
    """The event has id, type, time and the switch."""
    event = verify_webhook(SECRET, signed(BODY), BODY.encode())

    assert (event.id, event.type, event.switch) == (
        "n-1",
        "antifraud.switch.changed",
        {"mode": "SUSPENDED"},
    )


OTHER = "whsec_b3RoZXI="


@pytest.mark.parametrize("known", [SECRET, OTHER, [OTHER, SECRET], (SECRET,)], ids=["old", "new", "both", "list"])
def test_during_a_rotation_either_secret_verifies(known):
    """The guard then signs with both, and the receiver may know the old secret, the new one, or both."""
    headers = signed(BODY, secret=OTHER)
    headers["webhook-signature"] += " " + signed(BODY)["webhook-signature"]

    assert verify_webhook(known, headers, BODY.encode()).id == "n-1"


def test_a_receiver_that_knows_both_secrets_takes_a_single_signature():
    """Before and after the rotation, the guard signs with one of them; without any secret nothing verifies."""
    for secret in (SECRET, OTHER):
        assert verify_webhook([OTHER, SECRET], signed(BODY, secret=secret), BODY.encode()).id == "n-1"
    with pytest.raises(ClientError, match="does not verify"):
        verify_webhook([], signed(BODY), BODY.encode())


OLD = dt.datetime(2020, 1, 1, tzinfo=dt.UTC)
FORGED = [
    (signed(BODY, secret="whsec_b3RoZXI="), BODY),
    (signed(BODY), BODY.replace("SUSPENDED", "SERVING")),
    (signed(BODY, at=OLD), BODY),
    ({}, BODY),
    (signed("[]"), "[]"),
    (signed("{"), "{"),
]


@pytest.mark.parametrize(("headers", "body"), FORGED, ids=["secret", "body", "old", "unsigned", "list", "not JSON"])
def test_a_webhook_that_does_not_verify_is_refused(headers, body):
    """Another secret, an altered body, an old or missing signature and another document are refused."""
    with pytest.raises(ClientError, match="does not verify"):
        verify_webhook(SECRET, headers, body.encode())
