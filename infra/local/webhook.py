"""Receive the guard's webhooks, verify each with the SDK, and keep it in ``<home>/webhooks/``."""

import argparse
import json
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Final

from antifraud.client import verify_webhook
from antifraud.errors import ClientError
from antifraud.files import replace_file
from antifraud.keys.subscribers import load_subscribers
from antifraud.settings.serving import GuardSettings
from infra.local.ports import HOST
from infra.local.world import SUBSCRIBER

MOST_BYTES: Final = 1 << 20
MOST_DIGITS: Final = 18
IDLE_SECONDS: Final = 5
NO_CONTENT, BAD_REQUEST, UNAUTHORIZED, LENGTH_REQUIRED, TOO_LARGE = 204, 400, 401, 411, 413


def serve(home: Path, port: int) -> None:
    """Receive webhooks until the process ends."""
    make_server(home, port).serve_forever()


def make_server(home: Path, port: int) -> HTTPServer:
    """Return a server that listens on a port, or on any if it is 0."""

    class Receiver(BaseHTTPRequestHandler):
        timeout = IDLE_SECONDS  # a sender that stops in the middle holds up nobody for longer

        def do_POST(self) -> None:
            length = self.headers.get("Content-Length", "")
            status = refuse_length(length) or keep(home, dict(self.headers), self.rfile.read(int(length)))
            self.send_response(status)
            self.send_header("Content-Length", "0")
            self.end_headers()

    return HTTPServer((HOST, port), Receiver)


def refuse_length(announced: str) -> int | None:
    """Return the status that refuses a Content-Length, or None if so many bytes can be read.

    >>> [refuse_length(text) for text in ("2", "", "-1", "1e3", "9999999")]
    [None, 411, 400, 400, 413]
    """
    if not (announced.isascii() and announced.isdigit()):
        return BAD_REQUEST if announced else LENGTH_REQUIRED
    return TOO_LARGE if len(announced) > MOST_DIGITS or int(announced) > MOST_BYTES else None


def keep(home: Path, headers: dict[str, str], body: bytes) -> int:
    """Keep a webhook with a valid signature and return the HTTP status; a repeat replaces its file."""
    subscriber = load_subscribers(GuardSettings(home=home).subscribers_path, ())[SUBSCRIBER]
    try:
        verify_webhook(subscriber.secrets, headers, body)
    except ClientError as error:
        print(f"refused a webhook: {error}", flush=True)
        return UNAUTHORIZED
    event = json.loads(body)
    replace_file(home / "webhooks" / f"{event['id']}.json", json.dumps(event, indent=2))
    print(f"received {event['type']}, its signature verifies", flush=True)
    return NO_CONTENT


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--home", type=Path, required=True)
    parser.add_argument("--port", type=int, required=True)
    arguments = parser.parse_args()
    serve(arguments.home, arguments.port)
