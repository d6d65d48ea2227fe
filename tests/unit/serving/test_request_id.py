"""The id of a request is found in its header fields, even if the request is malformed or not complete."""

import pytest

from serving.worker.request_id import find_request_id

LINE = b"POST /v1/labels HTTP/1.1\r\n"


@pytest.mark.parametrize(
    "received",
    [
        LINE + b"X-Request-Id: till-3:9\r\n\r\n",
        LINE + b"X-Request-Id: till-3:9\r\n",
        LINE + b"x-request-id:till-3:9 \t\r\nHost",
        LINE + b"Host: x\r\nX-REQUEST-ID:\ttill-3:9\r\nbroken field\r\n\r\n{",
        b"BREW\r\nX-Request-Id: till-3:9\r\n\r\n",
        LINE + b"X-Request-Id: till-3:9\r\n\r\nX-Request-Id: in-the-body\r\n",
    ],
)
def test_an_id_of_the_client_is_taken_over(received):
    """The field is known by its name, in any letters, and a body is none."""
    assert find_request_id(received) == "till-3:9"


@pytest.mark.parametrize(
    "received",
    [
        b"",
        b"\x16\x03\x01\x02\x00\x01",
        LINE,
        LINE + b"X-Request-Id: till-3:9",
        LINE + b"X-Request-Id: till-3:9\n\n",
        LINE + b"X-Request-Id: till-3:9\r\n more\r\n\r\n",
        LINE + b"X-Request-Id: till-3:9\r\nX-Request-Id: till-3:9\r\n\r\n",
        LINE + b"X-Request-Id : till-3:9\r\n\r\n",
        LINE + b"X-Request-Id: two words\r\n\r\n",
        LINE + b"X-Request-Id: \xe9\r\n\r\n",
        LINE + b"X-Request-Id: " + b"a" * 65 + b"\r\n\r\n",
        LINE + b"X-Request-Id:\r\n\r\n",
        LINE + b"X-X-Request-Id: till-3:9\r\n\r\n",
        LINE + b"\r\nX-Request-Id: in-the-body\r\n",
    ],
)
def test_anything_else_gets_a_new_id(received):
    """A field that is missing, strange, there twice or not complete is never repeated."""
    first, second = find_request_id(received), find_request_id(received)

    assert (len(first), len(second), first == second) == (24, 24, False)
    assert set(first + second) <= set("0123456789abcdef")
