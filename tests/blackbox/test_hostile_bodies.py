"""Hostile bodies: whatever a body holds, the answer is a decision or a problem without any part of the body."""

import json

import pytest

from bench.serving.processes import NOON
from tests.blackbox.sockets import exchange, read_answer, request_of
from tests.blackbox.traffic import decide_all, transaction

CARD = "4000001234567899"
VALID = json.dumps(transaction(1))


def with_field(name, text):
    """A valid request with one field replaced by JSON as it is."""
    fields = {key: json.dumps(value) for key, value in transaction(1).items()} | {name: text}
    return "{" + ", ".join(f'"{key}": {value}' for key, value in fields.items()) + "}"


MALFORMED = {
    "nothing": b"",
    "blanks": b" \n ",
    "binary": bytes(range(256)),
    "half a document": VALID[:40].encode(),
    "two documents": (VALID + VALID).encode(),
    "text behind": f"{VALID} {CARD}".encode(),
    "byte order mark": b"\xef\xbb\xbf" + VALID.encode(),
    "UTF-16": VALID.encode("utf-16"),
    "UTF-32": VALID.encode("utf-32"),
    "latin-1": with_field("customer", f'"é{CARD}"').encode("latin-1"),
    "overlong UTF-8": with_field("customer", '"x"').encode().replace(b"x", b"\xc0\xaf"),
    "NaN": with_field("amount", "NaN").encode(),
    "infinity": with_field("amount", "-Infinity").encode(),
    "hexadecimal": with_field("amount", "0x10").encode(),
    "leading zero": with_field("amount", "012").encode(),
    "plus sign": with_field("amount", "+12").encode(),
    "single quotes": VALID.replace('"', "'").encode(),
    "comment": f"/* {CARD} */ {VALID}".encode(),
    "comma at the end": (VALID[:-1] + ",}").encode(),
    "NUL behind": VALID.encode() + b"\0",
    "raw control character": with_field("customer", f'"{CARD}\n"').encode(),
    "deep lists": b"[" * 100_000,
    "deep lists that end": b"[" * 100_000 + b"]" * 100_000,
    "deep objects": b'{"a":' * 20_000 + b"1" + b"}" * 20_000,
    "form": f"transaction_id={CARD}&amount=5".encode(),
    "XML": f"<decision><card>{CARD}</card></decision>".encode(),
    "gzip": b"\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\x03",
}
INVALID = {
    "list": f"[{VALID}]",
    "text": f'"{CARD}"',
    "null": "null",
    "number": CARD,
    "no fields": "{}",
    "unknown field": with_field(f"card_{CARD}", "1"),
    "field of a prototype": with_field("__proto__", "{}"),
    "float": with_field("amount", "12.0"),
    "float with exponent": with_field("amount", "1e3"),
    "small float": with_field("amount", "1e-400"),
    "huge float": with_field("amount", "1e400"),
    "text as a number": with_field("amount", '"12"'),
    "true": with_field("amount", "true"),
    "null amount": with_field("amount", "null"),
    "nothing to pay": with_field("amount", "0"),
    "negative": with_field("amount", "-5"),
    "too much": with_field("amount", "1000000001"),
    "64 bits": with_field("amount", str(1 << 63)),
    "huge number": with_field("amount", "9" * 5_000),
    "huge id": with_field("transaction_id", "9" * 5_000),
    "huge time": with_field("event_time", "9" * 400),
    "float time": with_field("event_time", f"{NOON}.5"),
    "early time": with_field("event_time", "-1"),
    "raw identifier": with_field("customer", f'"{CARD}"'),
    "number as a token": with_field("customer", CARD),
    "long token": with_field("customer", f'"k1.{"A" * 100_000}"'),
    "token with a line feed": with_field("customer", '"k1.0000000000000000000001\\n"'),
    "lone surrogate": with_field("transaction_id", '"\\ud800"'),
    "surrogates in the wrong order": with_field("transaction_id", '"\\udc00\\ud800"'),
    "NUL in an id": with_field("transaction_id", f'"{CARD}\\u0000"'),
    "other digits": with_field("transaction_id", '"\u0664\u0664"'),
    "right-to-left mark": with_field("transaction_id", '"\u202e12"'),
    "list as an id": with_field("transaction_id", "[1]"),
    "object as an id": with_field("transaction_id", '{"$gt": ""}'),
    "path as an id": with_field("transaction_id", '"../../etc/passwd"'),
    "query as an id": with_field("transaction_id", "\"1' OR '1'='1\""),
    "amount twice": VALID[:-1] + f', "amount": {CARD[:6]}}}',
    "amount twice, equal": VALID[:-1] + f', "amount": {transaction(1)["amount"]}}}',
    "amount twice in other letters": VALID[:-1] + ', "\\u0061mount": 5}',
    "customer twice": VALID[:-1] + f', "customer": "k1.{CARD:>022}"}}',
    "metadata with a name twice": VALID[:-1] + f', "metadata": {{"{CARD}": "1", "{CARD}": "2"}}}}',
}
TYPES = {
    "no type": (),
    "form": ("Content-Type: application/x-www-form-urlencoded",),
    "text": ("Content-Type: text/plain",),
    "HTML": ("Content-Type: text/html; charset=utf-8",),
    "another JSON": ("Content-Type: application/vnd.api+json",),
    "multipart": ("Content-Type: multipart/form-data; boundary=x",),
    "planted": (f"Content-Type: {CARD}",),
    "UTF-16": ("Content-Type: application/json; charset=utf-16",),
    "latin-1": ('Content-Type: application/json; charset="iso-8859-1"',),
    "gzip": ("Content-Type: application/json", "Content-Encoding: gzip"),
    "brotli": ("Content-Type: application/json", "Content-Encoding: br"),
    "planted encoding": ("Content-Type: application/json", f"Content-Encoding: {CARD}"),
}


