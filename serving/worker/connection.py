"""Connections of a worker: each gathers its requests, and is closed without holding up the others."""

import contextlib
import fcntl
import selectors
import socket
import struct
import termios
import time
from collections import deque
from typing import Any, Final

from gunicorn.workers.gthread import TConn

from serving.worker.intake import Intake
from serving.worker.refusals import Refused

READ_BYTES: Final = 1 << 16
STALLED: Final = struct.pack("ll", 5, 0)
"""A client that takes nothing of an answer for 5 seconds loses its connection. Answers fit into the socket's buffer."""
SEND_BYTES: Final = 1 << 18
"""Room for unread answers. The longest one, the OpenAPI document, fits in, so no thread waits for its reader."""
UNREAD_BYTES: Final = 1 << 16
"""A client with so much unread gets no further answer."""
LINGER_SECONDS: Final = 2.0
MOST_LINGERING: Final = 500
CONTINUE: Final = b"HTTP/1.1 100 Continue\r\n\r\n"


class Connection(TConn):  # type: ignore[misc]  # Gunicorn has no types
    """A connection that hands complete requests to Gunicorn's parser; `request` is the one to handle next."""

    def __init__(
        self, cfg: Any, client: socket.socket, address: Any, server: Any, *, intake: Intake, lingering: "Lingering"
    ) -> None:
        super().__init__(cfg, client, address, server)
        for option in (socket.SO_RCVTIMEO, socket.SO_SNDTIMEO):
            client.setsockopt(socket.SOL_SOCKET, option, STALLED)
        client.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, SEND_BYTES)
        self.intake, self._lingering = intake, lingering
        self.request = b""
        self.data_ready = True  # Gunicorn need not wait: a thread begins when the whole request is here
        self.has_ended = False

    def gather(self) -> bool:
        """Receive what has arrived; return whether there is a complete request, or the end of the connection.

        Raises:
            Refused: What has arrived is no request.
        """
        data = _receive(self.sock)
        if data:
            self.intake.feed(data)
        self.has_ended = data == b""
        owed = self.intake.owes_continue
        self.request = self.intake.take() or b""
        if self.has_ended and not self.request and len(self.intake):
            raise Refused("bad-request", "the request ends before it is complete")
        if self.intake.owes_continue and not owed:
            self.send(CONTINUE)
        return bool(self.request) or self.has_ended

    @property
    def has_unread_answers(self) -> bool:
        """Whether the client sends requests without reading the answers; unknown where sockets do not tell."""
        try:
            (unread,) = struct.unpack("i", fcntl.ioctl(self.sock, termios.TIOCOUTQ, bytes(4)))
        except OSError:
            return False
        return bool(unread > UNREAD_BYTES)

    def send(self, answer: bytes) -> None:
        """Send a short answer that fits into the socket's buffer; a client that has gone misses it."""
        with contextlib.suppress(OSError):
            self.sock.send(answer)

    def init(self) -> None:
        """Give the request to Gunicorn's parser, which then reads nothing from the socket."""
        super().init()
        self.parser.unreader.unread(self.request)

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
