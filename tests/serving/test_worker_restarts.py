"""Workers come and go under traffic: killed ones, reloads, slow loading, stops, a store that somebody holds locked."""

import hashlib
import json
import os
import signal
import socket
import threading
import time
from contextlib import contextmanager
from pathlib import Path

import httpx
import lmdb
import pytest

from antifraud.files import exclusive
from tests.serving.load import steady_traffic
from tests.serving.processes import GunicornScorer, wait_for
from tests.serving.scene import promote, transaction

MEMORY = Path("/dev", "shm")


@pytest.fixture(scope="module")
def gunicorn(shared_home):
    """One Gunicorn for all tests here, which use ids of their own."""
    running = GunicornScorer(shared_home).start()
    yield running
    running.stop()


@pytest.fixture
def own_gunicorn(home):
    """A Gunicorn that kills workers without a sign of life for two seconds."""
    running = GunicornScorer(home, GUNICORN_CMD_ARGS="--timeout 2")
    yield running
    running.stop()


@contextmanager
def slow_loading(home):
    """Make every worker that loads meanwhile wait for the verification of its state."""
    markers = home / "run" / "verified-states"
    with exclusive(markers):
        for marker in markers.glob("*.verified"):
            marker.unlink()
        yield


def events(home, name):
    lines = (home / "scorer.log").read_text().splitlines()
    return [json.loads(line) for line in lines if f'"event": "{name}"' in line]


def assert_repaired(gunicorn, traffic):
    """Nothing was lost, no worker accepted before it could decide, and every repeat is the stored answer."""
    assert traffic.errors < 0.2, f"{traffic.errors:.2%} of attempts had to be repeated"
    assert (traffic.lost, traffic.refusals) == ([], [])
    for number, answer in list(traffic.answers.items())[:20]:
        assert gunicorn.post("/v1/decisions", transaction(transaction_id=number)).content == answer


def test_a_killed_worker_costs_nothing_but_repeats(gunicorn):
    """Connections of the killed worker break; its successor accepts when it can decide."""
    with steady_traffic(gunicorn, 1_000_000) as traffic:
        wait_for(lambda: len(traffic.answers) > 20, "traffic")
        victim = gunicorn.workers()[0]
        os.kill(victim, signal.SIGKILL)
        wait_for(lambda: victim not in gunicorn.workers() and gunicorn.is_ready(), "a new worker")

    assert_repaired(gunicorn, traffic)


def test_a_killed_master_can_be_started_again_at_once(gunicorn):
    """Its workers leave the address to the new one, however many clients keep their connections open."""
    idle = [httpx.Client() for _ in range(8)]
    for client in idle:
        assert client.get(f"{gunicorn.url}/healthz").status_code == 200
    os.kill(gunicorn.process.pid, signal.SIGKILL)
    gunicorn.process.wait()

    gunicorn.start()

    assert gunicorn.post("/v1/decisions", transaction(transaction_id=5_000_000)).status_code == 200
    for client in idle:
        client.close()


def test_a_reload_keeps_the_old_workers_until_the_new_ones_can_decide(gunicorn, shared_home):
    """While the new workers load, decisions go on; then the old ones leave."""
    old = set(gunicorn.workers())
    with steady_traffic(gunicorn, 2_000_000) as traffic:
        with slow_loading(shared_home):
            gunicorn.process.send_signal(signal.SIGHUP)
            wait_for(lambda: len(gunicorn.workers()) == 4, "new workers beside the old ones")
            before = len(traffic.answers)
            # Longer than Gunicorn gives the old workers to leave, so that it tells them again and again.
            time.sleep(12)
            assert old < set(gunicorn.workers())
            assert len(traffic.answers) > before + 20
        wait_for(lambda: not old & set(gunicorn.workers()) and gunicorn.is_ready(), "the new workers alone")

    assert_repaired(gunicorn, traffic)


def test_a_swap_of_the_release_refuses_nobody(gunicorn, shared_home):
    """Under traffic the pointer goes forth and back, and every request is decided at once."""
    with steady_traffic(gunicorn, 3_000_000) as traffic:
        for release in ("second", "first"):
            promote(shared_home, release)
            wait_until_served(gunicorn, release)

    assert (traffic.broken, traffic.refusals, traffic.lost) == (0, [], [])
    assert {json.loads(answer)["release"] for answer in traffic.answers.values()} == {"first", "second"}


def wait_until_served(gunicorn, release):
    def is_served():
        status = gunicorn.get("/v1/status").json()
        recent = [worker for worker in status["workers"] if worker["age"] <= 3]
        return len(recent) == 2 and all(worker["release"] == release for worker in recent)

    wait_for(is_served, f"both workers to serve {release}")


def test_the_state_is_verified_once_a_host(own_gunicorn, home):
    """Two workers start and one is restarted: one of the three reads the whole file."""
    own_gunicorn.start()
    victim = own_gunicorn.workers()[0]
    os.kill(victim, signal.SIGKILL)
    wait_for(lambda: victim not in own_gunicorn.workers() and own_gunicorn.is_ready(), "a new worker")

    assert len(events(home, "serving")) == 3
    assert [event["state"] for event in events(home, "state verified")] == ["2024-10-03-00000001"]


