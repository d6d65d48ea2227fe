"""Tokens follow RFC 2104, and a key ring never shows its keys."""

import base64
import hashlib
import re
import stat

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from antifraud.api.fields import Token
from antifraud.errors import SettingsError
from antifraud.keys.pseudonym import (
    TOKEN_PATTERN,
    Key,
    generate_keyring,
    load_active_key,
    load_keyring,
    retire_key,
    rotate_keyring,
    tokenise,
)

ids = st.integers(0, 10**12)


def hmac_by_hand(secret, message):
    """Return the HMAC of RFC 2104, made of plain SHA-256, for keys of at most one block."""
    padded = secret.ljust(64, b"\0")
    inner = hashlib.sha256(bytes(b ^ 0x36 for b in padded) + message).digest()
    return hashlib.sha256(bytes(b ^ 0x5C for b in padded) + inner).digest()


@given(st.binary(min_size=32, max_size=32), st.sampled_from(["customer", "terminal"]), ids)
def test_equals_the_definition(secret, kind, identifier):
    """A token is the key id, a dot, and 128 bits of the HMAC in URL-safe base64 without padding."""
    digest = hmac_by_hand(secret, f"{kind}:{identifier}".encode())[:16]
    expected = "k3." + base64.urlsafe_b64encode(digest).decode().rstrip("=")

    assert tokenise(Key("k3", secret), kind, identifier) == expected
    assert re.fullmatch(TOKEN_PATTERN, expected)
    assert msgspec.convert(expected, Token) == expected


def test_kinds_do_not_share_tokens():
    """Customer 7 and terminal 7 have unrelated tokens."""
    key = Key("k1", b"x" * 32)

    assert tokenise(key, "customer", 7) != tokenise(key, "terminal", 7)


@pytest.mark.parametrize(
    "value", ["596", "483920175566", 596, None, "k1.short", "k1." + "a" * 23, "K1." + "a" * 22, ""]
)
def test_anything_else_is_no_token(value):
    """The pattern of scorer and audit refuses raw ids, other types and near misses."""
    with pytest.raises(msgspec.ValidationError):
        msgspec.convert(value, Token)
    assert re.fullmatch(TOKEN_PATTERN, str(value)) is None


def test_a_new_key_ring_is_private_and_readable(tmp_path):
    """A new key ring has mode 0600 and a key of 256 bits, which its repr does not show."""
    path = tmp_path / "secrets" / "keyring.json"
    generate_keyring(path)

    key = load_active_key(path)

    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert (key.key_id, len(key.secret)) == ("k1", 32)
    assert key.secret.hex() not in repr(key)


def test_a_key_ring_is_never_overwritten(tmp_path):
    """A key ring is never overwritten, because a new key would orphan every token of the lake."""
    generate_keyring(tmp_path / "keyring.json")

    with pytest.raises(FileExistsError):
        generate_keyring(tmp_path / "keyring.json")


def test_a_key_ring_that_others_can_read_is_refused(tmp_path):
    """A key ring that others can read is refused, and the error names the remedy."""
    path = tmp_path / "keyring.json"
    generate_keyring(path)
    path.chmod(0o644)

    with pytest.raises(SettingsError, match="chmod 600"):
        load_active_key(path)


def test_a_damaged_key_ring_does_not_show_its_content(tmp_path):
    """The error about a damaged key ring does not show its content."""
    path = tmp_path / "keyring.json"
    path.write_text('{"active": "k1", "keys": {"k1": "not-hex-but-secret"}}')
    path.chmod(0o600)

    with pytest.raises(SettingsError, match="is not a key ring") as caught:
        load_active_key(path)
    assert "not-hex-but-secret" not in str(caught.value)


def test_a_missing_key_ring_names_the_command(tmp_path):
    """The error about a missing key ring names the command that makes one."""
    with pytest.raises(SettingsError, match="keys generate"):
        load_active_key(tmp_path / "none.json")


def test_a_rotation_adds_a_key_and_makes_it_active(tmp_path):
    """A rotation adds a new active key and keeps the old ones, in a private file and without leftovers."""
    path = tmp_path / "keyring.json"
    generate_keyring(path)
    first = load_active_key(path)

    assert [rotate_keyring(path), rotate_keyring(path)] == ["k2", "k3"]

    ring = load_keyring(path)
    assert (ring.active, sorted(ring.keys)) == ("k3", ["k1", "k2", "k3"])
    assert ring.keys["k1"] == first
    assert len({key.secret for key in ring.keys.values()}) == 3
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert [other.name for other in tmp_path.iterdir()] == ["keyring.json"]
    assert not any(key.secret.hex() in repr(ring) for key in ring.keys.values())


def test_a_key_is_retired_once_and_its_id_is_not_used_again(tmp_path):
    """A retired key's id is not used again, and neither the active key nor an unknown one can be retired."""
    path = tmp_path / "keyring.json"
    generate_keyring(path)
    rotate_keyring(path)

    with pytest.raises(SettingsError, match="k2 is the active key"):
        retire_key(path, "k2")
    retire_key(path, "k1")
    with pytest.raises(SettingsError, match=r"no key k1 in .*: there are k2"):
        retire_key(path, "k1")

    assert rotate_keyring(path) == "k3"


def test_a_ring_that_cannot_be_replaced_stays(tmp_path, monkeypatch):
    """If a rotation cannot be written, the old ring stays whole, and the error names the secret store."""
    path = tmp_path / "keyring.json"
    generate_keyring(path)
    before = path.read_bytes()
    monkeypatch.setattr("os.fsync", refuse)

    with pytest.raises(SettingsError, match=r"cannot be written \(No space left\): .*secret store"):
        rotate_keyring(path)
    assert path.read_bytes() == before


def refuse(_descriptor):
    raise OSError(28, "No space left")


def test_a_ring_may_come_through_a_descriptor(tmp_path):
    """A key ring that a secret store provides as an open file is read like any other."""
    path = tmp_path / "keyring.json"
    generate_keyring(path)
    with path.open() as file:
        handed_in = path.with_name("handed-in")
        handed_in.symlink_to(f"/proc/self/fd/{file.fileno()}")

        assert load_active_key(handed_in) == load_active_key(path)
