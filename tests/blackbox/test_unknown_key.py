"""Keys: a token of a key that is not in use is refused by name, instead of decided as that of a stranger."""

import pytest

from tests.blackbox.traffic import transaction


@pytest.fixture(scope="module")
def scorer(build, scorer_of):
    """A scorer with a state under the key k1."""
    with scorer_of(build()) as running:
        yield running


@pytest.mark.parametrize("field", ["customer", "terminal"])
def test_an_unknown_key_is_refused(scorer, field):
    """The problem has a type of its own and names the field."""
    answer = scorer.post("/v1/decisions", transaction(1, **{field: "k7." + "a" * 22}))

    assert answer.status_code == 422
    assert answer.json()["type"] == "urn:antifraud:problem:unknown-key"
    assert answer.json()["field"] == field
    assert scorer.get("/v1/decisions/1").status_code == 404


def test_a_known_key_is_decided(scorer):
    """A token of a customer whom the state does not know is no token of an unknown key."""
    assert scorer.post("/v1/decisions", transaction(2, customer="k1." + "b" * 22)).status_code == 200
