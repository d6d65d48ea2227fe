"""How much of a request has arrived: a thread that began with half of one would wait for a slow client.

Gunicorn's parser reads the bytes afterwards. Here is only decided whether to wait for more of them. Whatever can never
become a request goes to the parser at once, which refuses it.
"""

import re
from typing import Final

HEAD_BYTES: Final = 16 << 10
"""Longest request line and header fields together for which a connection waits."""
_HEAD_END: Final = b"\r\n\r\n"
_LAST_CHUNK: Final = b"0\r\n\r\n"
_LENGTH: Final = re.compile(rb"\r\ncontent-length:[ \t]*([0-9]{1,9})[ \t]*\r\n", re.IGNORECASE)
_CHUNKED: Final = re.compile(rb"\r\ntransfer-encoding:", re.IGNORECASE)
_CONTINUE: Final = re.compile(rb"\r\nexpect:[ \t]*100-continue[ \t]*\r\n", re.IGNORECASE)


def bytes_wanted(received: bytes | bytearray, body_limit: int) -> int:
    r"""Return the number of bytes that must have arrived before a thread looks at them; it may be there already.

    >>> bytes_wanted(b"POST / HTTP/1.1\r\nContent-Length: 5\r\n\r\n12", 100)
    43
    >>> bytes_wanted(b"POST / HT", 100)
    10
    >>> bytes_wanted(b"POST / HTTP/1.1\r\nContent-Length: 500\r\n\r\n", 100)
    0
    """
    end = received.find(_HEAD_END, 0, HEAD_BYTES) + len(_HEAD_END)
    if end < len(_HEAD_END):
        return _one_more(received, HEAD_BYTES)
    if length := _LENGTH.search(received, 0, end):
        size = int(length[1])
        return end + size if size <= body_limit else 0
    if _CHUNKED.search(received, 0, end) and not received.endswith(_LAST_CHUNK):
        return _one_more(received, end + body_limit)
    return end


def expects_continue(received: bytes | bytearray) -> bool:
    r"""Return whether the client waits for ``100 Continue`` before it sends the body.

    >>> expects_continue(b"POST / HTTP/1.1\r\nExpect: 100-continue\r\n\r\n")
    True
    """
    end = received.find(_HEAD_END) + len(_HEAD_END)
    return _CONTINUE.search(received, 0, end) is not None and end == len(received)


def _one_more(received: bytes | bytearray, limit: int) -> int:
    return len(received) + 1 if len(received) < limit else 0
