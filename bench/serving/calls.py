"""Measure the processor time of decisions in this process: a program for any version of the scorer.

    python bench/serving/calls.py HOME REQUESTS

It runs in the environment and in the checkout of the version that it measures, and imports `serving.wsgi` from there.
``REQUESTS`` has a path and a body in each line, with an empty line between batches. The first only fills the store.
For each later batch the program prints the median microseconds of a decision, and of a request to a view that returns a
constant.
"""

import io
import json
import os
import statistics
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from flask import Flask

READY_SECONDS = 60
STDOUT = 1


def environ_of(method: str, path: str, body: bytes = b"", token: str = "") -> dict[str, Any]:
    """Return the WSGI environment of a request, as Gunicorn makes it."""
    return {
        "REQUEST_METHOD": method,
        "SCRIPT_NAME": "",
        "PATH_INFO": path,
        "RAW_URI": path,
        "QUERY_STRING": "",
        "CONTENT_TYPE": "application/json",
        "CONTENT_LENGTH": str(len(body)),
        "HTTP_AUTHORIZATION": f"Bearer {token}",
        "HTTP_HOST": "127.0.0.1:8080",
        "SERVER_NAME": "127.0.0.1",
        "SERVER_PORT": "8080",
        "SERVER_PROTOCOL": "HTTP/1.1",
        "REMOTE_ADDR": "127.0.0.1",
        "wsgi.version": (1, 0),
        "wsgi.url_scheme": "http",
        "wsgi.input": io.BytesIO(body),
        "wsgi.errors": sys.stderr,
        "wsgi.multithread": False,
        "wsgi.multiprocess": True,
        "wsgi.run_once": False,
    }


def call(app: Flask, environ: dict[str, Any]) -> tuple[str, bytes]:
    """Return status and body of a request."""
    statuses: list[str] = []
    written: list[bytes] = []

    def start_response(status: str, _headers: object, _error: object = None) -> Callable[[bytes], object]:
        statuses.append(status)
        return written.append

    answer: Any = app(environ, start_response)
    body = b"".join([*written, *answer])
    answer.close()
    return statuses[0], body


def begin(app: Flask, home: Path) -> None:
    """Resume a new store, which is suspended until an admin does so, and wait until the app can decide.

    Earlier versions began by themselves.

    Raises:
        SystemExit: It was refused.
    """
    client, admin = ((home / "secrets" / f"{name}.token").read_text().strip() for name in ("client", "admin"))
    switch = json.loads(call(app, environ_of("GET", "/v1/status", token=client))[1])["switch"]
    if (switch["mode"], switch["epoch"]) == ("SUSPENDED", 0):
        body = json.dumps({"action": "resume", "reason": "we begin", "expected_epoch": 0}).encode()
        status, answer = call(app, environ_of("POST", "/v1/switch", body, admin))
        if status != "200 OK":
            raise SystemExit(f"the scorer cannot begin: {answer.decode()}")
    _wait_until_ready(app)


def _wait_until_ready(app: Flask) -> None:
    """Wait until the app can decide.

    Raises:
        SystemExit: It cannot after `READY_SECONDS`.
    """
    end = time.monotonic() + READY_SECONDS
    while (answer := call(app, environ_of("GET", "/readyz")))[0] != "200 OK":
        if time.monotonic() > end:
            raise SystemExit(f"the scorer cannot decide: {answer[1].decode()}")
        time.sleep(0.1)


def microseconds_of(app: Flask, lines: list[bytes], token: str) -> float:
    """Return the median processor time of requests, a path and a body each, all of which have to succeed.

    Raises:
        SystemExit: One of them failed.
    """
    pairs = [line.split(b" ", 1) for line in lines]
    environs = [environ_of("POST", path.decode(), body, token) for path, body in pairs]
    answers, spent = [], []
    for environ in environs:
        # The whole process is measured, because a commit may be the work of another thread.
        before = time.process_time_ns()
        answers.append(call(app, environ))
        spent.append(time.process_time_ns() - before)
    if failed := [body for status, body in answers if status != "200 OK"]:
        raise SystemExit(f"{len(failed)} of {len(answers)} requests failed: {failed[0].decode()}")
    return statistics.median(spent) / 1_000


def constant_app() -> Flask:
    """Return an app whose only view returns a constant."""
    app = Flask(__name__, static_folder=None)
    app.add_url_rule("/v1/decisions", "constant", lambda: b"{}", methods=["POST"])
    return app


def main(home: Path, requests: Path) -> None:
    """Decide all batches, and print two figures for each batch but the first."""
    figures = os.fdopen(os.dup(STDOUT), "w")
    # The scorer's log goes where nobody reads it, by whatever way it is written.
    os.dup2(os.open(os.devnull, os.O_WRONLY), STDOUT)
    from serving.wsgi import start

    app, constant = start(), constant_app()
    begin(app, home)
    token = (home / "secrets" / "client.token").read_text().strip()
    filling, *batches = (batch.splitlines() for batch in requests.read_bytes().split(b"\n\n"))
    microseconds_of(app, filling, token)
    for batch in batches:
        for each in (app, constant):
            print(microseconds_of(each, batch, token), file=figures, flush=True)


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
