"""One deadline holds for a whole call, whatever a server does or fails to do, in both clients."""

import asyncio
import contextlib
import json
import socket
import threading
import time
import zlib

import pytest

from antifraud.client import AsyncScorerClient, BadAnswer, ClientError, ScorerClient, Unreachable
from antifraud.keys.pseudonym import Key
from tests.unit.client.test_scorer import ANSWER

KEY = Key("k1", bytes(32))
SECONDS = 0.6
MARGIN = 0.6
"""For the scheduler of a busy machine."""
BODY = json.dumps(ANSWER).encode()
HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n" % len(BODY)


class Timed:
    """The time that a call takes; making a client is not measured."""

    def __init__(self):
        self.began, self.seconds = time.monotonic(), None

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.seconds = time.monotonic() - self.began


def ask(url, seconds=SECONDS, after=lambda: None):
    """Ask for a decision and wait for it; return it, or the error, and the time it took."""
    with ScorerClient(url, "s3cret", KEY) as scorer, Timed() as timed:
        try:
            outcome = scorer.decide(5, 60, 1, 2, 3, seconds=seconds)
        except ClientError as error:
            outcome = error
    after()
    return outcome, timed.seconds


def ask_asynchronously(url, seconds=SECONDS, after=lambda: None):
    """Do the same with the other client."""

    async def decide():
        async with AsyncScorerClient(url, "s3cret", KEY) as scorer:
            with Timed() as timed:
                try:
                    outcome = await scorer.decide(5, 60, 1, 2, 3, seconds=seconds)
                except ClientError as error:
                    outcome = error
        # asyncio waits for its threads at its end.
        after()
        return outcome, timed.seconds

    return asyncio.run(decide())


both = pytest.mark.parametrize("decide", [ask, ask_asynchronously])


@contextlib.contextmanager
def server(answer):
    """A server that hands every connection to `answer`, until the end of the test."""
    ended = threading.Event()
    with socket.create_server(("127.0.0.1", 0)) as listening:
        listening.settimeout(0.05)
        threads = []

        def serve(connection):
            with connection, contextlib.suppress(OSError):
                answer(connection, ended)

        def accept():
            while not ended.is_set():
                with contextlib.suppress(TimeoutError):
                    threads.append(threading.Thread(target=serve, args=(listening.accept()[0],)))
                    threads[-1].start()

        accepting = threading.Thread(target=accept)
        accepting.start()
        try:
            yield f"http://127.0.0.1:{listening.getsockname()[1]}"
        finally:
            ended.set()
            for thread in [accepting, *threads]:
                thread.join()


def drip(connection, ended, content):
    """Send one byte every tenth of a second, so that no single read is too slow."""
    for byte in content:
        if ended.wait(0.1):
            return
        connection.sendall(bytes([byte]))


def say_nothing(_, ended):
    ended.wait()


def drip_head(connection, ended):
    drip(connection, ended, HEAD)


def drip_body(connection, ended):
    connection.sendall(HEAD)
    drip(connection, ended, BODY)


