"""Pauses between attempts: random up to a doubling ceiling, as long as the scorer asks, never past the deadline."""

import random
from types import SimpleNamespace

import pytest

from antifraud.client.answers import Reply, require_success
from antifraud.client.attempts import Attempts
from antifraud.client.errors import ClientError, Unreachable


@pytest.fixture(autouse=True)
def clock(monkeypatch):
    """A clock that stands still."""
    clock = SimpleNamespace(now=0.0)
    monkeypatch.setattr("antifraud.client.attempts.time", SimpleNamespace(monotonic=lambda: clock.now))
    return clock


def test_the_jitter_is_full():
    """Pauses lie anywhere between nothing and the ceiling, which doubles up to a second."""
    random.seed(1)
    ceilings = [0.05, 0.1, 0.2, 0.4, 0.8, 1.0, 1.0]
    pauses = []
    for _ in range(400):
        attempts = Attempts(1_000.0)
        pauses.append([attempts.pause_after(Unreachable("no")) for _ in ceilings])

    for number, ceiling in enumerate(ceilings):
        column = [row[number] for row in pauses]
        assert 0 <= min(column) < 0.05 * ceiling
        assert 0.95 * ceiling < max(column) <= ceiling
        assert sum(column) / 400 == pytest.approx(ceiling / 2, rel=0.15)


def test_a_pause_is_never_shorter_than_the_scorer_asks():
    """The jitter comes on top of ``Retry-After``, so that clients do not come back together."""
    pauses = [Attempts(1_000.0).pause_after(Unreachable("no", retry_after=3.0)) for _ in range(50)]

    assert min(pauses) >= 3.0
    assert max(pauses) <= 3.05
    assert len(set(pauses)) == 50


def test_no_pause_ends_after_the_deadline(clock):
    """The error is raised instead, and it is the one of the last attempt."""
    attempts, error = Attempts(2.0), Unreachable("no", retry_after=1.0)
    assert attempts.pause_after(error) < 1.1
    clock.now = 1.2
    with pytest.raises(Unreachable) as caught:
        attempts.pause_after(error)
    assert caught.value is error


def test_an_attempt_takes_half_of_what_is_left(clock):
    """So another attempt is possible after one that was lost; a short rest is not divided."""
    attempts = Attempts(2.0)
    limits = []
    for clock.now in (0.0, 1.0, 1.5, 1.95, 2.5):
        limits.append(attempts.limit())

    assert limits == pytest.approx([1.0, 0.5, 0.25, 0.05, 0.0])


NOON = "Mon, 30 Nov 2026 12:00:00 GMT"
WAITS = [
    ({"Retry-After": "7"}, 7.0),
    ({"Retry-After": " 7 "}, 7.0),
    ({"Retry-After": "Mon, 30 Nov 2026 12:00:09 GMT", "Date": NOON}, 9.0),
    ({"Retry-After": "Monday, 30-Nov-26 12:00:09 GMT", "Date": NOON}, 9.0),
    ({"Retry-After": "Mon, 30 Nov 2026 11:00:00 GMT", "Date": NOON}, 0.0),
    ({"Retry-After": "-1"}, None),
    ({"Retry-After": "soon"}, None),
    ({"Retry-After": "1.5"}, None),
    ({"Retry-After": "²"}, None),
    ({"Retry-After": ""}, None),
    ({"Retry-After": "Mon, 99 Nov 2026 12:00:00 GMT"}, None),
    ({}, None),
]


@pytest.mark.parametrize(("headers", "seconds"), WAITS, ids=range(len(WAITS)))
def test_the_time_to_wait_is_seconds_or_a_date(headers, seconds):
    """A date counts from the server's own time; anything else is no time to wait."""
    with pytest.raises(ClientError) as caught:
        require_success(Reply(429, headers, b""))
    assert caught.value.retry_after == seconds


def test_without_a_date_of_the_server_the_own_clock_counts(monkeypatch):
    """A server that does not tell its time is believed to have ours."""
    monkeypatch.setattr("antifraud.client.answers.time", SimpleNamespace(time=lambda: 1_796_040_000.0))
    with pytest.raises(ClientError) as caught:
        require_success(Reply(503, {"Retry-After": "Mon, 30 Nov 2026 12:00:30 GMT"}, b""))
    assert caught.value.retry_after == 30.0
