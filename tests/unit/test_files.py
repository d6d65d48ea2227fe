"""A hash of inputs is stored in the lake, so its definition must never change."""

from antifraud.files import hash_of


def test_a_hash_of_inputs_is_that_of_their_json():
    """The first 16 hex digits of SHA-256 over a list of the parts, the names of an object in their order."""
    assert hash_of("clean", [["2026-01-01", "a1"]], 7) == "e93769c69d9f96e7"
    assert hash_of({"b": 1, "a": None}) == hash_of({"a": None, "b": 1}) == "3ca5e47ba6f49911"
