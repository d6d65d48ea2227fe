"""A worker reports the requests of the last minute, and forgets older ones."""

import pytest

from antifraud.killswitch.signals import quantile
from serving.worker.recent import SECONDS, Recent


class Clock:
    """Seconds that a test sets."""

    now = 1_000.0

    def __call__(self):
        """The time that was set."""
        return self.now


@pytest.fixture
def clock():
    return Clock()


def test_requests_of_the_last_minute_count(clock):
    """Failures and decisions are told apart; a repeat is a request only."""
    recent = Recent(clock)
    for outcome in ("approve", "flag", "replay", "failed", "not-ready", "refused"):
        recent.add(outcome, 0.02)

    described = recent.describe()

    assert (described["requests"], described["failed"]) == (6, 2)
    assert described["seconds"] == [0, 0, 0, 0, 2, 0, 0, 0, 0, 0, 0]


def test_a_minute_later_nothing_is_left(clock):
    """The oldest of six slots goes after 50 to 60 seconds, also if no request comes."""
    recent = Recent(clock)
    recent.add("approve", 0.001)
    clock.now += 49
    recent.add("approve", 0.001)
    assert recent.describe()["requests"] == 2
    clock.now += 11
    assert recent.describe()["requests"] == 1
    clock.now += 3_600
    assert recent.describe() == {"requests": 0, "failed": 0, "seconds": []}


def test_slow_decisions_show_in_the_quantile(clock):
    """Two of a hundred take 0.2 s, so the slowest one in a hundred lies between 0.1 and 0.25 s."""
    recent = Recent(clock)
    for number in range(100):
        recent.add("approve", 0.2 if number < 2 else 0.004)

    assert quantile(recent.describe()["seconds"], SECONDS, 0.99) == pytest.approx(0.175)
