"""Receivers of webhooks, good and bad, each on a port of its own until the end of a block."""

import socket
import threading
import time
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class Handler(BaseHTTPRequestHandler):
    """Keeps what it gets, and answers with the next status, or with the last one again."""

    def do_POST(self):
        """Keep a delivery."""
        body = self.rfile.read(int(self.headers.get("content-length", "0")))
        answers, received = self.server.answers, self.server.received
        received.append((dict(self.headers), body))
        time.sleep(self.server.delay)
        self.send_response(answers[min(len(received), len(answers)) - 1])
        for name, value in self.server.sends.items():
            self.send_header(name, value)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def do_GET(self):
        """Keep what a followed redirect would send."""
        self.do_POST()

    def log_message(self, *_):
        """Say nothing."""


@contextmanager
def receiver(*answers, port=0, delay=0.0, context=None, **sends):
    """A server that answers with these statuses in turn after a delay; it has `url` and all that it has `received`."""
    server = ThreadingHTTPServer(("127.0.0.1", port), Handler)
    server.answers, server.received, server.sends, server.delay = answers or (204,), [], sends, delay
    if context:
        server.socket = context.wrap_socket(server.socket, server_side=True)
    server.url = f"http://127.0.0.1:{server.server_port}/hook"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


class Dripping:
    """A server that takes everything, sends some pieces, then one byte after each pause for ever."""

    def __init__(self, pieces, pause):
        self._pieces, self._pause, self._stop = pieces, pause, threading.Event()
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._listener.getsockname()[1]}/"
        self.connections, self.cut = 0, 0
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self):
        with suppress(OSError):
            while not self._stop.is_set():
                connection, _ = self._listener.accept()
                self.connections += 1
                threading.Thread(target=self._drip, args=(connection,), daemon=True).start()

    def _drip(self, connection):
        with connection:
            try:
                for piece in self._pieces:
                    connection.sendall(piece)
                while not self._stop.wait(self._pause):
                    connection.sendall(b"x")
            except OSError:
                self.cut += 1

    def close(self):
        """Stop dripping and listening."""
        self._stop.set()
        self._listener.close()


@contextmanager
def dripping(*pieces, pause=0.2):
    """A dripping server, which counts its connections, and how many the client has cut."""
    server = Dripping(pieces, pause)
    try:
        yield server
    finally:
        server.close()


def seconds_of(work):
    """How long a piece of work takes."""
    began = time.monotonic()
    work()
    return time.monotonic() - began
