"""Slow clients: idle, silent, half-sent and slowly closing connections hold up no decision of others."""

import json
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from bench.serving.load import attempt
from bench.serving.processes import wait_for
from tests.blackbox.sockets import connect, connections, decision_request, exchange, read_answer, request_of
from tests.blackbox.traffic import transaction

HALF = b"POST /v1/decisions HTTP/1.1\r\nHost: x\r\nContent-Length: 200\r\n\r\n{"
PATIENCE = 5
"""Seconds in which forty decisions are made for certain."""


@pytest.fixture(scope="module")
def scorer(build, scorer_of):
    """A scorer for all tests here."""
    with scorer_of(build()) as running:
        yield running


@pytest.fixture(autouse=True)
def calm(scorer):
    """Begin when the scorer answers, whatever the clients of an earlier test have left in an earlier version."""
    wait_for(scorer.is_alive, "an answer", 120)


def require_decisions(scorer, first):
    """Require that decisions are made as if nobody else were there; nobody waits for the others once it is too late."""
    token, began = scorer.token(), time.monotonic()

    def decide(number):
        left = began + PATIENCE - time.monotonic()
        return attempt(scorer, transaction(number), token, left).status if left > 0 else None

    with ThreadPoolExecutor(4) as pool:
        statuses = set(pool.map(decide, range(first, first + 40)))
    assert statuses == {200}
    assert time.monotonic() - began < PATIENCE


def test_idle_connections_hold_up_nobody(scorer):
    """Two hundred clients have had an answer and keep their connections open."""
    answered = request_of("GET", "/healthz").replace(b"Connection: close\r\n", b"")
    with connections(scorer, 200, answered):
        require_decisions(scorer, 0)


def test_silent_connections_hold_up_nobody(scorer):
    """Two hundred clients connect and send nothing."""
    with connections(scorer, 200):
        require_decisions(scorer, 100)


@pytest.mark.parametrize("sent", [HALF[:4], HALF[:40], HALF], ids=["line", "fields", "body"])
def test_half_sent_requests_hold_up_nobody(scorer, sent):
    """Two hundred clients stop within the request line, the header fields or the body."""
    with connections(scorer, 200, sent):
        require_decisions(scorer, 200)


@pytest.mark.parametrize(
    "fields",
    ["Content-Length: 9999999\r\n\r\n", "Transfer-Encoding: chunked\r\n\r\nFFFF\r\n0\r\n\r\n"],
    ids=["too large", "an end within a chunk"],
)
def test_bodies_that_only_seem_to_be_there_hold_up_nobody(scorer, fields):
    """Two hundred clients with a valid token announce a body that would not be read, or one that seems complete."""
    head = f"POST /v1/decisions HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {scorer.token()}\r\n"
    with connections(scorer, 200, f"{head}Content-Type: application/json\r\n{fields}".encode()):
        require_decisions(scorer, 900)


def test_slow_readers_hold_up_nobody(scorer):
    """Two hundred clients ask for long answers again and again, and read none of them."""
    ask = b"GET /openapi.json HTTP/1.1\r\nHost: x\r\n\r\n"
    with connections(scorer, 200, ask * 200):
        time.sleep(6)  # until the buffers of all sockets would be full
        require_decisions(scorer, 1_000)


def test_dripping_requests_hold_up_nobody(scorer):
    """Clients that send a byte at a time never take a thread, and none prolongs its time."""
    with connections(scorer, 50, HALF) as dripping:
        stop = threading.Event()

        def drip():
            while not stop.wait(0.2):
                for each in dripping:
                    try:
                        each.send(b" ")
                    except OSError:
                        continue

        thread = threading.Thread(target=drip)
        thread.start()
        try:
            require_decisions(scorer, 300)
            answers = [read_answer(each.makefile("rb")) for each in dripping]
        finally:
            stop.set()
            thread.join()
    assert {answer[0] for answer in answers} == {408}
    # Each lost request has an id of its own, in the header and in the problem.
    ids = {answer[1]["x-request-id"] for answer in answers}
    assert (len(ids), ids) == (50, {json.loads(answer[2])["request_id"] for answer in answers})


def test_more_idle_connections_than_a_worker_takes_hold_up_nobody(scorer):
    """The oldest idle connections are closed for new clients."""
    with connections(scorer, 2_500):
        require_decisions(scorer, 400)


def test_clients_that_close_late_hold_up_nobody(scorer):
    """Each client closes its connection long after its answer; the worker serves others meanwhile."""
    token, kept = scorer.token(), []
    began = time.monotonic()
    for number in range(500, 540):
        kept.append(connect(scorer))
        kept[-1].sendall(decision_request(token, transaction(number)))
        assert read_answer(kept[-1].makefile("rb"))[0] == 200

    assert time.monotonic() - began < PATIENCE
    for each in kept:
        each.close()


def test_pipelined_requests_are_answered_in_order(scorer):
    """Three requests in one packet get three answers at once."""
    token = scorer.token()
    requests = [decision_request(token, transaction(number), keep=True) for number in (600, 601, 602)]
    began = time.monotonic()
    with connect(scorer) as connection:
        connection.sendall(b"".join(requests))
        file = connection.makefile("rb")
        answers = [read_answer(file) for _ in requests]

    assert [(status, json.loads(body)["transaction_id"]) for status, _, body in answers] == [
        (200, "600"),
        (200, "601"),
        (200, "602"),
    ]
    assert time.monotonic() - began < PATIENCE


def test_a_request_in_many_packets_is_answered(scorer):
    """A request that arrives byte by byte is a request."""
    request = decision_request(scorer.token(), transaction(700))
    received = exchange(scorer, [request[place : place + 1] for place in range(len(request))], pause=0.002)

    assert received.startswith(b"HTTP/1.1 200")


def test_a_client_that_waits_for_100_continue_is_told_to_go_on(scorer):
    """The worker asks for the body at once, and only once."""
    whole = decision_request(scorer.token(), transaction(800))
    head, _, body = whole.partition(b"\r\n\r\n")
    began = time.monotonic()
    with connect(scorer) as connection:
        connection.sendall(head + b"\r\nExpect: 100-continue\r\n\r\n")
        assert connection.recv(1_024) == b"HTTP/1.1 100 Continue\r\n\r\n"
        connection.sendall(body)
        assert connection.recv(1_024).startswith(b"HTTP/1.1 200")
    assert time.monotonic() - began < PATIENCE
