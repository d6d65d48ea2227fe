"""Request ids: a client's own if it is harmless in a log line, otherwise a new one."""

import re
import secrets
from typing import Final

HEADER: Final = "X-Request-Id"
VARIABLE: Final = "HTTP_X_REQUEST_ID"
"""The header in the environment of a request."""
RANDOM_BYTES: Final = 12
_HARMLESS: Final = re.compile(r"[A-Za-z0-9._:-]{1,64}")
# Only a whole line, and none that the next one continues.
_LINE: Final = re.compile(rb"\r\nx-request-id:[ \t]*([^\r\n]*?)[ \t]*(?=\r\n(?![ \t]))", re.IGNORECASE)


def choose_request_id(sent: str | None) -> str:
    """Return the id that a client has sent, or a new one.

    >>> choose_request_id("till-3.2026:17")
    'till-3.2026:17'
    >>> len(choose_request_id("two words")), len(choose_request_id(None))
    (24, 24)
    """
    return sent if sent is not None and _HARMLESS.fullmatch(sent) else secrets.token_hex(RANDOM_BYTES)


def find_request_id(received: bytes) -> str:
    r"""Return the id in the header fields of what may be no request, or a new one.

    >>> find_request_id(b"BREW /tea\r\nX-Request-Id: till-3\r\n")
    'till-3'
    """
    head, end, _ = received.partition(b"\r\n\r\n")
    found = _LINE.findall(head + end[:2])
    # Two ids are none, as for a request that reaches the app.
    return choose_request_id(found[0].decode("latin-1") if len(found) == 1 else None)
