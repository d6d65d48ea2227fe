"""The asynchronous client has the surface and the rules of the other one."""

import asyncio
import inspect
import json

import httpx
import pytest

from antifraud.client import AsyncScorerClient, BadAnswer, ClientError, Label, Refused, ScorerClient, Suspended
from antifraud.keys.pseudonym import Key
from tests.unit.client.test_scorer import ANSWER, Wire, client, problem

KEY = Key("k1", bytes(32))
CALLS = ("decide", "decide_all", "tell_outcomes", "label", "status", "suspend", "resume", "observe", "roll_back")


def run(wire, call, key=KEY):
    """Make one call with the asynchronous client."""

    async def make():
        async with AsyncScorerClient("http://scorer", "s3cret", key, transport=httpx.MockTransport(wire)) as scorer:
            return await call(scorer)

    return asyncio.run(make())


def decide(scorer):
    return scorer.decide(5, 60, 1, 2, 3, metadata={"till": "4"})


@pytest.mark.parametrize("name", CALLS)
def test_both_clients_have_one_surface(name):
    """Every call has the same arguments, defaults and result in both clients."""
    plain, awaited = (getattr(kind, name) for kind in (ScorerClient, AsyncScorerClient))

    assert inspect.signature(plain) == inspect.signature(awaited)
    assert inspect.iscoroutinefunction(awaited)
    public = {name for name in vars(ScorerClient) if not name.startswith("_")} - {"close"}
    assert public == {name for name in vars(AsyncScorerClient) if not name.startswith("_")} - {"aclose"} == set(CALLS)


def test_both_clients_send_the_same_request():
    """Method, path, body and headers are equal, except for the id of the request."""
    requests = []
    for send in (lambda wire: decide(client(wire, KEY)), lambda wire: run(wire, decide)):
        wire = Wire(httpx.Response(200, json=ANSWER))
        assert send(wire).score == 700_000
        requests += wire.requests
    first, second = requests

    assert (first.method, first.url, first.content) == (second.method, second.url, second.content)
    ignored = {"x-request-id", "connection"}
    assert {k: v for k, v in first.headers.items() if k not in ignored} == {
        k: v for k, v in second.headers.items() if k not in ignored
    }


def test_an_attempt_that_failed_is_repeated():
    """Connection errors and busy scorers are asked again."""
    wire = Wire(httpx.ConnectError("no"), problem(503, "not-ready"), httpx.Response(200, json=ANSWER))

    assert run(wire, decide).decision == "flag"
    assert len(wire.requests) == 3


FINAL = [
    (problem(422, "unknown-key"), Refused, "unknown-key"),
    (problem(503, "suspended", 30), Suspended, "suspended"),
    (httpx.Response(200, text="<html>"), BadAnswer, ""),
    (httpx.Response(200, content=b'"' + b"a" * (1 << 23) + b'"'), BadAnswer, ""),
]


@pytest.mark.parametrize(("answer", "error", "kind"), FINAL, ids=["refused", "suspended", "page", "endless"])
def test_errors_are_those_of_the_other_client(answer, error, kind):
    """Final answers end in the same typed errors, after one request."""
    wire = Wire(answer)
    with pytest.raises(error) as caught:
        run(wire, decide)
    assert (caught.value.kind, len(wire.requests)) == (kind, 1)


def test_the_other_calls():
    """Labels, status and switch are read as by the other client."""
    wire = Wire(
        httpx.Response(200, json={"accepted": 1, "unknown_transactions": ["6"]}),
        httpx.Response(200, json={"switch": {"epoch": 3}}),
        httpx.Response(200, json={"epoch": 4}),
        httpx.Response(200, json={"epoch": 5}),
    )

    async def make(scorer):
        return [
            await scorer.label([Label(6, "fraud", 99)]),
            await scorer.status(),
            await scorer.suspend("drill", 3),
            await scorer.resume("over", 4),
        ]

    assert run(wire, make, key=None) == [["6"], {"switch": {"epoch": 3}}, {"epoch": 4}, {"epoch": 5}]


def test_the_changes_of_the_switch_are_those_of_the_other_client():
    """Both send the same bodies, each as its arguments say."""
    wire = Wire(*[httpx.Response(200, json={"epoch": 4})] * 3)

    async def make(scorer):
        await scorer.suspend("drill", 3, drill=True)
        await scorer.observe("a trial", 3)
        await scorer.roll_back("r1", "r2 is worse", 3)

    run(wire, make, key=None)

    assert [json.loads(request.content) for request in wire.requests] == [
        {"action": "suspend", "reason": "drill", "expected_epoch": 3, "drill": True},
        {"action": "observe", "reason": "a trial", "expected_epoch": 3},
        {"action": "roll_back", "reason": "r2 is worse", "expected_epoch": 3, "release": "r1"},
    ]


def test_deciding_needs_a_key_and_no_secret_is_shown():
    """A client without a key can make every other request; its text form holds no token."""
    scorer = AsyncScorerClient("http://scorer", "s3cret")
    with pytest.raises(ClientError, match="no key to make tokens with"):
        asyncio.run(decide(scorer))
    assert repr(scorer) == "AsyncScorerClient('http://scorer')"
