"""Tokens: what stands for a customer or a terminal everywhere outside the raw zone.

``token = "<key id>." + base64url(HMAC-SHA256(key, kind + ":" + id))``, the digest cut to its first 128 bits
(RFC 2104, RFC 4648 section 5, without padding). The kind is hashed too, so equal ids of a customer and a terminal
give different tokens. Ingest computes the same function with Spark expressions and the client SDK calls this module;
`tests/golden/tokens.json` holds the vectors that all of them must reproduce.
"""

import base64
import hashlib
import hmac
import json
import os
import re
import secrets
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, Literal

from antifraud.errors import SettingsError

Kind = Literal["customer", "terminal"]

DIGEST_BYTES: Final = 16
KEY_BYTES: Final = 32
KEY_ID_PATTERN: Final = r"k[0-9]{1,6}"
TOKEN_PATTERN: Final = rf"{KEY_ID_PATTERN}\.[A-Za-z0-9_-]{{22}}"
_TOKEN = re.compile(TOKEN_PATTERN)


@dataclass(frozen=True, slots=True)
class Key:
    """A pseudonymisation key. It exists only where raw ids exist: in ingest and at the clients."""

    key_id: str
    secret: bytes = field(repr=False)


def tokenise(key: Key, kind: Kind, identifier: int) -> str:
    """Token of one identifier.

    >>> tokenise(Key("k1", bytes(32)), "customer", 0)
    'k1.xtTnafgHD8vc5GpmhxDZzw'
    """
    digest = hmac.digest(key.secret, f"{kind}:{identifier}".encode(), hashlib.sha256)
    return f"{key.key_id}.{base64.urlsafe_b64encode(digest[:DIGEST_BYTES]).rstrip(b'=').decode()}"


def is_token(value: object) -> bool:
    """Whether `value` has the shape of a token (nobody but a key holder can tell a made-up one).

    >>> is_token("k1.xtTnafgHD8vc5GpmhxDZzw"), is_token("596"), is_token(596)
    (True, False, False)
    """
    return isinstance(value, str) and _TOKEN.fullmatch(value) is not None


def generate_keyring(path: Path) -> None:
    """Write a new key ring with one random key ``k1``, readable by the owner only.

    Raises:
        FileExistsError: There is a key ring already; replacing it would orphan every token.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    ring = {"active": "k1", "keys": {"k1": secrets.token_hex(KEY_BYTES)}}
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w") as file:
        json.dump(ring, file)


def load_active_key(path: Path) -> Key:
    """Read the active key from a key ring file.

    Raises:
        SettingsError: The file is missing, readable by others, or not a key ring.
    """
    if not path.is_file():
        raise SettingsError(f"no key ring at {path}: `python -m antifraud keys generate` makes one")
    if path.stat().st_mode & 0o077:
        raise SettingsError(f"the key ring {path} is readable by other users: run chmod 600 on it")
    try:
        ring = json.loads(path.read_text())
        return Key(ring["active"], bytes.fromhex(ring["keys"][ring["active"]]))
    except (ValueError, KeyError, TypeError) as error:
        # The cause would show key material in a traceback, so it is cut off.
        raise SettingsError(f"{path} is not a key ring ({type(error).__name__}): restore it from its backup") from None
