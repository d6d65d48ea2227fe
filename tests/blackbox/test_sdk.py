"""SDK: a call ends at its deadline, what the id makes safe is retried, errors are typed, and an id has one token."""

import contextlib
import json
import socket
import threading
import time
from pathlib import Path

import pytest

from bench.serving.processes import NOON

CLIENTS = ["ScorerClient", "AsyncScorerClient"]
AT_MOST = 3.5
"""Seconds of a call with a deadline of two, on a busy machine."""
DECISION = {
    "transaction_id": "1",
    "decision": "approve",
    "score": 7,
    "threshold": 9,
    "release": "first",
    "mode": "SERVING",
    "state_cutoff": "2024-10-03",
    "counted": True,
    "reasons": [],
    "decision_id": "0" * 20,
    "arrival": 1,
}


def answer_of(status, body, *headers):
    """An answer of HTTP/1.1 that ends the connection."""
    head = [f"HTTP/1.1 {status} Status", "Connection: close", f"Content-Length: {len(body)}", *headers]
    return "\r\n".join([*head, "", ""]).encode() + body


GOOD = answer_of(200, json.dumps(DECISION).encode(), "Content-Type: application/json")


class Server:
    """A server of one thread a connection, which gets the request's body and an event for the end."""

    def __init__(self, serve):
        self._serve, self._ended = serve, threading.Event()
        self.bodies = []
        self._socket = socket.create_server(("127.0.0.1", 0))
        self._socket.settimeout(0.1)
        self._threads = [threading.Thread(target=self._accept)]
        self.url = f"http://127.0.0.1:{self._socket.getsockname()[1]}"

    def __enter__(self):
        self._threads[0].start()
        return self

    def __exit__(self, *_):
        self._ended.set()
        for thread in self._threads:
            thread.join()
        self._socket.close()

    def _accept(self):
        while not self._ended.is_set():
            with contextlib.suppress(TimeoutError):
                connection, _ = self._socket.accept()
                self._threads.append(threading.Thread(target=self._answer, args=(connection,)))
                self._threads[-1].start()

    def _answer(self, connection):
        with connection, contextlib.suppress(OSError):
            received = b""
            while b"\r\n\r\n" not in received or not received.endswith(b"}"):
                received += connection.recv(65_536) or b"\r\n\r\n}"
            body = json.loads(received.partition(b"\r\n\r\n")[2])
            self.bodies.append(body)
            self._serve(connection, body, self._ended)


@pytest.fixture
def ask(version, tmp_path):
    """Return a function that asks for decisions with the SDK of the tested version."""
    script = str(Path(__file__).with_name("sdk_call.py"))

    def run(url, *customers, client="ScorerClient"):
        printed = version.require(tmp_path, "-P", script, url, client, *(customers or ("596",)))
        return [json.loads(line) for line in printed.splitlines()]

    return run


def silent(_connection, _body, ended):
    ended.wait()


def dripping(connection, _body, ended):
    for byte in GOOD:
        if ended.wait(1.0):
            return
        connection.sendall(bytes([byte]))


@pytest.mark.parametrize("client", CLIENTS)
@pytest.mark.parametrize("serve", [silent, dripping])
def test_a_call_ends_at_its_deadline(ask, serve, client):
    """A server that never answers, or sends a byte a second, holds a decision for two seconds."""
    with Server(serve) as server:
        [outcome] = ask(server.url, client=client)

    assert "Unreachable" in outcome["error"]
    assert outcome["seconds"] < AT_MOST


BUSY = [(408, ()), (425, ()), (429, ()), (429, ("Retry-After: 0",)), (500, ()), (502, ()), (503, ()), (504, ())]


def test_what_the_id_makes_safe_is_retried(ask):
    """A busy server, or a proxy without a server, is asked again with the same request."""
    sent = {}

    def serve(connection, body, _):
        attempts = sent.setdefault(int(body["transaction_id"]), [])
        attempts.append(body)
        status, headers = BUSY[int(body["transaction_id"]) - 1]
        connection.sendall(GOOD if len(attempts) == 3 else answer_of(status, b"busy", *headers))

    with Server(serve) as server:
        outcomes = ask(server.url, *["596"] * len(BUSY))

    assert [outcome.get("decision") for outcome in outcomes] == ["approve"] * len(BUSY)
    for attempts in sent.values():
        assert attempts == attempts[:1] * 3


def test_the_wait_that_a_server_asks_for_is_kept(ask):
    """A date in ``Retry-After`` is waited for; one beyond the deadline ends the call at once."""
    times = []

    def serve(connection, *_):
        times.append(time.monotonic())
        wait = "Retry-After: Mon, 30 Nov 2026 12:00:01 GMT", "Date: Mon, 30 Nov 2026 12:00:00 GMT"
        connection.sendall(GOOD if len(times) == 2 else answer_of(503, b"", *wait))

    with Server(serve) as server:
        [outcome] = ask(server.url)
    assert outcome.get("decision") == "approve"
    assert times[1] - times[0] >= 1.0

    with Server(lambda connection, *_: connection.sendall(answer_of(429, b"", "Retry-After: 60"))) as server:
        [outcome] = ask(server.url)
    assert "Unreachable" in outcome["error"]
    assert (len(server.bodies), outcome["seconds"] < AT_MOST) == (1, True)


GARBAGE = [b"<html>login</html>", b"", b"{}", b'{"decision":', b"[]", b"null"]


def test_garbage_in_a_success_is_a_typed_error(ask):
    """A page or another document in a 200 is an error of the SDK, and not of a JSON library."""

    def serve(connection, body, _):
        connection.sendall(answer_of(200, GARBAGE[int(body["transaction_id"]) - 1]))

    with Server(serve) as server:
        outcomes = ask(server.url, *["596"] * len(GARBAGE))

    assert ["ClientError" in outcome["error"] for outcome in outcomes] == [True] * len(GARBAGE)
    assert "login" not in outcomes[0]["message"]


def test_an_id_has_one_token(ask):
    """The number 596 and its digits are one customer; a float or a bool, which only look like it, is refused."""
    with Server(lambda connection, *_: connection.sendall(GOOD)) as server:
        outcomes = ask(server.url, "596", "'596'", "596.0", "True", "-1", "'596 '")

    assert ["decision" in outcome for outcome in outcomes] == [True, True, False, False, False, False]
    assert all("ClientError" in outcome["error"] for outcome in outcomes[2:])
    assert server.bodies[0]["customer"] == server.bodies[1]["customer"]
    assert [body["event_time"] for body in server.bodies] == [NOON, NOON]


def test_there_is_an_asynchronous_client(ask):
    """The client for asyncio decides as the other one does."""
    with Server(lambda connection, *_: connection.sendall(GOOD)) as server:
        [outcome] = ask(server.url, client="AsyncScorerClient")

    assert outcome.get("decision") == "approve"
