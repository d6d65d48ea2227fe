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
NO_CONTENT, UNAUTHORIZED, TOO_LARGE = 204, 401, 413


def serve(home: Path, port: int) -> None:
    """Receive webhooks until the process ends."""

    class Receiver(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            length = int(self.headers.get("Content-Length", "0"))
            if length > MOST_BYTES:
                self._answer(TOO_LARGE)
                return
            self._answer(keep(home, dict(self.headers), self.rfile.read(length)))

        def _answer(self, status: int) -> None:
            self.send_response(status)
            self.send_header("Content-Length", "0")
            self.end_headers()

    HTTPServer((HOST, port), Receiver).serve_forever()


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
