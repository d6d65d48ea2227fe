"""Before Flask: bytes that are no request get a problem, and nothing of them comes back or is logged."""

import json
import re

import pytest

from tests.blackbox.sockets import exchange, read_answer, request_of
from tests.blackbox.traffic import decide_all

CARD = "4000001234567899"
SECRET = "Zm9yLXRlc3RzLW9ubHk"
EVIL = "evil.example"
PLANTED = (CARD, SECRET, EVIL)
CHUNKED = "Transfer-Encoding: chunked"


def post(*fields, body=b""):
    """A request for a decision with a secret in its fields and a card number in its body."""
    lines = ["POST /v1/decisions HTTP/1.1", f"Host: {EVIL}", f"Authorization: Bearer {SECRET}", *fields, "", ""]
    return "\r\n".join(lines).encode("latin-1") + body


CASES = {
    "token without colon": (post(f"Authorization {SECRET}"), {400}),
    "field name with a space": (post(f"X {SECRET}: y"), {400}),
    "field without name": (post(f": {SECRET}"), {400}),
    "field with a control character": (post(f"X: {SECRET}\x01"), {400}),
    "folded field": (post("X: y", f" {SECRET}"), {400}),
    "folded length": (post("Content-Length:", " 5", body=b"12345"), {400}),
    "card number in a path": (request_of("GET", f"/v1/decisions/{CARD} {CARD}"), {400}),
    "card number in an unknown path": (request_of("GET", f"/{CARD}"), {404}),
    "card number in a query": (request_of("GET", f"/v1/decisions?card={CARD}"), {405}),
    "card number as a method": (request_of(CARD, "/v1/decisions"), {400}),
    "unknown method": (request_of("BREW", "/v1/decisions"), {405}),
    "card number as a version": (f"GET / HTTP/{CARD}\r\n\r\n".encode(), {400}),
    "raw bytes in a path": (f"GET /{CARD}".encode() + b"\xff\xfe HTTP/1.1\r\nHost: x\r\n\r\n", {400}),
    "encoded bytes in a path": (request_of("GET", f"/v1/decisions/{CARD}%ff%00%0d%0aX:y"), {404, 401, 400}),
    "long line": (request_of("GET", "/" + CARD * 2_000), {414}),
    "long field": (request_of("GET", "/healthz", f"X: {SECRET * 2_000}"), {431}),
    "many fields": (request_of("GET", "/healthz", *[f"X-{number}: {SECRET[:8]}" for number in range(500)]), {431}),
    "length and chunks": (post(CHUNKED, "Content-Length: 5", body=b"0\r\n\r\nGET /" + CARD.encode()), {400}),
    "two lengths": (post("Content-Length: 5", "Content-Length: 6", body=b"12345"), {400}),
    "length in words": (post(f"Content-Length: {CARD}x"), {400}),
    "negative length": (post("Content-Length: -5", body=b"12345"), {400}),
    "huge length": (post(f"Content-Length: {CARD}"), {413}),
    "unknown coding": (post(f"Transfer-Encoding: {SECRET}"), {501}),
    "hidden coding": (post("Transfer-Encoding: \x0bchunked", body=b"0\r\n\r\n"), {400, 501}),
    "two codings": (post("Transfer-Encoding: gzip, chunked", body=b"0\r\n\r\n"), {501}),
    "malformed chunk": (post(CHUNKED, body=CARD.encode() + b"x\r\n"), {400}),
    "negative chunk": (post(CHUNKED, body=b"-5\r\n12345\r\n0\r\n\r\n"), {400}),
    "trailer field": (post(CHUNKED, body=f"0\r\nX: {SECRET}\r\n\r\n".encode()), {400}),
    "chunks in HTTP/1.0": (post(CHUNKED, body=b"0\r\n\r\n").replace(b"HTTP/1.1", b"HTTP/1.0"), {400}),
    "bare line feeds": (f"GET /{CARD} HTTP/1.1\nHost: x\n\n".encode(), {400}),
    "NUL": (f"GET /{CARD}\0 HTTP/1.1\r\nHost: x\r\n\r\n".encode(), {400}),
    "no host": (f"GET /{CARD} HTTP/1.1\r\n\r\n".encode(), {400}),
    "two hosts": (post("Host: x"), {400}),
    "unknown expectation": (post(f"Expect: {SECRET}"), {417}),
    "HTTP/0.9": (f"GET /{CARD}\r\n".encode(), {400}),
    "preface of HTTP/2": (b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", {400}),
    "TLS": (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + CARD.encode(), {400}),
    "binary": (bytes(range(256)), {400}),
    "proxy protocol": (f"PROXY TCP4 {CARD} 1 1 1\r\n".encode(), {400}),
    "script name": (request_of("GET", "/healthz", f"SCRIPT_NAME: /{SECRET}"), {200}),
    "contradictory schemes": (request_of("GET", "/healthz", "X-Forwarded-Proto: https", "X-Forwarded-Ssl: off"), {200}),
    "absolute form": (request_of("GET", f"http://{EVIL}/{CARD}"), {404}),
    "authority form": (request_of("GET", f"{EVIL}:80"), {400}),
    "connect": (request_of("CONNECT", f"{EVIL}:80"), {400, 404, 405}),
    "options of the server": (request_of("OPTIONS", "*"), {404}),
    "options of a path": (request_of("OPTIONS", "/v1/decisions"), {405}),
    "trace": (request_of("TRACE", "/v1/decisions", f"X: {SECRET}"), {405}),
    "double slashes": (request_of("GET", "//v1//status", host=EVIL), {404}),
    "slashes before a host": (request_of("GET", f"//{EVIL}/v1/status"), {404}),
    "slash at the end": (request_of("GET", "/v1/status/", host=EVIL), {404}),
    "dots": (request_of("GET", "/v1/../metrics", host=EVIL), {404}),
    "host with a path": (request_of("GET", "//v1/status", host=f"{EVIL}/{CARD}"), {404, 400}),
    "request that ends early": (post("Content-Length: 50", body=CARD.encode()), {400}),
}  # fmt: skip


@pytest.fixture(scope="module")
def scorer(build, scorer_of):
    """A scorer for all tests here."""
    with scorer_of(build()) as running:
        yield running


def log_of(scorer):
    """Everything that the scorer has logged."""
    return scorer.home.with_name(f"{scorer.home.name}-gunicorn.log").read_text()


@pytest.mark.parametrize("name", CASES)
def test_bytes_that_are_no_request_get_a_problem(scorer, name, tmp_path):
    """The answer is a problem with the right status; it has no part of the request and leads nowhere else."""
    request, statuses = CASES[name]
    received = exchange(scorer, request, end=True)
    (tmp_path / "answer").write_bytes(received)
    with (tmp_path / "answer").open("rb") as file:
        status, headers, body = read_answer(file)

    assert status in statuses
    assert "location" not in headers
    if status != 200:
        assert headers["content-type"] == "application/problem+json"
        assert json.loads(body)["status"] == status
    assert [planted for planted in PLANTED if planted.encode() in received] == []


def test_nothing_of_a_malformed_request_is_logged(scorer):
    """After all of them at once, the log has none of the planted values, and the workers are the same."""
    workers = scorer.workers()
    for request, _ in CASES.values():
        exchange(scorer, request, end=True)

    log = log_of(scorer)
    assert [planted for planted in PLANTED if planted in log] == []
    assert "Traceback" not in log
    assert scorer.workers() == workers
    assert [answer for answer in decide_all(scorer, range(20)) if answer.status != 200] == []
    assert {answer.status for answer in decide_all(scorer, range(20))} == {200}


def test_every_refusal_tells_the_state_of_the_service(scorer):
    """The header is that of an answer of the app: bytes that are no request get it, too."""
    expected = re.search(rb"(?i)\r\nantifraud-state: ([^\r]*)\r\n", exchange(scorer, request_of("GET", "/healthz")))
    answers = {name: exchange(scorer, request, end=True) for name, (request, _) in CASES.items()}
    assert expected[1].startswith(b"mode=SERVING, ")
    assert [
        name
        for name, answer in answers.items()
        if re.findall(rb"(?i)\r\nantifraud-state: ([^\r]*)\r\n", answer) != [expected[1]]
    ] == []


NAMED = b"X-Request-Id: till-3:9\r\n"
UNNAMED = {"long line", "bare line feeds", "TLS", "binary"}
"""The field is too far behind, or there is none in these bytes."""


@pytest.mark.parametrize("name", CASES)
def test_every_refusal_has_the_id_of_its_request(scorer, name, tmp_path):
    """A harmless id of the client, or else a new one, is in the header, the problem and the log."""
    line, separator, rest = CASES[name][0].partition(b"\r\n")
    (tmp_path / "answer").write_bytes(
        exchange(scorer, line + separator + (NAMED if separator else b"") + rest, end=True)
    )
    with (tmp_path / "answer").open("rb") as file:
        status, headers, body = read_answer(file)

    request_id = headers["x-request-id"]
    if name in UNNAMED:
        assert re.fullmatch("[0-9a-f]{24}", request_id)
    else:
        assert request_id == "till-3:9"
    if status != 200:
        assert json.loads(body)["request_id"] == request_id
    lines = [json.loads(line) for line in log_of(scorer).splitlines() if line.startswith("{")]
    assert request_id in {line.get("request_id") for line in lines}


@pytest.mark.parametrize("body", ["-5\r\n12345\r\n0\r\n\r\n", "5\r\n12345XX0\r\n\r\n", "0\r\nX y\r\n\r\n0\r\n\r\n"])
def test_a_malformed_chunk_of_a_known_client_is_refused(scorer, body):
    """A body that breaks within the app would be a defect of the scorer, so it never gets there."""
    fields = ("Content-Type: application/json", CHUNKED)
    request = request_of("POST", "/v1/decisions", *fields, token=scorer.token()) + body.encode()

    assert exchange(scorer, request, end=True).startswith(b"HTTP/1.1 400 ")


def test_a_smuggled_request_is_not_answered(scorer):
    """Bytes behind a request of doubtful length are dropped with the connection."""
    hidden = request_of("GET", "/healthz")
    for doubtful in ("two lengths", "length and chunks", "unknown coding", "malformed chunk"):
        received = exchange(scorer, CASES[doubtful][0] + hidden, end=True)

        assert received.count(b"HTTP/1.1 ") == 1
        assert b"alive" not in received
