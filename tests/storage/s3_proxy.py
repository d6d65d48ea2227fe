"""A proxy in front of an S3 server that can be too busy, stall, or refuse, from a certain write on."""

import contextlib
import select
import socket
import threading
from urllib.parse import urlsplit

from infra.cluster.processes import HOST
from infra.local.ports import free_port

PIECE = 1 << 16
LOOK_SECONDS = 0.1
BODY = b"<Error><Code>SlowDown</Code><Message>Please reduce your request rate.</Message></Error>"
HEAD = b"HTTP/1.1 503 Slow Down\r\nContent-Type: application/xml\r\nConnection: close\r\nContent-Length: %d\r\n\r\n"


class Proxy:
    """A proxy that passes bytes on in both directions.

    Signatures stay valid, because requests still name the host that the client signed.
    """

    def __init__(self, endpoint):
        self._upstream = (HOST, urlsplit(endpoint).port)
        self._port = free_port()
        self.endpoint = f"http://{HOST}:{self._port}"
        self._kind, self._counted, self._left = None, b"", 0
        self._lock, self._stopped = threading.Lock(), threading.Event()
        self._listener = None
        self._open = set()
        self._threads = []
        self._listen()

    def trouble(self, kind, bucket=None, after=0):
        """Be `busy`, `stall` or `refuse`, at once or after `after` more writes into a bucket."""
        with self._lock:
            self._counted, self._left = f"PUT /{bucket}/".encode() if bucket else b"", after
            self._next = kind
        if not bucket:
            self._begin()

    def heal(self):
        """Serve requests again."""
        with self._lock:
            self._kind = self._next = None
            self._counted = b""
        self._drop()
        if self._listener is None:
            self._listen()

    @property
    def has_trouble(self):
        """Return whether the trouble has begun."""
        return self._kind is not None

    def stop(self):
        """Close everything and wait for the threads."""
        self._stopped.set()
        self._close_listener()
        self._drop()
        for thread in self._threads:
            thread.join()

    def _begin(self):
        with self._lock:
            self._kind, self._counted = self._next, b""
        if self._kind == "refuse":
            self._close_listener()
            self._drop()

    def _listen(self):
        self._listener = socket.create_server((HOST, self._port), backlog=64)
        self._start(self._accept, self._listener)

    def _start(self, target, *arguments):
        self._threads = [thread for thread in self._threads if thread.is_alive()]
        self._threads.append(threading.Thread(target=target, args=arguments))
        self._threads[-1].start()

    def _close_listener(self):
        listener, self._listener = self._listener, None
        if listener:
            with contextlib.suppress(OSError):
                listener.shutdown(socket.SHUT_RDWR)
            listener.close()

    def _drop(self):
        """Cut every connection, so that its thread notices and closes it."""
        for each in list(self._open):
            with contextlib.suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)

    def _accept(self, listener):
        while True:
            try:
                client, _ = listener.accept()
            except OSError:
                return
            self._open.add(client)
            self._start(self._serve, client)

    def _serve(self, client):
        try:
            with client, socket.create_connection(self._upstream) as server:
                self._relay(client, server)
        except OSError:
            return  # either side cut the connection
        finally:
            self._open.discard(client)

    def _relay(self, client, server):
        while not self._stopped.is_set():
            for ready in select.select([client, server], [], [], LOOK_SECONDS)[0]:
                if ready is client and not self._take(client, server):
                    return
                if ready is server:
                    piece = server.recv(PIECE)
                    if not piece:
                        return
                    client.sendall(piece)

    def _take(self, client, server):
        """Pass on what the client sent, unless there is trouble; return whether the connection goes on."""
        piece = client.recv(PIECE)
        if not piece:
            return False
        self._count(piece)
        if self._kind is None:
            server.sendall(piece)
            return True
        if self._kind == "stall":
            while self._kind == "stall" and not self._stopped.wait(LOOK_SECONDS):
                pass
        elif self._kind == "busy":
            body = b"" if piece.startswith(b"HEAD ") else BODY
            client.sendall(HEAD % len(body) + body)
            client.shutdown(socket.SHUT_WR)
            client.settimeout(1)
            while client.recv(PIECE):
                pass  # a connection that is closed with unread bytes is reset, and the answer is lost
        return False

    def _count(self, piece):
        with self._lock:
            if not self._counted or not piece.startswith(self._counted):
                return
            self._left -= 1
            begins = self._left < 0
        if begins:
            self._begin()