def drip_chunks(connection, ended):
    connection.sendall(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
    while not ended.wait(0.1):
        connection.sendall(b"1\r\na\r\n")


def drip_informational_answers(connection, ended):
    while not ended.wait(0.1):
        connection.sendall(b"HTTP/1.1 100 Continue\r\n\r\n")


def close_at_once(connection, _):
    connection.recv(1)


def require_end(outcome, at_most):
    """A call has ended in time, with the error of a scorer that does not answer."""
    error, seconds = outcome
    assert isinstance(error, Unreachable)
    assert seconds < at_most


SLOW = [say_nothing, drip_head, drip_body, drip_chunks, drip_informational_answers, close_at_once]


@both
@pytest.mark.parametrize("answer", SLOW)
def test_a_slow_server_ends_no_later_than_the_deadline(decide, answer):
    """A server that is silent, drips, or closes every connection holds a call for its seconds, and no longer."""
    with server(answer) as url:
        require_end(decide(url), SECONDS + MARGIN)


@both
def test_the_deadline_of_a_decision_is_two_seconds(decide):
    """A payment waits for two seconds unless the caller says otherwise."""
    with server(drip_body) as url:
        error, seconds = decide(url, seconds=2.0)
    require_end((error, seconds), 2.0 + MARGIN)
    assert seconds > 1.0
    assert ScorerClient.decide.__kwdefaults__["seconds"] == 2.0
    assert AsyncScorerClient.decide.__kwdefaults__["seconds"] == 2.0


@both
def test_a_black_hole_ends_no_later_than_the_deadline(decide):
    """A connection that is never accepted holds a call for its seconds, and no longer."""
    with socket.create_server(("127.0.0.1", 0), backlog=0) as listening, contextlib.ExitStack() as held:
        address = listening.getsockname()
        for _ in range(4):
            # The queue of the listening socket is full after these, so the system drops further attempts.
            waiting = held.enter_context(socket.socket())
            waiting.setblocking(False)
            waiting.connect_ex(address)
        require_end(decide(f"http://127.0.0.1:{address[1]}"), SECONDS + MARGIN)


@both
def test_a_name_service_that_does_not_answer_is_bounded_too(decide, monkeypatch):
    """A look-up of the name takes no longer than the deadline."""
    ended = threading.Event()

    def look_up(*_, **__):
        ended.wait(20)
        raise socket.gaierror

    monkeypatch.setattr(socket, "getaddrinfo", look_up)
    require_end(decide("http://scorer.invalid", after=ended.set), SECONDS + MARGIN)


@both
def test_a_lost_attempt_leaves_time_for_another(decide):
    """If the first connection stays silent, a second attempt gets the answer before the deadline."""
    connections = []

    def answer(connection, ended):
        connections.append(connection)
        if len(connections) == 1:
            ended.wait()
        connection.recv(65_536)
        connection.sendall(HEAD + BODY)

    with server(answer) as url:
        outcome, seconds = decide(url, seconds=4.0)
    assert (outcome.score, seconds < 4.0) == (700_000, True)


@both
def test_a_name_and_an_address_are_found(decide):
    """A scorer is found by name and by address; a port where nobody listens, and a name that is none, are errors."""
    with server(lambda connection, _: (connection.recv(65_536), connection.sendall(HEAD + BODY))) as url:
        for address in (url, url.replace("127.0.0.1", "localhost")):
            assert decide(address, seconds=10.0)[0].decision == "flag"
    for nobody in ("http://127.0.0.1:1", "http://scorer.invalid"):
        require_end(decide(nobody), SECONDS + MARGIN)


@both
def test_a_compressed_answer_is_not_unpacked(decide):
    """A small answer that would become 200 MB is read as the bytes that it is, and ends the call at once."""
    packed = zlib.compress(bytes(200 << 20), 9)
    head = b"HTTP/1.1 200 OK\r\nContent-Encoding: deflate\r\nContent-Length: %d\r\n\r\n" % len(packed)

    with server(lambda connection, _: (connection.recv(65_536), connection.sendall(head + packed))) as url:
        error, _ = decide(url, seconds=10.0)
    assert isinstance(error, BadAnswer)


@both
@pytest.mark.parametrize("host", ["a" * 64 + ".invalid", "a..invalid"])
def test_a_name_that_cannot_be_looked_up_is_unreachable(decide, host):
    """Parts of names that are too long or empty are no surprise to a thread."""
    require_end(decide(f"http://{host}"), SECONDS + MARGIN)


def test_threads_do_not_wait_for_each_other():
    """Twenty threads of one client have their requests under way at the same time."""
    together = threading.Barrier(20, timeout=20)

    def answer(connection, _):
        connection.recv(65_536)
        together.wait()
        connection.sendall(HEAD + BODY)

    scores = []
    with server(answer) as url, ScorerClient(url, "s3cret", KEY) as scorer:
        threads = [
            threading.Thread(target=lambda: scores.append(scorer.decide(5, 60, 1, 2, 3, seconds=40.0).score))
            for _ in range(20)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert scores == [700_000] * 20
