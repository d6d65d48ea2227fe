"""The intake finds the end of a request in the bytes of a connection, and refuses every doubt about it."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from serving.worker.intake import HEAD_BYTES, Intake
from serving.worker.refusals import Refused

LIMIT = 1_000
GET = b"GET /v1/status HTTP/1.1\r\nHost: x\r\n\r\n"
POST = b"POST /v1/labels HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\n12345"
CHUNKED = (
    b"POST /v1/labels HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2 ;x=y\r\nde\r\n0\r\n\r\n"
)


def head(*fields, version=b"1.1"):
    return b"\r\n".join((b"POST /v1/labels HTTP/" + version, b"Host: x", *fields, b"", b""))


CHUNKED = head(b"Transfer-Encoding: chunked") + b"3\r\nabc\r\n2 ;x=y\r\nde\r\n0\r\n\r\n"


def offer(intake, data):
    """Feed bytes, and return the request that is complete then, or the kind of the refusal."""
    intake.feed(data)
    try:
        return intake.take()
    except Refused as refused:
        return refused.kind


@settings(deadline=None)
@given(st.lists(st.sampled_from([GET, POST, CHUNKED]), max_size=5), st.data())
def test_requests_are_found_wherever_the_bytes_are_cut(requests, data):
    """Requests that follow each other come out whole and in order, in whatever pieces they have arrived."""
    intake, stream, found = Intake(LIMIT), b"".join(requests), []
    while stream:
        size = data.draw(st.integers(1, len(stream)))
        intake.feed(stream[:size])
        stream = stream[size:]
        while request := intake.take():
            found.append(request)

    assert (found, len(intake)) == (requests, 0)


def test_a_client_that_expects_it_is_told_once_to_go_on():
    """The header field that asks for 100 Continue is answered by the worker, so Gunicorn does not see it."""
    intake = Intake(LIMIT)
    intake.feed(head(b"Content-Length: 3", b"expect: 100-Continue"))
    assert (intake.take(), intake.owes_continue) == (None, True)

    intake.feed(b"abc" + GET)

    assert intake.take() == head(b"Content-Length: 3") + b"abc"
    assert (intake.take(), intake.owes_continue) == (GET, False)


@pytest.mark.parametrize(
    ("name", "request_", "kind"),
    [
        ("two lengths", head(b"Content-Length: 5", b"Content-Length: 5"), "bad-request"),
        ("two lengths in other letters", head(b"Content-Length: 5", b"content-length: 6"), "bad-request"),
        ("length and chunks", head(b"Content-Length: 5", b"Transfer-Encoding: chunked"), "bad-request"),
        ("two codings", head(b"Transfer-Encoding: chunked", b"Transfer-Encoding: identity"), "bad-request"),
        ("gzip", head(b"Transfer-Encoding: gzip, chunked"), "not-implemented"),
        ("identity", head(b"Transfer-Encoding: identity"), "not-implemented"),
        ("chunks in HTTP/1.0", head(b"Transfer-Encoding: chunked", version=b"1.0"), "bad-request"),
        ("negative length", head(b"Content-Length: -1"), "bad-request"),
        ("signed length", head(b"Content-Length: +1"), "bad-request"),
        ("list of lengths", head(b"Content-Length: 5, 5"), "bad-request"),
        ("hexadecimal length", head(b"Content-Length: 0x5"), "bad-request"),
        ("length in other digits", head("Content-Length: \N{SUPERSCRIPT TWO}".encode("latin-1")), "bad-request"),
        ("no length", head(b"Content-Length:"), "bad-request"),
        ("astronomical length", head(b"Content-Length: " + b"9" * 40), "bad-request"),
        ("large body", head(b"Content-Length: 1001"), "request-entity-too-large"),
        ("large chunk", head(b"Transfer-Encoding: chunked") + b"3e9\r\n", "request-entity-too-large"),
        ("many chunks", head(b"Transfer-Encoding: chunked") + b"1\r\nx\r\n" * 200, "request-entity-too-large"),
        ("signed chunk", head(b"Transfer-Encoding: chunked") + b"-1\r\n", "bad-request"),
        ("prefixed chunk", head(b"Transfer-Encoding: chunked") + b"0x1\r\nx\r\n", "bad-request"),
        ("empty chunk line", head(b"Transfer-Encoding: chunked") + b"\r\n", "bad-request"),
        ("endless chunk line", head(b"Transfer-Encoding: chunked") + b"1;" + b"x" * 300, "bad-request"),
        ("chunk without end", head(b"Transfer-Encoding: chunked") + b"1\r\nxyz", "bad-request"),
        ("trailer fields", head(b"Transfer-Encoding: chunked") + b"0\r\nX: y\r\n\r\n", "bad-request"),
        ("no host", b"GET / HTTP/1.1\r\n\r\n", "bad-request"),
        ("two hosts", head(b"Host: y"), "bad-request"),
        ("HTTP/0.9", b"GET /\r\n", "bad-request"),
        ("preface of HTTP/2", b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", "bad-request"),
        ("TLS", b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", "bad-request"),
        ("lower case", b"get / HTTP/1.1\r\n", "bad-request"),
        ("NUL", b"GET /\0 HTTP/1.1\r\nHost: x\r\n\r\n", "bad-request"),
        ("NUL in a field", head(b"X: a\0b"), "bad-request"),
        ("bare line feeds", b"GET / HTTP/1.1\nHost: x\n\n", "bad-request"),
        ("bare line feed in the fields", b"GET / HTTP/1.1\r\nHost: x\nX: y\r\n\r\n", "bad-request"),
        ("raw UTF-8 in the path", "GET /é HTTP/1.1\r\nHost: x\r\n\r\n".encode(), "bad-request"),
        ("two spaces", b"GET  / HTTP/1.1\r\nHost: x\r\n\r\n", "bad-request"),
        ("long line", b"GET /" + b"x" * HEAD_BYTES, "request-uri-too-long"),
        ("long fields", GET[:-2] + b"X: " + b"x" * HEAD_BYTES, "request-header-fields-too-large"),
        ("long fields that end", head(b"X: " + b"x" * HEAD_BYTES), "request-header-fields-too-large"),
    ],
)  # fmt: skip
def test_a_doubtful_request_is_refused(name, request_, kind):
    """Each doubt has its kind of refusal, also when the bytes arrive in two halves or one by one."""
    assert offer(Intake(LIMIT), request_) == kind, name
    for cut in range(1, len(request_), 1 + len(request_) // 100):
        intake = Intake(LIMIT)
        # Some first halves are refused already.
        assert kind in {offer(intake, request_[:cut]), offer(intake, request_[cut:])}, name


def test_a_refusal_is_a_whole_answer_without_any_byte_of_the_request():
    """The answer is a problem of HTTP/1.1 that closes the connection."""
    intake = Intake(LIMIT)
    intake.feed(b"GET /4000001234567899 HTTP/1.1\r\nHost: x\r\nContent-Length: 5000\r\n\r\n")
    with pytest.raises(Refused) as refused:
        intake.take()

    status, _, rest = refused.value.to_http("till-3", "mode=SERVING").partition(b"\r\n")
    fields, _, body = rest.partition(b"\r\n\r\n")
    assert status == b"HTTP/1.1 413 REQUEST ENTITY TOO LARGE"
    assert fields.split(b"\r\n") == [
        b"Connection: close",
        b"Content-Type: application/problem+json",
        b"Content-Length: %d" % len(body),
        b"X-Request-Id: till-3",
        b"Antifraud-State: mode=SERVING",
    ]
    assert body == (
        b'{"type":"urn:antifraud:problem:request-entity-too-large","title":"Body is too large","status":413,'
        b'"detail":"the body is too large: expected 1000 bytes at most","request_id":"till-3"}'
    )


@pytest.mark.parametrize("path", [b"/batch", b"/batch?x=1"])
def test_a_path_may_have_a_limit_of_its_own(path):
    """A larger body is taken at this path alone, whether its length is announced or it comes in chunks."""
    body = b"x" * (2 * LIMIT)
    announced = b"POST %s HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n" % (path, len(body)) + body
    chunked = b"POST %s HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n%x\r\n%s\r\n0\r\n\r\n" % (
        path, len(body), body,
    )  # fmt: skip
    limits = {b"/batch": 3 * LIMIT}

    for request_ in (announced, chunked):
        assert offer(Intake(LIMIT, limits), request_) == request_
        assert offer(Intake(LIMIT, limits), request_.replace(b"/batch", b"/other")) == "request-entity-too-large"
        assert offer(Intake(LIMIT), request_) == "request-entity-too-large"
