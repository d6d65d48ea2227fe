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
def receiver(*answers, context=None, **sends):
    """A server that answers with these statuses in turn; it has `url` and all that it has `received`."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.answers, server.received, server.sends = answers or (204,), [], sends
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


@contextmanager
def dripping(*pieces, pause=0.2):
    """A server that takes everything, sends these pieces, then one byte after each pause for ever; yields its URL."""
    listener = socket.create_server(("127.0.0.1", 0))
    stop = threading.Event()

    def drip(connection):
        with connection, suppress(OSError):
            for piece in pieces:
                connection.sendall(piece)
            while not stop.wait(pause):
                connection.sendall(b"x")

    def accept():
        with suppress(OSError):
            while not stop.is_set():
                connection, _ = listener.accept()
                threading.Thread(target=drip, args=(connection,), daemon=True).start()

    thread = threading.Thread(target=accept, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}/"
    finally:
        stop.set()
        listener.close()


def seconds_of(work):
    """How long a piece of work takes."""
    began = time.monotonic()
    work()
    return time.monotonic() - began
