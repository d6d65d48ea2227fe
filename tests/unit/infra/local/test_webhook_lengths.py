"""The receiver of a local run answers whatever length a request announces, and goes on."""

import socket
import threading

import pytest

from infra.local.webhook import make_server


@pytest.fixture
def port(tmp_path):
    """A running receiver; these requests end before anything is verified or kept."""
    server = make_server(tmp_path, 0)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield server.server_port
    server.shutdown()
    thread.join()
    server.server_close()


def status_of(port, fields, body=b""):
    """Send a request with such header fields, and return the status of the answer."""
    with socket.create_connection(("127.0.0.1", port), timeout=20) as connection:
        connection.sendall(f"POST / HTTP/1.1\r\nHost: x\r\n{fields}\r\n".encode("latin-1") + body)
        return int(connection.makefile("rb").readline().split()[1])


@pytest.mark.parametrize(
    ("fields", "status"),
    [
        ("", 411),
        ("Content-Length:\r\n", 411),
        ("Transfer-Encoding: chunked\r\n", 411),
        ("Content-Length: -1\r\n", 400),
        ("Content-Length: +5\r\n", 400),
        ("Content-Length: 1_0\r\n", 400),
        ("Content-Length: five\r\n", 400),
        ("Content-Length: 5, 5\r\n", 400),
        ("Content-Length: 5.0\r\n", 400),
        ("Content-Length: \xb2\r\n", 400),
        ("Content-Length: 1048577\r\n", 413),
        ("Content-Length: 99999999999999999999\r\n", 413),
        (f"Content-Length: {'9' * 5_000}\r\n", 413),
    ],
)
def test_an_odd_length_is_refused(port, fields, status):
    """The sender learns what is wrong, and the next one is answered."""
    assert [status_of(port, fields), status_of(port, fields)] == [status, status]
