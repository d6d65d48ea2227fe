"""A worker knows that the guard is silent, whatever the clocks of both say, and forgets it never."""

import json

import pytest

from serving.worker.guard_watch import GuardWatch


class Times:
    """A clock of the worker's own, and wall time."""

    def __init__(self):
        self.own, self.wall = 500.0, 1_000_000

    def pass_by(self, seconds):
        """Let both go on."""
        self.own += seconds
        self.wall += seconds


@pytest.fixture
def times():
    return Times()


@pytest.fixture
def watch(times):
    return GuardWatch(clock=lambda: times.own, wall=lambda: times.wall)


def report(at):
    return json.dumps({"role": "guard", "pid": 7, "at": at}).encode()


def test_a_guard_is_silent_after_two_minutes(times, watch):
    """At 120 s it may still be late; a second later it is silent, and a new report ends that."""
    watch.listen(report(times.wall))
    times.pass_by(120)
    assert (watch.is_silent, watch.warnings) == (False, ())
    times.pass_by(1)
    assert (watch.is_silent, watch.warnings) == (True, ("guard_silent",))
    watch.listen(report(times.wall))
    assert watch.warnings == ()


@pytest.mark.parametrize("apart", [-86_400, 86_400])
def test_clocks_apart_neither_hide_nor_invent_silence(times, watch, apart):
    """The guard's clock is a day off: while it reports it is not silent, and two minutes later it is."""
    for _ in range(3):
        times.pass_by(2)
        watch.listen(report(times.wall + apart))
    assert watch.is_silent is False
    times.pass_by(121)
    watch.listen(report(times.wall - 121 + apart))
    assert watch.is_silent is True


def test_a_clock_that_is_set_back_does_not_hide_silence(times, watch):
    """Wall time jumps back by an hour after the guard has died."""
    watch.listen(report(times.wall))
    times.wall -= 3_600
    times.own += 121
    assert watch.is_silent is True


def test_a_restarted_worker_knows_a_dead_guard_at_once(times, watch):
    """The time in the first report counts: a restart of the scorer is no sign of life of the guard."""
    watch.listen(report(times.wall - 7_200))

    assert watch.is_silent is True
    assert watch.describe() == {
        "role": "guard", "pid": 7, "at": 992_800, "age": 7_200, "silent_since": "1970-01-12T11:46:40+00:00",
    }  # fmt: skip


def test_a_guard_that_never_reported_is_silent_since_somebody_listens(times, watch):
    """There is nothing to describe, and still everybody is warned."""
    watch.listen(None)
    times.pass_by(121)

    assert (watch.describe(), watch.warnings) == (None, ("guard_silent",))


def test_silence_can_be_no_news(times):
    """Somebody has set the policy off; the status still says since when."""
    watch = GuardWatch(is_watched=False, clock=lambda: times.own, wall=lambda: times.wall)
    watch.listen(report(times.wall - 7_200))

    assert (watch.warnings, watch.describe()["silent_since"]) == ((), "1970-01-12T11:46:40+00:00")
