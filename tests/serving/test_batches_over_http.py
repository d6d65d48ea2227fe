"""Batches reach the scorer through a real Gunicorn, whatever way their bodies are sent."""

import json

import httpx
import pytest

from tests.serving.processes import GunicornScorer
from tests.serving.scene import transaction

PADDING = {f"text-{number}": "7" * 64 for number in range(5)}
MEDIUM = {"decisions": [transaction(transaction_id=number, metadata=PADDING) for number in range(600)]}


@pytest.fixture(scope="module")
def scorer(shared_home):
    """A scorer with two workers."""
    running = GunicornScorer(shared_home).start()
    yield running
    running.stop()


def post(scorer, path, body, *, chunked=False):
    """POST bytes, with their length announced or in chunks."""
    token = (scorer.home / "secrets" / "client.token").read_text().strip()
    headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
    content = (body[start : start + 10_000] for start in range(0, len(body), 10_000)) if chunked else body
    return httpx.post(f"{scorer.url}{path}", content=content, headers=headers, timeout=60)


@pytest.mark.parametrize("chunked", [False, True])
def test_a_batch_is_larger_than_other_bodies(scorer, chunked):
    """A batch of half a megabyte is decided, or repeated; other calls and larger batches are refused."""
    body = json.dumps(MEDIUM).encode()
    assert 1 << 18 < len(body) < 1 << 20

    assert post(scorer, "/v1/decisions/batch", body, chunked=chunked).json()["decided"] == 600
    for path, sent in (("/v1/decisions", body), ("/v1/decisions/batch", body + b" " * (1 << 20))):
        answer = post(scorer, path, sent, chunked=chunked)
        assert (answer.status_code, answer.json()["type"]) == (413, "urn:antifraud:problem:request-entity-too-large")


def test_places_for_batches_come_back(scorer):
    """One batch after the other is taken, because each gives its place back with the end of its answer."""
    body = json.dumps({"decisions": [transaction(transaction_id=1)]}).encode()

    assert [post(scorer, "/v1/decisions/batch", body).status_code for _ in range(10)] == [200] * 10
