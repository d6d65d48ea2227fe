"""nginx before the scorer: slow clients, rates, limits and errors, with a real nginx and a real Gunicorn."""

import json
import re
import socket
import ssl
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from pathlib import Path

import httpx
import psutil
import pytest

from infra.local.ports import free_port
from infra.proxy.configuration import Proxy
from infra.proxy.server import start_proxy
from tests.serving.processes import GunicornScorer, wait_for
from tests.serving.scene import transaction

RATE = 150
REQUEST_SECONDS = 3
CARD = "4000001234567899"
SECRET = "c2VjcmV0LW9mLXRlc3Rz"
PROBLEM = "application/problem+json"


@pytest.fixture(scope="module")
def gunicorn(shared_home):
    """The scorer behind the proxy."""
    running = GunicornScorer(shared_home).start()
    yield running
    running.stop()


class Front:
    """A running proxy, and ways to ask it."""

    def __init__(self, folder, proxy, token):
        self.folder, self.token, self.port = folder, token, int(proxy.bind.rpartition(":")[2])
        self.url = f"https://127.0.0.1:{self.port}"
        self.context = ssl.create_default_context(cafile=str(proxy.certificate))
        self.server = start_proxy(folder, proxy)

    @property
    def log(self):
        """Everything that the proxy has logged."""
        return (self.folder / "nginx.log").read_text()

    def client(self, token=None):
        """A client with connections of its own."""
        headers = {"Authorization": f"Bearer {token or self.token}"}
        return httpx.Client(base_url=self.url, verify=self.context, headers=headers, timeout=20)

    def connect(self):
        """A raw connection with TLS."""
        plain = socket.create_connection(("127.0.0.1", self.port), timeout=20)
        return self.context.wrap_socket(plain, server_hostname="127.0.0.1")

    def exchange(self, request):
        """Send bytes; return all that comes back."""
        with self.connect() as connection:
            connection.sendall(request)
            received = b""
            try:
                while data := connection.recv(65_536):
                    received += data
            except (ConnectionError, TimeoutError, ssl.SSLError):
                return received
        return received


@pytest.fixture(scope="module")
def front(gunicorn, certificate, tmp_path_factory):
    """A proxy with TLS before the scorer."""
    proxy = Proxy(
        bind=f"127.0.0.1:{free_port()}",
        scorer=f"127.0.0.1:{gunicorn.port}",
        certificate=certificate,
        requests_of_token=RATE,
        request_seconds=REQUEST_SECONDS,
    )
    running = Front(tmp_path_factory.mktemp("proxy"), proxy, gunicorn.tokens["client"])
    yield running
    running.server.stop()


def problem_of(received):
    """Status and problem of an answer in bytes."""
    head, _, body = received.partition(b"\r\n\r\n")
    lines = head.lower().split(b"\r\n")
    assert b"content-type: " + PROBLEM.encode() in lines, received
    problem = json.loads(body)
    assert int(lines[0].split()[1]) == problem["status"]
    return problem["status"], problem["type"].rpartition(":")[2]


@contextmanager
def slow_clients(front):
    """A thousand idle clients, 200 that stop within a request, and 200 that read a byte now and then."""
    ask = b"GET /openapi.json HTTP/1.1\r\nHost: x\r\n\r\n"
    half = b"POST /v1/decisions HTTP/1.1\r\nHost: x\r\nContent-Length: 200\r\n\r\n{"
    stop = threading.Event()
    with ExitStack() as stack:
        for _ in range(1_000):
            stack.enter_context(socket.create_connection(("127.0.0.1", front.port), timeout=20))
        for _ in range(200):
            stack.enter_context(front.connect()).sendall(half)
        readers = [stack.enter_context(front.connect()) for _ in range(200)]
        for each in readers:
            each.sendall(ask)

        def read_slowly():
            while not stop.wait(0.5):
                for each in readers:
                    try:
                        each.recv(1)
                    except OSError:
                        continue

        thread = threading.Thread(target=read_slowly)
        thread.start()
        try:
            yield
        finally:
            stop.set()
            thread.join()


