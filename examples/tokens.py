"""Tokens without the SDK, with nothing but Python: a model for other languages.

    python tokens.py KEYRING

Reads lines such as "customer 596" from standard input and prints a token for each. Identifiers are no arguments,
because everybody on the machine can read the arguments of a process.
"""

import base64
import hashlib
import hmac
import json
import re
import sys
from pathlib import Path

DIGEST_BYTES = 16


def active_key(path: Path) -> tuple[str, bytes]:
    """Return id and secret of the active key in a key ring."""
    ring = json.loads(path.read_text())
    return ring["active"], bytes.fromhex(ring["keys"][ring["active"]])


def token(key: tuple[str, bytes], kind: str, identifier: str) -> str:
    """Return the key id, a dot, and 128 bits of the HMAC-SHA256 of kind and id, in base64 for URLs, without padding."""
    if not re.fullmatch("[0-9]{1,18}", identifier):
        raise ValueError("an identifier is an integer with at most 18 digits")
    # 0596 and 596 are one customer.
    message = f"{kind}:{int(identifier)}".encode()
    digest = hmac.digest(key[1], message, hashlib.sha256)[:DIGEST_BYTES]
    return f"{key[0]}.{base64.urlsafe_b64encode(digest).decode().rstrip('=')}"


def main(keyring: str) -> None:
    """Print a token for every line of standard input."""
    key = active_key(Path(keyring))
    for line in sys.stdin:
        print(token(key, *line.split()))


if __name__ == "__main__":
    main(*sys.argv[1:])
