"""An entity is found by each of its tokens, whatever key the lake has made its record under."""

import pytest

from antifraud.artifacts.state_export import Entity, encode_entity
from antifraud.artifacts.state_names import names_of, put_links, read_entity
from antifraud.features.buckets import Bucket, Buckets
from antifraud.features.labels import LabelHistory

CUTOFF = 20_000
KNOWN = Entity(Buckets.of({CUTOFF: Bucket(1, 7, 49, 7, 60)}), Buckets(), LabelHistory(CUTOFF))
UNKNOWN = Entity(Buckets(), Buckets(), LabelHistory(CUTOFF))


class Records(dict):
    """A transaction, as far as links need it."""

    put = dict.__setitem__


@pytest.mark.parametrize(
    ("pairs", "token", "names"),
    [
        ([], "k1.a", ("k1.a",)),
        ([("k1.a", "k2.a")], "k1.a", ("k1.a", "k2.a")),
        ([("k1.a", "k2.a")], "k2.a", ("k2.a", "k1.a")),
        ([("k1.a", "k2.a")], "k1.b", ("k1.b",)),
        ([("k1.a", "k2.a"), ("k2.a", "k3.a")], "k1.a", ("k1.a", "k2.a", "k3.a")),
        ([("k1.a", "k3.a"), ("k2.a", "k3.a"), ("k1.a", "k2.a")], "k2.a", ("k2.a", "k1.a", "k3.a")),
    ],
    ids=["one key", "old", "new", "stranger", "chain", "three keys"],
)
def test_the_names_of_a_token(pairs, token, names):
    """The token itself comes first; a chain of links is followed to its end."""
    records = Records()

    assert put_links(records, pairs) == len(pairs)
    assert names_of(records, token) == names


@pytest.mark.parametrize("token", ["k1.a", "k2.a", "k3.a"])
def test_an_entity_is_found_by_each_of_its_tokens(token):
    """The record lies under one of them; a token without links has no history."""
    records = Records({b"k2.a": encode_entity(KNOWN)})
    put_links(records, [("k1.a", "k2.a"), ("k2.a", "k3.a")])

    assert read_entity(records, token, CUTOFF) == KNOWN
    assert read_entity(records, "k1.b", CUTOFF) == UNKNOWN
