"""The scorer under a real Gunicorn: two workers, killed ones, new releases, suspension, large bodies."""

import json
import os
import signal
import socket

import httpx
import pytest
from msgspec.structs import replace

from antifraud.client import Label, ScorerClient, Suspended
from tests.serving.processes import GunicornScorer, wait_for
from tests.serving.scene import KEY, NOON, promote, transaction


@pytest.fixture(scope="module")
def gunicorn(shared_home):
    """One Gunicorn for all tests here, which use ids of their own and leave it serving the first release."""
    running = GunicornScorer(shared_home).start()
    yield running
    running.stop()


@pytest.fixture
def epoch(gunicorn):
    """The switch's epoch before the test."""
    return gunicorn.get("/v1/status").json()["switch"]["epoch"]


def by_both_workers(get, wanted):
    """Whether so many answers in a row are as wanted that both workers have given some."""
    return wait_for(lambda: all(get() == wanted for _ in range(20)), f"{wanted} from both workers", 10)


def test_a_killed_scorer_gives_its_first_answer_again(gunicorn):
    """SIGKILL of everything loses no decision: the repeat is the stored answer."""
    first = [gunicorn.post("/v1/decisions", transaction(transaction_id=n)).content for n in range(20)]
    gunicorn.kill()
    gunicorn.start()

    again = [gunicorn.post("/v1/decisions", transaction(transaction_id=n)) for n in range(20)]

    assert [answer.content for answer in again] == first
    assert {answer.headers["Idempotent-Replayed"] for answer in again} == {"true"}


def test_a_killed_worker_is_replaced(gunicorn):
    """The other worker goes on deciding, and soon there are two again."""
    victim, other = wait_for(lambda: len(gunicorn.workers()) == 2 and gunicorn.workers(), "two workers")
    os.kill(victim, signal.SIGKILL)

    assert gunicorn.post("/v1/decisions", transaction(transaction_id=100)).status_code == 200
    wait_for(lambda: victim not in gunicorn.workers() and gunicorn.is_ready(), "a new worker")
    assert other in gunicorn.workers()


def test_both_workers_pick_up_a_new_release(gunicorn, shared_home):
    """Moving the pointer suffices; a broken bundle afterwards changes nothing and is visible."""

    def release():
        return gunicorn.get("/v1/status").json()["release"]

    promote(shared_home, "second")
    assert by_both_workers(release, "second")

    promote(shared_home, "first")
    assert by_both_workers(release, "first")
    assert by_both_workers(lambda: recent_workers(gunicorn), set(gunicorn.workers()))


def recent_workers(gunicorn):
    return {worker["pid"] for worker in gunicorn.get("/v1/status").json()["workers"] if worker["age"] <= 3}


def test_a_suspended_service_refuses_on_both_workers(gunicorn, epoch):
    """New and repeated ids get 503 with Retry-After; after a resume, a repeated id gets its stored answer."""
    decided = gunicorn.post("/v1/decisions", transaction(transaction_id=200)).content
    change = {"action": "suspend", "reason": "a drill", "expected_epoch": epoch}
    assert gunicorn.post("/v1/switch", change, caller="admin").json()["mode"] == "SUSPENDED"

    for n in range(200, 220):
        answer = gunicorn.post("/v1/decisions", transaction(transaction_id=n))
        assert (answer.status_code, answer.headers["Retry-After"]) == (503, "30")
    assert gunicorn.get("/v1/decisions/200").content == decided

    change = {"action": "resume", "reason": "it was one", "expected_epoch": epoch + 1}
    assert gunicorn.post("/v1/switch", change, caller="admin").json()["epoch"] == epoch + 2
    assert gunicorn.post("/v1/decisions", transaction(transaction_id=200)).content == decided


def test_the_sdk_gets_decisions_and_hears_of_a_suspension(gunicorn, epoch):
    """Raw identifiers become tokens in the client, and an admin's suspension reaches it as an error."""
    client = ScorerClient(gunicorn.url, gunicorn.tokens["client"], KEY)
    admin = ScorerClient(gunicorn.url, gunicorn.tokens["admin"])
    with client, admin:
        first = client.decide(300, NOON, 483_920_175_566, 120_000_000_017, 39_000)
        assert (first.decision, first.release, first.replayed) == ("flag", "first", False)
        assert client.decide(300, NOON, 483_920_175_566, 120_000_000_017, 39_000) == replace(first, replayed=True)
        assert client.label([Label(300, "legitimate", NOON), Label(301, "fraud", NOON)]) == ["301"]

        admin.suspend("a drill", epoch)
        with pytest.raises(Suspended, match="ask again in 30 s"):
            client.decide(302, NOON, 1, 2, 100)
        assert admin.resume("it was one", epoch + 1)["mode"] == "SERVING"


def test_a_large_body_is_refused_and_the_worker_lives(gunicorn):
    """10 MB, announced or in chunks, get 413 and leave the worker able to answer the next request."""
    headers = {"Authorization": f"Bearer {gunicorn.tokens['client']}", "Content-Type": "application/json"}

    announced = answer_to_raw(gunicorn.port, headers, b"Content-Length: 10000000\r\n\r\n" + b" " * 200_000)
    chunk = b"10000\r\n" + b" " * 0x10000 + b"\r\n"
    chunked = answer_to_raw(gunicorn.port, headers, b"Transfer-Encoding: chunked\r\n\r\n" + chunk * 4 + b"0\r\n\r\n")

    assert (announced, chunked) == (b"HTTP/1.1 413 REQUEST ENTITY TOO LARGE", b"HTTP/1.1 413 REQUEST ENTITY TOO LARGE")
    assert gunicorn.post("/v1/decisions", transaction(transaction_id=400)).status_code == 200


def answer_to_raw(port, headers, rest):
    with socket.create_connection(("127.0.0.1", port), timeout=10) as connection:
        lines = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
        connection.sendall(f"POST /v1/decisions HTTP/1.1\r\nHost: x\r\n{lines}".encode() + rest)
        return connection.recv(4_096).split(b"\r\n")[0]


def test_metrics_and_logs_cover_both_workers_without_identifiers(gunicorn, shared_home):
    """Counts add up over workers; no token, id or path of a request is in the log."""
    before, logged = decisions_counted(gunicorn), len(routes_logged(shared_home))
    for n in range(10):
        gunicorn.post("/v1/decisions", transaction(transaction_id=9_876_543_210 + n))
    gunicorn.get("/v1/customers/483920175566")

    assert decisions_counted(gunicorn) - before == 10
    assert routes_logged(shared_home)[logged:].count("/v1/decisions") == 10
    log = (shared_home / "scorer.log").read_text()
    assert [secret for secret in (*gunicorn.tokens.values(), "k1.", "98765432", "483920") if secret in log] == []


def decisions_counted(gunicorn):
    lines = httpx.get(f"{gunicorn.url}/metrics").text.splitlines()
    return sum(float(line.split()[-1]) for line in lines if line.startswith("antifraud_decisions_total"))


def routes_logged(home):
    lines = (home / "scorer.log").read_text().splitlines()
    return [json.loads(line)["route"] for line in lines if '"event": "request"' in line]
