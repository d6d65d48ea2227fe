"""A receiver of webhooks on the loopback interface.

    python webhook.py PORT SECRET_FILE

Prints every webhook with a valid signature once, and refuses the others. In production it lies behind TLS.
"""

import sys
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

from antifraud.client import ClientError, verify_webhook

MOST_BYTES = 1 << 20


def receive(port: int, secret: str) -> None:
    """Receive webhooks until the process ends."""
    seen: set[str] = set()

    class Receiver(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            length = int(self.headers.get("Content-Length", "0"))
            body = self.rfile.read(min(length, MOST_BYTES))
            try:
                event = verify_webhook(secret, dict(self.headers), body)
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
