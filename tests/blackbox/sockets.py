"""Raw sockets of the black-box tests: bytes are sent as they are, in pieces or never ended."""

import json
import socket
import time
from contextlib import ExitStack, contextmanager

ANSWER_SECONDS = 25


def connect(scorer):
    """Open a connection."""
    return socket.create_connection(("127.0.0.1", scorer.port), timeout=ANSWER_SECONDS)


@contextmanager
def connections(scorer, number, sent=b""):
    """Open many connections that send the same bytes and then nothing more."""
    with ExitStack() as stack:
        opened = [stack.enter_context(connect(scorer)) for _ in range(number)]
        for each in opened:
            each.sendall(sent)
        yield opened


def read_answer(file):
    """Read one answer, without 1xx ones; return status, headers and body, or None at the end of the connection."""
    line = file.readline()
    if not line:
        return None
    headers = {}
    while (field := file.readline().rstrip(b"\r\n")) != b"":
        name, _, value = field.partition(b":")
        headers[name.strip().lower().decode()] = value.strip().decode("latin-1")
    status = int(line.split()[1])
    if status < 200:
        return read_answer(file)
    return status, headers, file.read(int(headers.get("content-length", 0)))


def exchange(scorer, request, *, end=False, pause=0):
    """Send bytes on a connection of their own, or pieces with a pause; return all that comes back."""
    pieces = [request] if isinstance(request, bytes) else request
    received = b""
    with connect(scorer) as connection:
        for piece in pieces:
            connection.sendall(piece)
            time.sleep(pause)
        if end:
            connection.shutdown(socket.SHUT_WR)
        try:
            while data := connection.recv(65_536):
                received += data
        except (ConnectionError, TimeoutError):
            return received
    return received


def request_of(method, path, *fields, body=b"", token=None, host="x"):
    """A request as bytes that asks to close the connection."""
    lines = [f"{method} {path} HTTP/1.1", f"Host: {host}", "Connection: close", *fields]
    if token:
        lines.append(f"Authorization: Bearer {token}")
    if body:
        lines.append(f"Content-Length: {len(body)}")
    return "\r\n".join([*lines, "", ""]).encode("latin-1") + body


def decision_request(token, body, *, keep=False):
    """A request for a decision as bytes."""
    content = json.dumps(body).encode()
    request = request_of("POST", "/v1/decisions", "Content-Type: application/json", body=content, token=token)
    return request.replace(b"Connection: close\r\n", b"") if keep else request
