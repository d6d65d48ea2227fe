"""Every implementation reproduces the shared token vectors, made with `openssl dgst -sha256 -mac HMAC`."""

import json
from pathlib import Path

import pytest

from antifraud.keys.pseudonym import Key, tokenise

VECTORS = json.loads(Path(__file__).with_name("tokens.json").read_text())


@pytest.mark.parametrize("vector", VECTORS, ids=lambda v: f"{v['key_id']}-{v['kind']}-{v['id']}")
def test_the_reference_reproduces_the_vector(vector):
    """For each key, kind and id, the reference makes the token that openssl makes."""
    key = Key(vector["key_id"], bytes.fromhex(vector["secret"]))

    assert tokenise(key, vector["kind"], vector["id"]) == vector["token"]


def test_ids_of_every_length_are_covered():
    """The vectors have the id 0, a small id, a sparse 12-digit id, and every kind."""
    assert {vector["id"] for vector in VECTORS} >= {0, 711, 123456789012}
    assert {vector["kind"] for vector in VECTORS} == {"customer", "terminal", "group"}
