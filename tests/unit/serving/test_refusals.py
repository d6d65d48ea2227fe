"""Errors before Flask become problems, and neither an answer nor Gunicorn's log has a part of the request."""

import logging

import pytest
from gunicorn.config import Config
from gunicorn.http import errors

from antifraud.api.problems import KINDS
from serving.worker.gunicorn_log import QuietLogger
from serving.worker.refusals import refusal_of

SECRET = "c2VjcmV0LW9mLXRlc3Rz"
OF_GUNICORN = sorted(
    (kind for kind in vars(errors).values() if isinstance(kind, type) and issubclass(kind, errors.ParseException)),
    key=lambda kind: kind.__name__,
)
STATUSES = {
    "ExpectationFailed": 417, "LimitRequestHeaders": 431, "LimitRequestLine": 414, "UnsupportedTransferCoding": 501,
}  # fmt: skip


@pytest.mark.parametrize("kind", OF_GUNICORN, ids=lambda kind: kind.__name__)
def test_every_error_of_the_parser_has_a_refusal(kind):
    """Each is a 400 or a more exact status, and the text of the error, which quotes the request, is left out."""
    error = kind.__new__(kind)
    error.args = (SECRET,)
    refusal = refusal_of(error)

    assert KINDS[refusal.kind].status == STATUSES.get(kind.__name__, 400)
    assert SECRET.encode() not in refusal.to_http("r-1", "mode=SERVING")


@pytest.mark.parametrize("error", [ValueError(SECRET), OSError(SECRET), errors.NoMoreData(SECRET)])
def test_any_other_error_is_a_defect(error):
    """An error that no client can repair is a 500 that says nothing about it."""
    answer = refusal_of(error).to_http("r-1", "mode=SERVING")

    assert answer.startswith(b"HTTP/1.1 500 INTERNAL SERVER ERROR\r\n")
    assert b"\r\nAntifraud-State: mode=SERVING\r\n" in answer
    assert SECRET.encode() not in answer


def test_gunicorn_logs_no_part_of_a_request(caplog):
    """An exception is logged by its type and place, debug lines and accesses are not logged at all."""
    log = QuietLogger(Config())
    log.error_log.propagate = True
    caplog.set_level(logging.DEBUG)
    try:
        int(SECRET)  # the error quotes its argument
    except ValueError:
        log.exception("Error handling request %s", SECRET)
    log.debug("Ignored premature client disconnection. %s", SECRET)
    log.access(None, None, {}, None)

    # Other tests of the process may have added handlers, so the one record can be seen twice.
    ((message, trace),) = {(record.getMessage(), record.exc_info) for record in caplog.records}
    assert message.startswith("Error handling request: ValueError at ")
    assert (SECRET in caplog.text, trace) == (False, None)
