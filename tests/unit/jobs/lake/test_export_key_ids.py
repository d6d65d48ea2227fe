"""An export of the state lists the keys that tokens may be under: all of the key ring, old and new ones."""

from antifraud.keys.pseudonym import generate_keyring, retire_key, rotate_keyring
from jobs.lake.export import _key_ids


def test_the_keys_are_those_of_the_ring(tmp_path):
    """Both keys while they rotate, then the new one alone; nothing is said without a key ring."""
    ring = tmp_path / "keyring.json"
    assert _key_ids(ring) is None

    generate_keyring(ring)
    assert _key_ids(ring) == ("k1",)
    rotate_keyring(ring)
    assert _key_ids(ring) == ("k1", "k2")
    retire_key(ring, "k1")
    assert _key_ids(ring) == ("k2",)
