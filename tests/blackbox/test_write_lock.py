"""Locks: whoever holds the store's write lock delays decisions up to a limit, and nothing else."""

import json
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

import pytest

from bench.serving.load import attempt
from bench.serving.processes import wait_for
from tests.blackbox.traffic import MATURED, decide_all, judged, label, transaction

HOLD = """
import lmdb, sys, time
with lmdb.open(sys.argv[1], max_dbs=64, map_size=1 << 30) as environment, environment.begin(write=True):
    print("locked", flush=True)
    time.sleep(600)
"""
PROBE = """
import json, lmdb, select, sys, time
waits = []
with lmdb.open(sys.argv[1], max_dbs=64, map_size=1 << 30, sync=False) as environment:
    while not select.select([sys.stdin], [], [], 0.002)[0]:
        began = time.monotonic()
        with environment.begin(write=True):
            waits.append(time.monotonic() - began)
print(json.dumps([wait for wait in waits if wait > 0.0005]))
"""
LABELS = 2_000
SHORT_WAIT = 0.02
"""Seconds that are no stall, whatever their share."""
LONGEST_WAIT = 10
"""Seconds after which a waiting decision must have been refused."""
WORKER_TIMEOUT = 30


@contextmanager
def write_lock(home):
    """Hold the write lock from another process."""
    command = [sys.executable, "-c", HOLD, str(home / "store")]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as holder:
        assert holder.stdout.readline() == b"locked\n"
        try:
            yield
        finally:
            holder.kill()


@contextmanager
def waiting_decisions(scorer):
    """Hold the lock while four clients send decisions, and yield the list of their attempts, which grows."""
    answers, stop, token = [], [], scorer.token()

    def send(first):
        for number in range(first, first + 1_000):
            if stop:
                return
            answers.append(attempt(scorer, transaction(number), token))

    # The lock is released before the clients are waited for.
    with ThreadPoolExecutor(4) as pool, write_lock(scorer.home):
        for place in range(4):
            pool.submit(send, place * 1_000)
        try:
            yield answers
        finally:
            stop.append(True)


def test_health_answers_while_the_lock_is_held(build, scorer_of):
    """/healthz and /readyz answer within a second or two although decisions wait for the lock."""
    with scorer_of(build()) as scorer, waiting_decisions(scorer):
        time.sleep(1)

        for path in ("/healthz", "/readyz") * 5:
            assert scorer.get(path, timeout=2).status_code in {200, 503}
            time.sleep(0.2)


def test_a_waiting_decision_is_refused_in_time(build, scorer_of):
    """Decisions that wait for the lock get 503 with Retry-After within some seconds, and are made afterwards."""
    with scorer_of(build()) as scorer:
        with waiting_decisions(scorer) as answers:
            wait_for(lambda: answers, "a refused decision", LONGEST_WAIT)
            assert {answer.status for answer in list(answers)} == {503}
            assert all(int(answer.headers["retry-after"]) >= 1 for answer in list(answers))

        assert {answer.status for answer in decide_all(scorer, range(20_000, 20_020))} == {200}


@pytest.mark.prove
def test_workers_outlive_a_long_lock(build, scorer_of):
    """A lock that is held for longer than Gunicorn waits for a silent worker kills none."""
    with scorer_of(build()) as scorer:
        workers = scorer.workers()
        with waiting_decisions(scorer):
            time.sleep(WORKER_TIMEOUT + 10)

        assert scorer.workers() == workers


def test_a_guard_that_catches_up_takes_small_bites(build, scorer_of):
    """While the guard judges 2,000 matured labels, nobody waits long for the lock: not a fifth of the whole work."""
    home = build()
    with scorer_of(home) as scorer:
        for number in range(LABELS):  # a terminal of its own for each, so that each makes a block
            decide_all(scorer, [number], terminal=f"k1.{number:022}")
        for start in range(0, LABELS, 500):
            labels = [label(number) for number in range(start, start + 500)]
            scorer.post("/v1/labels", {"labels": labels}).raise_for_status()
        with lock_waits(home) as waits:
            scorer.start_guard(now=MATURED)
            wait_for(lambda: judged(scorer) == LABELS, "a guard without backlog")

    assert max(waits) < max(0.2 * sum(waits), SHORT_WAIT)


@contextmanager
def lock_waits(home):
    """Take the write lock again and again from another process; the list has the seconds of all waits at the end."""
    waits = []
    command = [sys.executable, "-c", PROBE, str(home / "store")]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as probe:
        yield waits
        waits.extend(json.loads(probe.communicate(b"end")[0]))
