"""Answers to the SDK: which are a success, which are worth another attempt, and what the others mean."""

import time
from collections.abc import Mapping
from email.utils import parsedate_to_datetime
from typing import Annotated, Final, NamedTuple, TypeVar

import msgspec

from antifraud.api.problems import TYPE_PREFIX
from antifraud.errors import BadAnswer, ClientError, Refused, Suspended, Unreachable

SUCCESS: Final = range(200, 300)
TRANSIENT: Final = frozenset({408, 425, 429, *range(500, 600)})
"""Statuses after which the same request is sent again: the scorer decides an id once, so a repeat is safe."""
SUSPENDED: Final = "suspended"
MOST_BYTES: Final = 1 << 22
"""Far more than any answer of the scorer has."""
WAIT_SECONDS: Final = 5.0
"""Wait of a suspended service that names none."""
T = TypeVar("T")


class Reply(NamedTuple):
    """An answer as it came; names of headers are found in any case."""

    status: int
    headers: Mapping[str, str]
    content: bytes


class Document(msgspec.Struct):
    """The part of a problem that is read. Details end up in terminals and logs, so they are one harmless line."""

    type: str
    detail: Annotated[str, msgspec.Meta(max_length=1_000, pattern=r"\A[^\x00-\x1f\x7f-\x9f\u2028\u2029]*\Z")]


def require_success(reply: Reply) -> None:
    """Refuse a reply that is not 2xx.

    Raises:
        Suspended: The service is suspended.
        Unreachable: The same request can be sent again.
        Refused: The reply is final.
    """
    if reply.status not in SUCCESS:
        raise _error_of(reply)


def decode_answer(reply: Reply, kind: type[T]) -> T:
    """Return the body of a successful reply as `kind`; fields that this version does not know are ignored.

    Raises:
        BadAnswer: It is another document.
    """
    try:
        # A longer answer was cut, and is no JSON any more.
        return msgspec.json.decode(reply.content, type=kind)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        # The content is not repeated: it may be the page of anybody.
        raise BadAnswer(
            f"the answer with status {reply.status} is not one of the scorer's: look what answers at this address",
            status=reply.status,
        ) from None


def _error_of(reply: Reply) -> ClientError:
    """Return the error that a reply other than 2xx stands for."""
    return error_of(reply.status, *_read_problem(reply.content), _retry_after(reply.headers))


def error_of(status: int, kind: str, detail: str, retry_after: float | None = None) -> ClientError:
    """Return the error that a problem stands for, given its status, the name of its kind, and its detail."""
    if kind == SUSPENDED:
        wait = WAIT_SECONDS if retry_after is None else retry_after
        message = f"the scorer is suspended: decide without it, ask again in {wait:g} s"
        return Suspended(message, status=status, kind=kind, retry_after=wait)
    if status in TRANSIENT:
        return Unreachable(f"the scorer answered {status}: {detail}", status=status, kind=kind, retry_after=retry_after)
    return Refused(f"the scorer refused with {status}: {detail}", status=status, kind=kind, retry_after=retry_after)


def _read_problem(content: bytes) -> tuple[str, str]:
    """Return name and detail of a problem of the scorer; texts of others are not repeated."""
    try:
        document = msgspec.json.decode(content, type=Document)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return "", "no problem document"
    if not document.type.startswith(TYPE_PREFIX):
        return "", "no problem document"
    return document.type.removeprefix(TYPE_PREFIX), document.detail


def _retry_after(headers: Mapping[str, str]) -> float | None:
    """Return the seconds in ``Retry-After``, which has a number or a date; None if it has neither."""
    text = headers.get("Retry-After", "").strip()
    if text.isascii() and text.isdigit():
        return float(text)
    if (until := _seconds_of_date(text)) is None:
        return None
    # By the clock of the server, if it tells its time: that of the client may be wrong.
    now = _seconds_of_date(headers.get("Date", ""))
    return max(0.0, until - (time.time() if now is None else now))


def _seconds_of_date(text: str) -> float | None:
    try:
        return parsedate_to_datetime(text).timestamp()
    except (ValueError, OverflowError):
        return None
