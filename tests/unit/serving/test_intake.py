"""A thread gets a request when it is complete, and whatever can never become one."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from serving.worker.intake import HEAD_BYTES, bytes_wanted, expects_continue
from serving.worker.refusals import Refused

LIMIT = 1_000
GET = b"GET /v1/status HTTP/1.1\r\nHost: x\r\n\r\n"
POST = b"POST /v1/labels HTTP/1.1\r\nHost: x\r\ncontent-LENGTH:\t5 \r\n\r\n12345"
CHUNKED = b"POST /v1/labels HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n"


def head(*fields):
    return b"\r\n".join((b"POST /v1/labels HTTP/1.1", b"Host: x", *fields, b"", b""))


@settings(deadline=None)
@given(st.sampled_from([GET, POST, CHUNKED]), st.data())
def test_a_part_of_a_request_is_not_enough(request, data):
    """Every shorter beginning wants more bytes than it has, and the whole request no more."""
    part = request[: data.draw(st.integers(0, len(request) - 1))]

    assert len(part) < bytes_wanted(part, LIMIT) <= len(request)
    assert bytes_wanted(request, LIMIT) <= len(request)


def test_the_length_says_how_many_bytes_to_wait_for():
    """So a socket becomes readable once, however slowly the body comes."""
    fields = head(b"Content-Length: 700")
    assert bytes_wanted(fields, LIMIT) == bytes_wanted(fields + b"x" * 699, LIMIT) == len(fields) + 700


@pytest.mark.parametrize(
    "received",
    [
        b"x" * HEAD_BYTES,
        head(b"X: " + b"x" * HEAD_BYTES),
        head(b"Content-Length: 1001"),
        head(b"Content-Length: " + b"9" * 40),
        head(b"Content-Length: -5"),
        head(b"Content-Length: 0x5"),
        head(b"Content-Length:"),
        head(b"Transfer-Encoding: chunked") + b"1\r\nx\r\n" * 200,
        GET + GET,
        POST + b"more",
    ],
    ids=[
        "long line", "long fields", "large body", "astronomical length", "negative length", "hexadecimal length",
        "no length", "many chunks", "two requests", "more than the length",
    ],
)  # fmt: skip
def test_the_parser_gets_whatever_waiting_does_not_help(received):
    """It refuses, or reads the next request, without another byte."""
    assert bytes_wanted(received, LIMIT) <= len(received)


def test_only_a_client_that_has_sent_no_body_waits_for_100_continue():
    """The field counts in any letters; bytes of the body say that the client has not waited."""
    fields = head(b"EXPECT: 100-Continue", b"Content-Length: 3")
    assert expects_continue(fields)
    assert not expects_continue(fields + b"a")
    assert not expects_continue(fields[:-2])
    assert not expects_continue(GET)


def test_a_refusal_is_a_whole_answer():
    """The answer is a problem of HTTP/1.1 that closes the connection."""
    refusal = Refused("request-entity-too-large", "the body is too large: expected 1000 bytes at most")

    status, _, rest = refusal.to_http().partition(b"\r\n")
    fields, _, body = rest.partition(b"\r\n\r\n")
    assert status == b"HTTP/1.1 413 REQUEST ENTITY TOO LARGE"
    assert fields.split(b"\r\n") == [
        b"Connection: close",
        b"Content-Type: application/problem+json",
        b"Content-Length: %d" % len(body),
    ]
    assert body == (
        b'{"type":"urn:antifraud:problem:request-entity-too-large","title":"Body is too large","status":413,'
        b'"detail":"the body is too large: expected 1000 bytes at most"}'
    )
