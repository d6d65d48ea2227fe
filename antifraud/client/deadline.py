"""A transport for httpx with one time limit for a whole request: name, connection, TLS, request and answer.

The timeouts of httpx hold for a single read or write, so a server that sends a byte a second would never be too slow.
Here every operation on the socket may take only what is left of the limit.
"""

import ipaddress
import queue
import socket
import ssl
import threading
import time
from collections.abc import Iterable
from contextvars import ContextVar
from typing import Any, Final

import httpcore
import httpx

from antifraud.client.answers import MOST_BYTES

PIECE_BYTES: Final = 1 << 12
"""Written at once: the limit is looked at in between."""
FAILURES: Final = (httpcore.TimeoutException, httpcore.NetworkError, httpcore.ProtocolError)
_DEADLINE: Final[ContextVar[float]] = ContextVar("deadline")


class DeadlineTransport(httpx.BaseTransport):
    """A pool of connections that ends each request after the ``read`` timeout of its client, whatever happens."""

    def __init__(self) -> None:
        self._pool = httpcore.ConnectionPool(
            ssl_context=httpx.create_ssl_context(),
            # A thread has one connection at a time; with fewer, it would wait for another thread's answer.
            max_connections=None,
            network_backend=_Backend(),
            keepalive_expiry=5.0,
        )

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """Send a request and read the whole answer, but no more than a little over `MOST_BYTES`.

        Raises:
            httpx.TransportError: It failed, or the limit has passed.
        """
        limits: dict[str, float] = request.extensions["timeout"]
        mark = _DEADLINE.set(time.monotonic() + limits["read"])
        try:
            return self._exchange(request)
        except FAILURES as error:
            # Both libraries give one failure the same name.
            kind = getattr(httpx, type(error).__name__, httpx.TransportError)
            raise kind(type(error).__name__) from None
        finally:
            _DEADLINE.reset(mark)

    def _exchange(self, request: httpx.Request) -> httpx.Response:
        url = request.url
        sent = httpcore.Request(
            request.method,
            httpcore.URL(scheme=url.raw_scheme, host=url.raw_host, port=url.port, target=url.raw_path),
            headers=request.headers.raw,
            content=request.read(),
            extensions=request.extensions,
        )
        response = self._pool.handle_request(sent)
        try:
            return httpx.Response(response.status, headers=_headers_of(response), content=_read(response))
        finally:
            response.close()

    def close(self) -> None:
        """Close the connections."""
        self._pool.close()


def _headers_of(response: httpcore.Response) -> list[tuple[bytes, bytes]]:
    """Return the headers without that of a compression, which httpx would undo: a few bytes can become gigabytes."""
    return [(name, value) for name, value in response.headers if name.lower() != b"content-encoding"]


def _read(response: httpcore.Response) -> bytes:
    content = bytearray()
    for piece in response.iter_stream():
        content += piece
        if len(content) > MOST_BYTES:
            break
    return bytes(content)


class _Stream(httpcore.NetworkStream):
    """A connection with operations that end before the deadline."""

    def __init__(self, inner: httpcore.NetworkStream) -> None:
        self._inner = inner

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:  # noqa: ARG002 the deadline is shorter
        return self._inner.read(max_bytes, _left(httpcore.ReadTimeout))

    def write(self, buffer: bytes, timeout: float | None = None) -> None:  # noqa: ARG002 as above
        for start in range(0, len(buffer), PIECE_BYTES):
            self._inner.write(buffer[start : start + PIECE_BYTES], _left(httpcore.WriteTimeout))

    def start_tls(
        self,
        ssl_context: ssl.SSLContext,
        server_hostname: str | None = None,
        timeout: float | None = None,  # noqa: ARG002 as above
    ) -> httpcore.NetworkStream:
        return _Stream(self._inner.start_tls(ssl_context, server_hostname, _left(httpcore.ConnectTimeout)))

    def close(self) -> None:
        self._inner.close()

    def get_extra_info(self, info: str) -> Any:
        return self._inner.get_extra_info(info)


class _Backend(httpcore.NetworkBackend):
    """Opens connections before the deadline, by name or address."""

    def __init__(self) -> None:
        self._inner = httpcore.SyncBackend()

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,  # noqa: ARG002 the deadline is shorter
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.NetworkStream:
        *others, last = _resolve(host, port)
        options = list(socket_options or ())
        for address in others:
            try:
                # Half of what is left: the first of two addresses may be unreachable.
                wait = _left(httpcore.ConnectTimeout) / 2
                return _Stream(self._inner.connect_tcp(address, port, wait, local_address, options))
            except (httpcore.ConnectError, httpcore.ConnectTimeout):
                continue
        wait = _left(httpcore.ConnectTimeout)
        return _Stream(self._inner.connect_tcp(last, port, wait, local_address, options))


def _left(late: type[httpcore.TimeoutException]) -> float:
    """Return the seconds until the deadline.

    Raises:
        httpcore.TimeoutException: It has passed; the exception is one of `late`.
    """
    left = _DEADLINE.get() - time.monotonic()
    if left <= 0:
        raise late
    return left


def _resolve(host: str, port: int) -> list[str]:
    """Return the addresses of a host.

    Raises:
        httpcore.ConnectError: It has none.
        httpcore.ConnectTimeout: The name service does not answer before the deadline.
    """
    try:
        return [str(ipaddress.ip_address(host))]
    except ValueError:
        pass
    found: queue.SimpleQueue[list[str]] = queue.SimpleQueue()
    # A look-up cannot be given a time limit or be ended, so a thread is left behind that waits for it.
    threading.Thread(target=lambda: found.put(_look_up(host, port)), daemon=True).start()
    try:
        addresses = found.get(timeout=_left(httpcore.ConnectTimeout))
    except queue.Empty:
        raise httpcore.ConnectTimeout from None
    if not addresses:
        raise httpcore.ConnectError
    return addresses


def _look_up(host: str, port: int) -> list[str]:
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError):  # the encoding of names refuses a part of more than 63 characters
        return []
    return list(dict.fromkeys(str(address[0]) for *_, address in found))
