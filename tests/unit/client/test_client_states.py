"""The callback of a client hears of each state once, and of no older one."""

import asyncio

import httpx
import pytest

from antifraud.api.state import HEADER, ServiceState, spell_state
from antifraud.client import AsyncScorerClient, ScorerClient, Suspended
from antifraud.client.states import States

SERVING = ServiceState("SERVING", 4, 1_000, "admin")
SUSPENDED = ServiceState("SUSPENDED", 5, 2_000, "trip", ("guard_silent",))


def headers(state):
    return {HEADER: spell_state(state)}


def heard(*states):
    """The states that a callback hears of, one answer after the other."""
    told = []
    client = States(told.append)
    for state in states:
        client.hear(headers(state))
    return told


def test_a_change_is_told_once():
    """Answers that tell what is known call nobody."""
    assert heard(SERVING, SERVING, SUSPENDED, SUSPENDED, SUSPENDED) == [SERVING, SUSPENDED]


def test_an_answer_that_was_overtaken_is_no_news():
    """A worker that has not seen a change yet says the state of before."""
    assert heard(SERVING, SUSPENDED, SERVING, SUSPENDED) == [SERVING, SUSPENDED]


def test_a_new_store_counts_from_the_beginning():
    """The time of the change comes first: epoch 1 of a new store is news."""
    again = ServiceState("SERVING", 1, 3_000)

    assert heard(SUSPENDED, again) == [SUSPENDED, again]


def test_a_service_without_a_store_is_news_both_ways():
    """Neither epoch nor time are known meanwhile."""
    lost = ServiceState("SUSPENDED", cause="store")

    assert heard(SERVING, lost, SERVING) == [SERVING, lost, SERVING]


def test_a_warning_in_the_same_epoch_is_news():
    """The guard falls silent without a change of the switch."""
    warned = ServiceState("SERVING", 4, 1_000, "admin", ("guard_silent",))

    assert heard(SERVING, warned, SERVING) == [SERVING, warned, SERVING]


@pytest.mark.parametrize("sent", [{}, {HEADER: "nonsense;"}, {HEADER: ""}])
def test_other_servers_tell_nothing(sent):
    """A proxy's own answer has no such header."""
    told = []
    States(told.append).hear(sent)
    assert told == []


def answers(state, status=200):
    """A transport whose answers all have one state."""
    body = {"type": "urn:antifraud:problem:suspended", "detail": "no", "cause": state.cause, "since": state.since}
    return httpx.MockTransport(lambda _: httpx.Response(status, json=body, headers=headers(state)))


def test_both_clients_tell_and_a_refusal_tells_too():
    """A suspended service is heard of by the callback, and the error names cause and time."""
    told = []
    with (
        ScorerClient("http://scorer", "s3cret", transport=answers(SUSPENDED, 503), on_state=told.append) as scorer,
        pytest.raises(Suspended) as caught,
    ):
        scorer.status()
    assert (told, caught.value.cause, caught.value.since) == ([SUSPENDED], "trip", 2_000)

    async def ask():
        options = {"transport": answers(SERVING), "on_state": told.append}
        async with AsyncScorerClient("http://scorer", "s3cret", **options) as scorer:
            await scorer.status()

    asyncio.run(ask())
    assert told == [SUSPENDED, SERVING]


def test_without_a_callback_nothing_is_followed():
    """The header costs nobody anything who does not ask."""
    with ScorerClient("http://scorer", "s3cret", transport=answers(SERVING)) as scorer:
        assert scorer.status()["cause"] == "admin"