def test_slow_clients_hold_up_nobody(front):
    """Among 1,400 slow clients, others get their decisions as if they were alone."""

    def decide(first):
        with front.client() as client:
            return [
                client.post("/v1/decisions", json=transaction(transaction_id=number)).status_code
                for number in range(first, first + 25)
            ]

    with slow_clients(front), ThreadPoolExecutor(4) as pool:
        began = time.monotonic()
        statuses = [status for each in pool.map(decide, range(0, 100, 25)) for status in each]
        taken = time.monotonic() - began

    assert statuses == [200] * 100
    assert taken < 10


def test_a_token_that_sends_too_much_is_slowed(front, gunicorn):
    """Beyond its rate a token gets 429 with Retry-After, another token goes on, and a second later it is served."""
    with front.client() as client:
        answers = [client.get("/v1/decisions/1") for _ in range(RATE + 100)]
        refused = [answer for answer in answers if answer.status_code == 429]
        with front.client(gunicorn.tokens["admin"]) as other:
            assert other.get("/v1/status").status_code == 200
        time.sleep(1.5)
        assert client.get("/v1/decisions/1").status_code != 429

    assert {answer.status_code for answer in answers} <= {200, 404, 429}
    if refused:  # a slow machine never reaches the rate
        assert (refused[0].headers["content-type"], refused[0].headers["retry-after"]) == (PROBLEM, "1")
        assert refused[0].json()["type"] == "urn:antifraud:problem:too-many-requests"


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/v1/status", 200), ("/openapi.json", 200), ("/docs", 200), ("/healthz", 404), ("/readyz", 404),
        ("/metrics", 404), ("/%6detrics", 404), ("//metrics", 404), ("/v1/../metrics", 404),
        ("/v1/%2e%2e/metrics", 404), ("/v1//metrics", 404), ("/docs/../metrics", 404), ("/", 404),
    ],
)  # fmt: skip
def test_only_the_interface_is_public(front, path, status):
    """Probes and metrics are not reached, however their path is written."""
    request = f"GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\nAuthorization: Bearer {front.token}\r\n\r\n"
    received = front.exchange(request.encode())

    assert int(received.split()[1]) == status
    if status == 404:
        assert problem_of(received) == (404, "not-found")


@pytest.mark.parametrize(
    ("request_", "expected"),
    [
        (f"GET {CARD} {SECRET}\r\n\r\n", (400, "bad-request")),
        (f"\x16\x03\x01{CARD}\r\n\r\n", (400, "bad-request")),
        (f"GET /v1/status HTTP/1.1\r\nHost: x\r\nAuthorization {SECRET}\r\n\r\n", (400, "bad-request")),
        (f"GET / HTTP/1.1\r\nHost: x\r\nX: {SECRET * 2_000}\r\n\r\n", (431, "request-header-fields-too-large")),
        ("POST /v1/labels HTTP/1.1\r\nHost: x\r\nContent-Length: 9000000\r\n\r\n", (413, "request-entity-too-large")),
        (f"GET /{CARD * 2_000} HTTP/1.1\r\nHost: x\r\n\r\n", (414, "request-uri-too-long")),
        (f"POST /v1/labels HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: {SECRET}\r\n\r\n", (501, "not-implemented")),
        (f"{CARD} /v1/status HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n", (400, "bad-request")),
        ("TRACE /v1/status HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n", (405, "method-not-allowed")),
        (f"GET /v1/decisions/{CARD}?{SECRET} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n", (401, "unauthorised")),
    ],
    ids=["line", "binary", "field", "long", "large", "path", "coding", "method", "trace", "query"],
)  # fmt: skip
def test_every_error_is_a_problem_and_nothing_is_logged(front, request_, expected):
    """Whoever refuses a request, proxy or scorer, answers with a problem, and no part of the request is in the log."""
    received = front.exchange(request_.encode())

    assert problem_of(received) == expected
    for planted in (CARD, SECRET, front.token, "/v1/"):
        assert planted not in front.log
    assert SECRET.encode() not in received