def test_a_worker_that_loads_for_long_is_not_killed(own_gunicorn, home):
    """Loading takes longer than Gunicorn waits for a sign of life, and nobody accepts before its end."""
    with slow_loading(home):
        starting = wait_in_thread(own_gunicorn.start)
        wait_for(lambda: own_gunicorn.process and len(own_gunicorn.workers()) == 2, "two workers")
        loading = own_gunicorn.workers()
        time.sleep(6)
        with pytest.raises(httpx.ReadTimeout):
            httpx.get(f"{own_gunicorn.url}/readyz", timeout=1)
    starting.join()

    assert own_gunicorn.workers() == loading
    assert "WORKER TIMEOUT" not in (home / "scorer.log").read_text()


def wait_in_thread(target):
    """Run `target` in a thread."""
    thread = threading.Thread(target=target)
    thread.start()
    return thread


def test_a_stop_during_a_reload_is_not_delayed(own_gunicorn, home):
    """Neither loading workers nor old ones that wait for them keep the service from ending."""
    own_gunicorn.start()
    with slow_loading(home):
        own_gunicorn.process.send_signal(signal.SIGHUP)
        wait_for(lambda: len(own_gunicorn.workers()) == 4, "new workers beside the old ones")
        time.sleep(2)
        began = time.monotonic()
        own_gunicorn.process.terminate()
        own_gunicorn.process.wait(timeout=30)

    assert time.monotonic() - began < 20
    # By themselves: Gunicorn has killed none of the four.
    assert (home / "scorer.log").read_text().count("Worker exiting") == 4


def test_health_is_answered_while_the_store_is_locked(own_gunicorn, home):
    """All threads wait for the store, longer than Gunicorn waits for a sign of life; health checks do not wait."""
    own_gunicorn.start()
    workers = own_gunicorn.workers()
    with lmdb.open(str(home / "store"), max_dbs=32, map_size=1 << 28) as store, steady_traffic(own_gunicorn, 1) as sent:
        with store.begin(write=True):
            waiting = [wait_in_thread(lambda n=n: try_to_decide(own_gunicorn, n)) for n in range(40)]
            time.sleep(5)
            seconds = [answer_seconds(own_gunicorn, path) for path in ("/healthz", "/metrics") for _ in range(10)]
        before = len(sent.answers)
        wait_for(lambda: len(sent.answers) > before + 20, "decisions to go on")
        for thread in waiting:
            thread.join()

    assert max(seconds) < 8
    assert own_gunicorn.workers() == workers
    assert sent.lost == []


@pytest.mark.prove
def test_clients_that_stall_hold_no_thread_for_ever(gunicorn):
    """More clients than there are threads stop in the middle of a request: others are served, and each gets a 408."""
    stalled = [socket.create_connection(("127.0.0.1", gunicorn.port), timeout=60) for _ in range(20)]
    for connection in stalled:
        connection.sendall(b"POST /v1/decisions HTTP/1.1\r\nHost: x\r\n")

    assert gunicorn.post("/v1/decisions", transaction(transaction_id=8_000_000)).status_code == 200
    answers = [connection.recv(1_024) for connection in stalled]
    ends = [connection.recv(1_024) for connection in stalled]

    assert {answer.partition(b"\r\n")[0] for answer in answers} == {b"HTTP/1.1 408 REQUEST TIMEOUT"}
    assert ends == [b""] * 20
    assert gunicorn.post("/v1/decisions", transaction(transaction_id=8_000_001)).status_code == 200
    for connection in stalled:
        connection.close()


def try_to_decide(gunicorn, number):
    try:
        gunicorn.post("/v1/decisions", transaction(transaction_id=9_000_000 + number))
    except httpx.TimeoutException:
        return


def answer_seconds(gunicorn, path):
    began = time.monotonic()
    assert httpx.get(gunicorn.url + path, timeout=10).status_code == 200
    return time.monotonic() - began


def test_metrics_are_in_memory_and_go_with_the_service(own_gunicorn, home):
    """The folder is private, survives a reload, and is removed at the end."""
    pattern = f"antifraud-metrics-{hashlib.sha256(str(home).encode()).hexdigest()[:12]}-*"
    own_gunicorn.start()
    (folder,) = MEMORY.glob(pattern)
    own_gunicorn.process.send_signal(signal.SIGHUP)
    wait_for(lambda: len(list(folder.glob("gauge_livemin_*.db"))) == 2 and own_gunicorn.is_ready(), "the reload")

    assert "antifraud_state_cutoff_day" in httpx.get(f"{own_gunicorn.url}/metrics").text
    own_gunicorn.stop()
    assert list(MEMORY.glob(pattern)) == []


def test_a_worker_without_a_release_starts_and_says_so(own_gunicorn, home):
    """Nothing to serve is no reason not to start: requests get 503, and a promotion helps without a restart."""
    pointer = home / "releases" / "pointer.json"
    pointer.rename(home / "away.json")
    starting = wait_in_thread(own_gunicorn.start)
    wait_for(lambda: own_gunicorn.process and answers(own_gunicorn, "/readyz", 503), "an answer")
    (home / "away.json").rename(pointer)
    starting.join()

    assert own_gunicorn.post("/v1/decisions", transaction()).status_code == 200


def answers(gunicorn, path, status):
    try:
        return httpx.get(gunicorn.url + path, timeout=5).status_code == status
    except httpx.TransportError:
        return False
