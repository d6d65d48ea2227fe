"""Connections of a worker: each gathers a whole request, and is closed without holding up the others."""

import contextlib
import selectors
import socket
import struct
import time
from collections import deque
from enum import Enum, auto
from typing import Any, Final

from gunicorn.workers.gthread import TConn

from serving.worker.intake import bytes_wanted, expects_continue

READ_BYTES: Final = 1 << 16
STALLED: Final = struct.pack("ll", 5, 0)
"""A client that takes nothing of an answer for 5 seconds loses its connection. Answers fit into the socket's buffer."""
LINGER_SECONDS: Final = 2.0
MOST_LINGERING: Final = 500
CONTINUE: Final = b"HTTP/1.1 100 Continue\r\n\r\n"


class Arrived(Enum):
    """The part of a request that has arrived."""

    NOTHING = auto()
    """The client has closed it, without a request."""
    PART = auto()
    """A request that is not complete."""
    CUT = auto()
    """A request without an end, because the client has closed its side."""
    WHOLE = auto()
    """A request, or bytes that can never become one."""


class Connection(TConn):  # type: ignore[misc]  # Gunicorn has no types
    """A connection that gathers a request, and hands its bytes to Gunicorn's parser."""

    def __init__(
        self, cfg: Any, client: socket.socket, address: Any, server: Any, *, body_limit: int, lingering: "Lingering"
    ) -> None:
        super().__init__(cfg, client, address, server)
        for option in (socket.SO_RCVTIMEO, socket.SO_SNDTIMEO):
            client.setsockopt(socket.SOL_SOCKET, option, STALLED)
        self._body_limit, self._lingering = body_limit, lingering
        self.data_ready = True  # Gunicorn need not wait: a thread begins when the whole request is here
        self.received = bytearray()

    @property
    def has_read_ahead(self) -> bool:
        """Whether the parser holds bytes of a next request, for which the socket will not become readable."""
        return bool(self.parser.unreader.buf.getvalue())

    def gather(self) -> Arrived:
        """Receive what has arrived, and return whether it is a whole request."""
        data = _receive(self.sock)
        if data is None:
            return Arrived.PART
        if not data:
            return Arrived.CUT if self.received else Arrived.NOTHING
        begins = not self.received
        self.received += data
        if len(self.received) >= bytes_wanted(self.received, self._body_limit):
            return Arrived.WHOLE
        if begins and expects_continue(self.received):
            self.send(CONTINUE)
        return Arrived.PART

    def send(self, answer: bytes) -> None:
        """Send a short answer that fits into the socket's buffer; a client that has gone misses it."""
        with contextlib.suppress(OSError):
            self.sock.send(answer)

    def init(self) -> None:
        """Give the gathered bytes to Gunicorn's parser."""
        super().init()
        self.parser.unreader.unread(bytes(self.received))
        self.received.clear()

    def close(self, graceful: bool = False) -> None:  # noqa: FBT001, FBT002 Gunicorn calls it so
        """Close at once, or let the client read the last answer."""
        if graceful:
            self._lingering.add(self.sock)
        else:
            super().close()


class Lingering:
    """Connections after the last answer, until the client closes them: closing at once may cut the answer.

    Gunicorn would wait for each client in turn, and for nothing else meanwhile.
    """

    def __init__(self, poller: selectors.BaseSelector) -> None:
        self._poller = poller
        self._waiting: deque[tuple[float, socket.socket]] = deque()

    def add(self, client: socket.socket) -> None:
        """Close the sending half, and drop what the client still sends."""
        try:
            client.setblocking(False)
            client.shutdown(socket.SHUT_WR)
            self._poller.register(client, selectors.EVENT_READ, self._drop)
        except OSError:
            client.close()
            return
        self._waiting.append((time.monotonic() + LINGER_SECONDS, client))
        self.close_late()

    def _drop(self, client: socket.socket) -> None:
        if _receive(client) == b"":
            self._close(client)

    def close_late(self) -> None:
        """Close connections that have lingered for too long, and the oldest of too many."""
        while self._waiting and (self._waiting[0][0] <= time.monotonic() or len(self._waiting) > MOST_LINGERING):
            self._close(self._waiting.popleft()[1])

    def _close(self, client: socket.socket) -> None:
        with contextlib.suppress(KeyError, ValueError):  # closed already
            self._poller.unregister(client)
        client.close()


def _receive(client: socket.socket) -> bytes | None:
    """Return what has arrived, b"" at the end of the connection, or None if nothing has arrived."""
    try:
        return client.recv(READ_BYTES)
    except BlockingIOError:
        return None
    except OSError:  # the client has gone
        return b""