@pytest.mark.parametrize(
    ("sent", "is_taken"),
    [
        ("till-3:9", True),
        (None, False),
        ("two words", False),
        (f'"{SECRET}"', False),
        ("a" * 65, False),
    ],
    ids=["own", "none", "words", "quotes", "long"],
)
@pytest.mark.parametrize("path", ["/v1/decisions/1", "/nowhere"])
def test_every_answer_has_the_id_of_its_request(front, gunicorn, path, sent, is_taken):
    """Scorer and proxy keep a harmless id and replace any other, and their logs agree on it."""
    field = f"X-Request-Id: {sent}\r\n" if sent else ""
    request = f"GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n{field}\r\n"
    head, _, body = front.exchange(request.encode()).partition(b"\r\n\r\n")

    (found,) = re.findall(rb"(?mi)^x-request-id: (\S+)\r?$", head)
    assert json.loads(body)["request_id"] == found.decode()
    assert re.fullmatch(rb"till-3:9" if is_taken else rb"[0-9a-f]{32}", found)
    # nginx writes its line after the answer.
    wait_for(lambda: f'"request_id": "{found.decode()}"' in front.log, "the line of the proxy", 5)
    if path != "/nowhere":
        assert f'"request_id": "{found.decode()}"' in (gunicorn.home / "scorer.log").read_text()


def test_a_malformed_request_has_an_id_too(front):
    """A refusal of the proxy's own parser names the request as any other answer does."""
    request = f"GET / HTTP/1.1\r\nX-Request-Id: till-3:9\r\nHost: x\r\nAuthorization {SECRET}\r\n\r\n"
    for received in (front.exchange(request.encode()), front.exchange(b"\x16\x03\r\n\r\n")):
        head, _, body = received.partition(b"\r\n\r\n")
        assert f"x-request-id: {json.loads(body)['request_id']}".encode() in head.lower()


def test_a_request_that_stops_is_dropped(front):
    """Half a header or half a body costs its connection after some seconds, without a word."""
    began = time.monotonic()
    for half in (b"GET /v1/st", b"POST /v1/labels HTTP/1.1\r\nHost: x\r\nContent-Length: 90\r\n\r\n{"):
        assert front.exchange(half) == b""

    assert time.monotonic() - began < 10 * REQUEST_SECONDS


def test_the_log_has_one_json_object_a_request(front):
    """Method, status and time are there for whoever reads logs."""
    with front.client() as client:
        client.get("/v1/status").raise_for_status()
    lines = [json.loads(line) for line in front.log.splitlines() if line.startswith("{")]

    assert {"process": "proxy", "event": "request", "method": "GET", "status": 200}.items() <= lines[-1].items()


def test_an_older_tls_is_refused(front):
    """Only TLS 1.3 is spoken, and no plain HTTP."""
    old = ssl.create_default_context(cafile=None)
    old.check_hostname, old.verify_mode = False, ssl.CERT_NONE
    old.maximum_version = ssl.TLSVersion.TLSv1_2
    with socket.create_connection(("127.0.0.1", front.port), timeout=20) as plain, pytest.raises(ssl.SSLError):
        old.wrap_socket(plain)
    with socket.create_connection(("127.0.0.1", front.port), timeout=20) as plain:
        plain.sendall(b"GET /v1/status HTTP/1.1\r\nHost: x\r\n\r\n")
        assert b"200" not in plain.recv(1_000)


def test_a_scorer_that_is_down_is_a_problem(tmp_path):
    """Without a scorer the proxy answers 502 with Retry-After, also without TLS."""
    port = free_port()
    server = start_proxy(tmp_path, Proxy(bind=f"127.0.0.1:{port}", scorer=f"127.0.0.1:{free_port()}"))
    try:
        answer = httpx.get(f"http://127.0.0.1:{port}/v1/status", timeout=20)
    finally:
        server.stop()

    assert (answer.status_code, answer.headers["content-type"]) == (502, PROBLEM)
    assert (answer.json()["type"], answer.headers["retry-after"]) == ("urn:antifraud:problem:bad-gateway", "1")


def test_the_workers_may_open_as_many_files_as_connections(front):
    """Each connection may have one more to the scorer, and a service begins with 1,024 files."""
    for worker in psutil.Process(front.server.pid).children():
        limits = Path(f"/proc/{worker.pid}/limits").read_text()
        (files,) = re.findall(r"Max open files +(\d+)", limits)
        assert int(files) == 8_100
