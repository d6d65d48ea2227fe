"""The clients repeat an id until it is decided, and note every attempt."""

import json
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Lock, Thread
from types import SimpleNamespace

import pytest

from bench.serving.load import REFUSED, Attempt, Load, Notes, attempt, share_of_errors
from infra.local.ports import free_port

TOKEN = "a token"


class Flaky(BaseHTTPRequestHandler):
    """Refuses every id once, then decides it."""

    seen, lock = set(), Lock()

    def do_POST(self):
        """Answer 503 to an id that is new, and 200 with the id to one that came before."""
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        with self.lock:
            known = body["transaction_id"] in self.seen
            self.seen.add(body["transaction_id"])
        self.send_response(200 if known else 503)
        self.send_header("Idempotent-Replayed", "true")
        self.end_headers()
        self.wfile.write(json.dumps({"id": body["transaction_id"]}).encode())

    def log_message(self, *_):
        """Say nothing."""


@pytest.fixture
def flaky():
    """A scorer that refuses every id once."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), Flaky)
    thread = Thread(target=server.serve_forever)
    thread.start()
    yield SimpleNamespace(port=server.server_address[1], token=lambda: TOKEN)
    server.shutdown()
    thread.join()
    server.server_close()


def test_each_id_is_repeated_until_it_is_decided(flaky):
    """Every id has a refused attempt and a decided one, and no number is sent by two clients."""
    with Load(flaky, lambda number: {"transaction_id": f"t-{number}"}, rate=40, clients=3, first=7) as load:
        time.sleep(1)

    statuses = {tuple(a.status for a in attempts) for attempts in load.notes.attempts.values()}
    assert statuses == {(503, 200)}
    assert {"t-7", "t-8", "t-9", "t-10"} <= load.notes.answers().keys()
    assert load.notes.answers()["t-7"] == b'{"id": "t-7"}'
    assert load.notes.unanswered == []


def test_a_refused_connection_is_an_attempt():
    """Nobody listens: the attempt is noted, without an answer."""
    noted = attempt(SimpleNamespace(port=free_port()), {"transaction_id": "1"}, TOKEN)

    assert (noted.status, noted.body, noted.replayed) == (REFUSED, b"", False)


def test_the_share_of_errors_is_that_of_a_span():
    """Attempts count by their beginning; outside the span they do not count."""
    said = [(0.5, 503), (1.0, 200), (1.5, 503), (2.0, 200), (2.0, 200), (2.5, 503)]
    notes = Notes({}, {str(n): [Attempt(began, began, status, b"", {})] for n, (began, status) in enumerate(said)})

    assert share_of_errors(notes, 1.0, 2.0) == 0.25
    assert share_of_errors(notes, 7.0, 8.0) == 0.0
    assert notes.unanswered == ["0", "2", "5"]
