"""Refusals before Flask: the answers to bytes that are no request, as problems that hold no part of them."""

from http import HTTPStatus
from typing import Final

import msgspec
from gunicorn.http import errors

from antifraud.api.problems import KINDS, PROBLEM_JSON, document_of
from antifraud.api.state import HEADER as STATE
from serving.worker.request_id import HEADER

INTERNAL: Final = "internal"


class Refused(Exception):
    """Ends a connection with a problem of a kind of `antifraud/api/problems.py`; it never ends a process."""

    def __init__(self, kind: str, detail: str) -> None:
        super().__init__(detail)
        self.kind, self.detail = kind, detail

    def to_http(self, request_id: str, state: str) -> bytes:
        """Return the whole answer, after which the connection is closed; `state` is that of the service."""
        status = KINDS[self.kind].status
        body = msgspec.json.encode(document_of(self.kind, self.detail, request_id=request_id))
        head = (
            f"HTTP/1.1 {status} {HTTPStatus(status).phrase.upper()}\r\nConnection: close\r\n"
            f"Content-Type: {PROBLEM_JSON}\r\nContent-Length: {len(body)}\r\n{HEADER}: {request_id}\r\n"
            f"{STATE}: {state}\r\n\r\n"
        )
        return head.encode() + body


_LINE: Final = Refused("bad-request", "the request line is malformed: expected METHOD path HTTP/1.1")
_FIELD: Final = Refused("bad-request", "a header field is malformed: expected Name: value, each on a line of its own")
_OF_GUNICORN: Final[dict[type[Exception], Refused]] = {
    errors.InvalidRequestLine: _LINE,
    errors.InvalidRequestMethod: _LINE,
    errors.InvalidHTTPVersion: _LINE,
    errors.InvalidHeader: _FIELD,
    errors.InvalidHeaderName: _FIELD,
    errors.ObsoleteFolding: _FIELD,
    errors.LimitRequestLine: Refused("request-uri-too-long", "the request line is too long: expected a known path"),
    errors.LimitRequestHeaders: Refused(
        "request-header-fields-too-large", "the header fields are too many or too long: send fewer"
    ),
    errors.UnsupportedTransferCoding: Refused(
        "not-implemented", "the transfer coding is not known: send Content-Length, or Transfer-Encoding: chunked"
    ),
    errors.ExpectationFailed: Refused("expectation-failed", "the Expect header is not known: expected 100-continue"),
}
"""Gunicorn's own messages quote the request, so each has its counterpart here."""
_OTHER: Final = Refused("bad-request", "the request is not one of HTTP/1.1")


def refusal_of(error: BaseException) -> Refused:
    """Return what is answered to an error that has reached Gunicorn."""
    if isinstance(error, Refused):
        return error
    if isinstance(error, errors.ParseException):
        return _OF_GUNICORN.get(type(error), _OTHER)
    return Refused(INTERNAL, "the scorer failed and decided nothing: send the same id again")
