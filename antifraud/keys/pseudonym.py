"""Tokens: pseudonyms that stand for customers, terminals and their groups everywhere outside the raw zone.

``token = "<key id>." + base64url(HMAC-SHA256(key, kind + ":" + id))``, the digest cut to its first 128 bits
(RFC 2104, RFC 4648 section 5, without padding). The kind is hashed too, so that customer 7 and terminal 7 have
different tokens. Ingest computes the same function with Spark expressions, and the client SDK calls this module. All
of them must reproduce the vectors in `tests/golden/tokens.json`.
"""

import base64
import hashlib
import hmac
import json
import os
import re
import secrets
import string
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, Literal

from antifraud.errors import SchemaError, SettingsError

Kind = Literal["customer", "terminal", "group"]

DIGEST_BYTES: Final = 16
KEY_BYTES: Final = 32
KEY_ID_PATTERN: Final = r"k[0-9]{1,6}"
DIGITS: Final = "[0-9]{1,18}"
LARGEST_ID: Final = 10**18 - 1
"""Largest identifier, and the texts of identifiers in raw files."""
ALPHABET: Final = f"{string.ascii_letters}{string.digits}_-"
TOKEN_PATTERN: Final = rf"{KEY_ID_PATTERN}\.[{ALPHABET}]{{22}}"
"""Every character is spelled out: Java looks them up in one table, but tries ranges one after the other."""


@dataclass(frozen=True, slots=True)
class Key:
    """A pseudonymisation key. It exists only where raw ids exist: in ingest and at the clients."""

    key_id: str
    secret: bytes = field(repr=False)


def spell_identifier(kind: Kind, identifier: int | str) -> str:
    """Return the one text of an identifier: a text of digits is the number that ingest reads in it.

    >>> spell_identifier("customer", 596), spell_identifier("customer", "0596")
    ('596', '596')

    Raises:
        SchemaError: The identifier is something else, such as a float, a bool or a number below 0.
    """
    # True is 1, and 596.0 equals 596, but their texts differ: they would get tokens of strangers.
    if isinstance(identifier, str) and re.fullmatch(DIGITS, identifier):
        identifier = int(identifier)
    if not isinstance(identifier, int) or isinstance(identifier, bool) or not 0 <= identifier <= LARGEST_ID:
        raise SchemaError(f"the id of a {kind} is not valid: expected an integer from 0 to {LARGEST_ID}, or its digits")
    return str(int(identifier))


def tokenise(key: Key, kind: Kind, identifier: int | str) -> str:
    """Return the token of one identifier.

    >>> tokenise(Key("k1", bytes(32)), "customer", 0)
    'k1.xtTnafgHD8vc5GpmhxDZzw'
    """
    # The kind is part of the message, so that equal ids of a customer and a terminal are unrelated.
    digest = hmac.digest(key.secret, f"{kind}:{spell_identifier(kind, identifier)}".encode(), hashlib.sha256)
    return f"{key.key_id}.{base64.urlsafe_b64encode(digest[:DIGEST_BYTES]).rstrip(b'=').decode()}"


@dataclass(frozen=True, slots=True)
class KeyRing:
    """All keys by id, and the id of the active key, with which new tokens are made."""

    active: str
    keys: Mapping[str, Key]

    @property
    def active_key(self) -> Key:
        """Key that new tokens are made with."""
        return self.keys[self.active]

    def without(self, key_id: str) -> "KeyRing":
        """Return the ring without a key that is not active.

        Raises:
            SettingsError: There is no such key, or it is the active one.
        """
        if key_id not in self.keys:
            raise SettingsError(f"no key {key_id} in the key ring: there are {', '.join(sorted(self.keys))}")
        if key_id == self.active:
            raise SettingsError(f"{key_id} is the active key: run `keys rotate` and jobs/rotate_keys.py first")
        return KeyRing(self.active, {known: key for known, key in self.keys.items() if known != key_id})


def generate_keyring(path: Path) -> None:
    """Write a new key ring with one random key ``k1``, readable by the owner only.

    Raises:
        FileExistsError: There is a key ring already; replacing it would orphan every token.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w") as file:
        file.write(_spell(KeyRing("k1", {"k1": _new_key("k1")})))


def load_keyring(path: Path) -> KeyRing:
    """Read a key ring.

    Raises:
        SettingsError: The file is missing, readable by others, or not a key ring.
    """
    if not path.exists():
        raise SettingsError(f"no key ring at {path}: `python -m antifraud keys generate` makes one")
    if path.stat().st_mode & 0o077:
        raise SettingsError(f"the key ring {path} is readable by other users: run chmod 600 on it")
    try:
        ring = json.loads(path.read_text())
        keys = {key_id: Key(key_id, bytes.fromhex(secret)) for key_id, secret in ring["keys"].items()}
        return KeyRing(keys[ring["active"]].key_id, keys)
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        # Without the cause, which would show key material in a traceback.
        raise SettingsError(f"{path} is not a key ring ({type(error).__name__}): restore it from its backup") from None


def load_active_key(path: Path) -> Key:
    """Read the active key from a key ring file; raises as `load_keyring`."""
    return load_keyring(path).active_key


def rotate_keyring(path: Path) -> str:
    """Add a random key, make it the active one, and return its id; the other keys stay.

    Raises:
        SettingsError: The ring cannot be read, or not be written where it is.
    """
    ring = load_keyring(path)
    key_id = f"k{max(int(known[1:]) for known in ring.keys) + 1}"
    _replace(path, KeyRing(key_id, {**ring.keys, key_id: _new_key(key_id)}))
    return key_id


def retire_key(path: Path, key_id: str) -> None:
    """Remove a key that is not active; afterwards nobody can make its tokens again.

    Raises:
        SettingsError: There is no such key, it is the active one, or the ring cannot be read or written.
    """
    _replace(path, load_keyring(path).without(key_id))


def _new_key(key_id: str) -> Key:
    return Key(key_id, secrets.token_bytes(KEY_BYTES))


def _spell(ring: KeyRing) -> str:
    return json.dumps({"active": ring.active, "keys": {key_id: key.secret.hex() for key_id, key in ring.keys.items()}})


def _replace(path: Path, ring: KeyRing) -> None:
    """Write a new file and rename it: a reader sees the old ring or the new one, and other users see neither."""
    beside = path.with_name(f".{path.name}.new")
    try:
        beside.unlink(missing_ok=True)
        descriptor = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w") as file:
            file.write(_spell(ring))
            file.flush()
            os.fsync(file.fileno())
        beside.replace(path)
    except OSError as error:
        raise SettingsError(
            f"the key ring {path} cannot be written ({error.strerror}): where it is handed in by a secret store, "
            "change it there"
        ) from None
