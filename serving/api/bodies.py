"""Bodies: decode a request into a strict struct, or answer with a problem that never repeats a value."""

import re
from functools import lru_cache
from typing import Final, TypeVar

import msgspec
from flask import Response, current_app, request
from werkzeug.exceptions import ClientDisconnected, RequestEntityTooLarge
from werkzeug.http import parse_options_header

from antifraud.api.fields import (
    MAX_AMOUNT,
    MAX_METADATA,
    MAX_METADATA_NAME,
    MAX_METADATA_TEXT,
    MAX_REASON,
    decode_transaction_id,
)
from antifraud.api.labels import MAX_LABELS
from antifraud.api.operations import JSON
from antifraud.transaction_id import EXPECTED as EXPECTED_ID
from serving.api.distinct import require_distinct
from serving.api.problems import Problem

EXPECTED: Final = {
    "transaction_id": f"{EXPECTED_ID}, as text, or an integer from 0 on",
    "event_time": "a time in whole UTC seconds",
    "learned_at": "a time in whole UTC seconds",
    "customer": "a token of a customer; the client SDK makes it from the raw identifier, which is never sent",
    "terminal": "a token of a terminal; the client SDK makes it from the raw identifier, which is never sent",
    "amount": f"an amount in whole minor units, from 1 to {MAX_AMOUNT}",
    "metadata": f"at most {MAX_METADATA} texts of up to {MAX_METADATA_TEXT} characters, with names of 1 to "
    f"{MAX_METADATA_NAME} letters, digits, dots, underscores and hyphens",
    "labels": f"a list of 1 to {MAX_LABELS} labels",
    "status": "one of fraud, legitimate, unknown",
    "action": "one of suspend, resume",
    "reason": f"a text of 1 to {MAX_REASON} characters",
    "expected_epoch": "the epoch that GET /v1/status shows",
}
# msgspec has no structured errors, so its messages are parsed. tests/serving/test_decisions.py holds their format.
_PATH = re.compile(r" (?:- at|in) `\$\.?(?P<path>[^`]*)`$")
# A name or a value in an object, which only metadata have.
_INSIDE: Final = "[...]"
_MISSING = re.compile(r"missing required field `(?P<name>\w+)`")
_UNKNOWN = "contains unknown field"
UNSUPPORTED: Final = "unsupported-media-type"
IDENTITY: Final = "identity"

T = TypeVar("T")


def json_response(answer: msgspec.Struct) -> Response:
    """Return an answer as JSON."""
    return Response(msgspec.json.encode(answer), content_type=JSON)


def parse(kind: type[T]) -> T:
    """Return the body of the current request as `kind`.

    Raises:
        Problem: 400 if the body is not JSON, 415 if it is said to be something else, 422 if a field is missing,
            unknown, wrong or there twice.
        RequestEntityTooLarge: The body is larger than the limit.
    """
    _require_json()
    body = _read_bounded_body()
    try:
        parsed = msgspec.json.decode(body, type=kind, dec_hook=decode_transaction_id)
    except msgspec.ValidationError as error:
        raise _describe_invalid(str(error)) from None
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        raise Problem("not-json", "the body is not a JSON document in UTF-8") from None
    # msgspec takes the last of two equal names, and another reader of the same body may take the first.
    require_distinct(body.decode())
    return parsed


def _require_json() -> None:
    if not _is_json(request.environ.get("CONTENT_TYPE", "")):
        raise Problem(UNSUPPORTED, "Content-Type is not valid: expected application/json, in UTF-8", "Content-Type")
    if request.environ.get("HTTP_CONTENT_ENCODING", IDENTITY).lower() != IDENTITY:
        detail = "Content-Encoding is not valid: expected a body without compression"
        raise Problem(UNSUPPORTED, detail, "Content-Encoding", {"Accept-Encoding": IDENTITY})


@lru_cache(32)
def _is_json(content_type: str) -> bool:
    kind, options = parse_options_header(content_type)
    return kind.lower() == JSON and options.get("charset", "utf-8").lower() in {"utf-8", "utf8"}


def _read_bounded_body() -> bytes:
    announced, limit = request.content_length, current_app.config["MAX_CONTENT_LENGTH"]
    if announced is None:
        body = request.get_data(cache=False)
        # Werkzeug silently cuts a chunked body at the limit.
        if len(body) >= limit:
            raise RequestEntityTooLarge
        return body
    if announced > limit:
        raise RequestEntityTooLarge
    # Without Werkzeug's stream, which takes longer to make than the body to decode.
    body = request.input_stream.read(announced)
    if len(body) < announced:
        raise ClientDisconnected
    return body


def _describe_invalid(message: str) -> Problem:
    """Return a problem without msgspec's message, which may quote a value; the name of an unknown field may be one."""
    match = _PATH.search(message)
    path = match["path"].removesuffix(_INSIDE) if match else ""
    if _UNKNOWN in message:
        where = path or "the body"
        return Problem("invalid", f"{where} has a field that is not known here: leave it out", path or None)
    if missing := _MISSING.search(message):
        name = f"{path}.{missing['name']}".lstrip(".")
        return Problem("invalid", f"{name} is missing: expected {EXPECTED[missing['name']]}", name)
    if not path:
        return Problem("invalid", "the body is not a JSON object")
    wanted = EXPECTED.get(re.split(r"[.\[]", path)[-1], "an object with the fields that are documented")
    return Problem("invalid", f"{path} is not valid: expected {wanted}", path)
