"""Gather requests from the bytes of a connection: a request reaches a thread only when it is complete.

Only the end of a request is found here, and whatever leaves it in doubt is refused: a parser that begins with half a
body waits for the rest in a thread. Gunicorn parses the request afterwards and sees exactly its bytes, so the two
cannot disagree about where it ends. A slow client costs memory but no thread.
"""

import re
from typing import Final

from serving.worker.refusals import Refused

HEAD_BYTES: Final = 16 << 10
"""Longest request line and header fields together."""
CHUNK_LINE_BYTES: Final = 256
HEAD_END: Final = b"\r\n\r\n"
_LINE: Final = re.compile(rb"[A-Z]{3,20} [!-~]+ HTTP/1\.([01])")
_BEGIN_OF_LINE: Final = re.compile(rb"[A-Z]{1,20}( [!-~]*( [A-Z0-9/.]{0,8}\r?)?)?")
_FRAMING: Final = re.compile(
    rb"\r\n(content-length|transfer-encoding|host|expect)[ \t]*:[ \t]*([^\r\n]*)", re.IGNORECASE
)
_EXPECT: Final = re.compile(rb"\r\nexpect[ \t]*:[ \t]*100-continue[ \t]*(?=\r\n)", re.IGNORECASE)
_LENGTH: Final = re.compile(rb"[0-9]{1,18}")
_CHUNK: Final = re.compile(rb"([0-9A-Fa-f]{1,8})[ \t]*(?:;[^\r\n\0]*)?\r\n")


class Intake:
    """The bytes of one connection that belong to no handled request yet."""

    def __init__(self, body_limit: int) -> None:
        self._body_limit = body_limit
        self._received = bytearray()
        self._body: _Length | _Chunks | None = None  # once the header fields are here
        self.owes_continue = False

    def __len__(self) -> int:
        """Return the number of bytes that wait."""
        return len(self._received)

    def peek(self) -> bytes:
        """Return the beginning of the next request, as far as it is here: all that can be its header fields."""
        return bytes(self._received[:HEAD_BYTES])

    def feed(self, data: bytes) -> None:
        """Add received bytes."""
        self._received += data

    def take(self) -> bytes | None:
        """Return the next request as soon as it is complete, else None.

        `owes_continue` is set when the client waits for ``100 Continue`` before it sends the body.

        Raises:
            Refused: No further byte could make it a request.
        """
        if self._body is None and not self._begin():
            return None
        assert self._body is not None  # noqa: S101 tells mypy what _begin has set
        end = self._body.find_end(self._received)
        if end is None:
            return None
        request = bytes(self._received[:end])
        del self._received[:end]
        self._body, self.owes_continue = None, False
        return request

    def _begin(self) -> bool:
        """Read the header fields if all of them are here; return whether they are."""
        if not self._received:
            return False
        end = self._received.find(HEAD_END, 0, HEAD_BYTES)
        head = bytes(self._received[: end + 2] if end >= 0 else self._received)
        # A line feed on its own ends a line for some servers only: two of them would see two different requests.
        if head.count(b"\n") > head.count(b"\r\n") or b"\0" in head:
            raise Refused("bad-request", "a line ends without a carriage return: expected CRLF")
        if end < 0:
            _require_beginning(head)
            return False
        fields, version = _read_head(head)
        if fields.get(b"expect", b"").lower() == b"100-continue":
            # Gunicorn would ask the client again for the body, which is complete by then.
            shorter = _EXPECT.sub(b"", head)
            self._received[: end + 2] = shorter
            end, self.owes_continue = len(shorter) - 2, version == b"1"
        self._body = _measure_body(fields, version, end + len(HEAD_END), self._body_limit)
        return True


def _require_beginning(head: bytes) -> None:
    """Refuse a head that is not complete and can never be one."""
    line, is_complete, _ = head.partition(b"\r\n")
    if not (_LINE if is_complete else _BEGIN_OF_LINE).fullmatch(line):
        raise Refused("bad-request", "the request line is malformed: expected METHOD path HTTP/1.1")
    if len(head) >= HEAD_BYTES:
        kind = "request-uri-too-long" if len(line) >= HEAD_BYTES else "request-header-fields-too-large"
        raise Refused(kind, f"request line and header fields are too long: expected {HEAD_BYTES} bytes at most")


def _read_head(head: bytes) -> tuple[dict[bytes, bytes], bytes]:
    """Return the fields that decide about the length of a request, and the minor version of HTTP."""
    line = _LINE.fullmatch(head, 0, head.index(b"\r\n"))
    if line is None:
        raise Refused("bad-request", "the request line is malformed: expected METHOD path HTTP/1.1")
    found = [(name.lower(), value.rstrip(b" \t")) for name, value in _FRAMING.findall(head)]
    fields = dict(found)
    if len(fields) < len(found):
        raise Refused("bad-request", "a header field that must be single is there twice")
    if b"host" not in fields and line[1] == b"1":
        raise Refused("bad-request", "the header field Host is missing: HTTP/1.1 needs it")
    return fields, line[1]


def _measure_body(fields: dict[bytes, bytes], version: bytes, start: int, limit: int) -> "_Length | _Chunks":
    """Return how the end of the body is found; it begins at `start`."""
    length, coding = fields.get(b"content-length"), fields.get(b"transfer-encoding")
    if coding is None:
        if length is not None and not _LENGTH.fullmatch(length):
            raise Refused("bad-request", "the header field Content-Length is malformed: expected a number of bytes")
        return _Length(start, int(length or 0), limit)
    if length is not None or version == b"0":
        raise Refused("bad-request", "the length of the body is in doubt: send Content-Length or Transfer-Encoding")
    if coding.lower() != b"chunked":
        raise Refused("not-implemented", "the transfer coding is not known: send Content-Length, or chunked")
    return _Chunks(start, limit)


class _Length:
    """A body of an announced length."""

    def __init__(self, start: int, length: int, limit: int) -> None:
        if length > limit:
            raise _too_large(limit)
        self._end = start + length

    def find_end(self, received: bytearray) -> int | None:
        """Return the end of the body, or None if a part of it is missing."""
        return self._end if len(received) >= self._end else None


class _Chunks:
    """A body in chunks. Every call goes on where the last one has ended."""

    def __init__(self, start: int, limit: int) -> None:
        self._place, self._last, self._limit = start, start + limit, limit

    def find_end(self, received: bytearray) -> int | None:
        """Return the end of the body, or None if a part of it is missing.

        Raises:
            Refused: A chunk is malformed, or the body is too large.
        """
        while True:
            data = received.find(b"\r\n", self._place, self._place + CHUNK_LINE_BYTES) + 2
            if data < 2:  # noqa: PLR2004 the line is not complete
                if len(received) - self._place >= CHUNK_LINE_BYTES:
                    raise _malformed_chunk()
                return None
            size = _read_size(received, self._place, data)
            end = data + size + 2
            if end > self._last:
                raise _too_large(self._limit)
            if len(received) < end:
                return None
            # The last chunk is followed by trailer fields, which would come too late to be checked.
            if received[end - 2 : end] != b"\r\n":
                raise _malformed_chunk()
            if not size:
                return end
            self._place = end


def _read_size(received: bytearray, start: int, end: int) -> int:
    line = _CHUNK.fullmatch(received, start, end)
    if line is None:
        raise _malformed_chunk()
    return int(line[1], 16)


def _too_large(limit: int) -> Refused:
    return Refused("request-entity-too-large", f"the body is too large: expected {limit} bytes at most")


def _malformed_chunk() -> Refused:
    return Refused("bad-request", "a chunk of the body is malformed, or trailer fields follow it")
