"""A worker loads before it accepts: kills and restarts under load cost nothing that a retry does not repair."""

import os
import signal
import time

import pytest

from bench.serving.load import REFUSED, Load, share_of_errors
from bench.serving.processes import wait_for
from tests.blackbox.traffic import transaction

ENTITIES = 500_000
CLIENTS = 4


@pytest.fixture(scope="module")
def large(world_of, build):
    """A home with a state of half a million entities."""
    return build(source=world_of("--entities", str(ENTITIES)))


def disturb(scorer, action):
    """Run a steady load, disturb the scorer in the middle, and return the notes and the span of the disturbance."""
    with Load(scorer, transaction, rate=80, clients=CLIENTS) as load:
        time.sleep(2)
        began, workers = time.monotonic(), scorer.workers()
        action(workers)
        wait_for(lambda: set(scorer.workers()) != set(workers) and scorer.is_ready(), "new workers")
        time.sleep(1)
        ended = time.monotonic()
        time.sleep(1)
    return load.notes, began, ended


def test_a_killed_worker_costs_only_its_own_request(large, scorer_of):
    """After SIGKILL of one worker, nobody is told that a worker is not ready, and retries repair the cut connection."""
    with scorer_of(large) as scorer:
        notes, began, ended = disturb(scorer, lambda workers: os.kill(workers[0], signal.SIGKILL))

    assert notes.unanswered == []
    assert {a.status for a in notes.every()} <= {200, REFUSED}
    assert share_of_errors(notes, began, ended) < 0.05


def test_a_reload_costs_no_refusal(large, scorer_of):
    """HUP replaces both workers; at most a connection that an old one had accepted is cut, and a retry repairs it."""
    with scorer_of(large) as scorer:
        notes, began, ended = disturb(scorer, lambda _: scorer.master.send_signal(signal.SIGHUP))

    assert notes.unanswered == []
    assert {a.status for a in notes.every()} <= {200, REFUSED}
    assert share_of_errors(notes, began, ended) < 0.05