@pytest.fixture(scope="module")
def scorer(build, scorer_of):
    """A scorer for all tests here; its workers live until the end, and its log has nothing of any body."""
    with scorer_of(build()) as running:
        workers = running.workers()
        yield running
        log = running.home.with_name(f"{running.home.name}-gunicorn.log").read_text()
        assert (CARD in log, "Traceback" in log) == (False, False)
        assert running.workers() == workers


@pytest.fixture
def ask(scorer, tmp_path):
    """Return a function that posts a body to a path and returns the status and the problem."""

    def send(body, *fields, path="/v1/decisions"):
        caller = "admin" if path.endswith("switch") else "client"
        request = request_of("POST", path, *fields, body=body, token=scorer.token(caller))
        received = exchange(scorer, request)
        assert CARD.encode() not in received
        (tmp_path / "answer").write_bytes(received)
        with (tmp_path / "answer").open("rb") as file:
            status, headers, content = read_answer(file)
        assert headers["content-type"] == "application/problem+json"
        return status, json.loads(content)

    return send


JSON = "Content-Type: application/json"


@pytest.mark.parametrize("path", ["/v1/decisions", "/v1/labels", "/v1/switch"])
@pytest.mark.parametrize("name", MALFORMED)
def test_a_body_that_is_no_json_is_refused(ask, name, path):
    """Bytes that are not one document of JSON in UTF-8 get 400, or 422 if a field before the fault is refused."""
    status, problem = ask(MALFORMED[name], JSON, path=path)

    kinds = {400: "urn:antifraud:problem:not-json", 422: "urn:antifraud:problem:invalid"}
    assert problem["type"] == kinds[status]


@pytest.mark.parametrize("name", INVALID)
def test_a_body_that_is_no_transaction_is_refused(ask, name):
    """JSON that is no request gets a problem, mostly 422 with the name of the field."""
    status, problem = ask(INVALID[name].encode(), JSON)

    assert status in {400, 422}
    assert problem["type"].rpartition(":")[2] in {"invalid", "not-json"}


@pytest.mark.parametrize("name", [name for name in INVALID if "twice" in name])
def test_a_field_that_is_there_twice_is_named(ask, name):
    """Two readers of such a body could see two transactions, so it is refused, and the field is named."""
    status, problem = ask(INVALID[name].encode(), JSON)

    assert (status, problem["field"]) == (422, name.split()[0])
    assert "twice" in problem["detail"]


@pytest.mark.parametrize("name", TYPES)
def test_another_type_or_encoding_is_refused(ask, name):
    """A body that is said to be anything but JSON in UTF-8 without compression gets 415, and the header is named."""
    status, problem = ask(VALID.encode(), *TYPES[name])

    assert (status, problem["type"]) == (415, "urn:antifraud:problem:unsupported-media-type")
    assert problem["field"] == ("Content-Encoding" if len(TYPES[name]) == 2 else "Content-Type")


@pytest.mark.parametrize("given", [JSON, f"{JSON}; charset=utf-8", f'{JSON};charset="UTF-8"', JSON.upper()])
def test_json_in_utf_8_is_taken(scorer, given):
    """The ways to say so are all accepted."""
    request = request_of("POST", "/v1/decisions", given, body=VALID.encode(), token=scorer.token())

    assert exchange(scorer, request).startswith(b"HTTP/1.1 200")


def test_a_large_body_is_refused_before_it_is_sent(ask, scorer):
    """A body above the limit gets 413, and decisions go on."""
    status, problem = ask(b" " * (1 << 18) + VALID.encode(), JSON)

    assert (status, problem["type"]) == (413, "urn:antifraud:problem:request-entity-too-large")
    assert {answer.status for answer in decide_all(scorer, range(100, 120))} == {200}
