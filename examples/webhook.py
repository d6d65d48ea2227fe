"""A receiver of webhooks on the loopback interface.

    python webhook.py PORT SECRET_FILE

Prints every webhook with a valid signature once, and refuses the others. In production it lies behind TLS.
"""

import sys
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

from antifraud.client import ClientError, verify_webhook

MOST_BYTES = 1 << 20
MOST_DIGITS = 18
IDLE_SECONDS = 5


def refuse_length(announced: str) -> int | None:
    """Return the status that refuses a Content-Length, or None if so many bytes can be read."""
    # Not left to int(): it takes -1, which reads until the sender goes, and fails for most other texts.
    if not (announced.isascii() and announced.isdigit()):
        return 400 if announced else 411
    return 413 if len(announced) > MOST_DIGITS or int(announced) > MOST_BYTES else None


def receive(port: int, secret: str) -> None:
    """Receive webhooks until the process ends."""
    seen: set[str] = set()

    class Receiver(BaseHTTPRequestHandler):
        timeout = IDLE_SECONDS  # a sender that stops in the middle holds up nobody for longer

        def do_POST(self) -> None:
            length = self.headers.get("Content-Length", "")
            if status := refuse_length(length):
                self.send_error(status)
                return
            try:
                event = verify_webhook(secret, dict(self.headers), self.rfile.read(int(length)))
            except ClientError as error:
                print(error, flush=True)
                self.send_error(401)
                return
            if event.id not in seen:
                seen.add(event.id)
                print(event.type, event.switch.get("mode", ""), flush=True)
            self.send_response(204)
            self.end_headers()

    HTTPServer(("127.0.0.1", port), Receiver).serve_forever()


if __name__ == "__main__":
    receive(int(sys.argv[1]), Path(sys.argv[2]).read_text().strip())
