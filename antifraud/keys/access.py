"""Access to the scorer: bearer tokens, stored as hashes, each with a client name and scopes.

``access.json`` holds ``{"clients": [{"client": ..., "sha256": ..., "scopes": [...], "namespace": ...}]}``. Transaction
ids are unique within a namespace; entries without one share the namespace ``""``. A token is random, so a plain
SHA-256 suffices: there is nothing to guess that a slow hash would protect.
"""

import hashlib
import hmac
import json
import os
import re
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Literal, get_args

from antifraud.errors import SettingsError

Scope = Literal["decide", "label", "admin", "judge", "read", "metrics"]
SCOPES: Final[frozenset[str]] = frozenset(get_args(Scope))
TOKEN_BYTES: Final = 32
_HASH: Final = re.compile(r"[0-9a-f]{64}", re.ASCII)
GRANTS: Final[Mapping[str, tuple[Scope, ...]]] = {
    "client": ("decide", "label", "read"),
    "admin": ("admin", "read"),
    "judge": ("judge", "read"),
    "metrics": ("metrics",),
}
"""Tokens that `generate_access` makes: one file for each name, with these scopes."""


@dataclass(frozen=True, slots=True)
class Caller:
    """An authenticated client, its scopes, and the namespace of its transaction ids."""

    client: str
    scopes: frozenset[str]
    namespace: str = ""


@dataclass(frozen=True, slots=True)
class Access:
    """All callers by the hex SHA-256 of their token; None while no access file was read.

    A file may name nobody. Then every token is unknown.
    """

    callers: Mapping[str, Caller] | None = None

    def caller_of(self, token: str) -> Caller | None:
        """Return the caller who presents `token`, or None. Every hash is compared, each in constant time.

        >>> access = Access({hash_token("s3cret"): Caller("till", frozenset({"decide"}))})
        >>> access.caller_of("s3cret").client, access.caller_of("guess")
        ('till', None)
        """
        # No early return: the time must not tell how many hashes were compared.
        presented, owner = hash_token(token), None
        for known, caller in (self.callers or {}).items():
            if hmac.compare_digest(known, presented):
                owner = caller
        return owner


def hash_token(token: str) -> str:
    """Return the hex SHA-256 of a token."""
    return hashlib.sha256(token.encode()).hexdigest()


def load_access(path: Path) -> Access:
    """Read ``access.json``.

    Raises:
        SettingsError: The file is missing, or not what this module writes.
    """
    clients = _read_entries(path)
    try:
        callers = {_hash_of(entry): _caller_of(entry) for entry in clients}
    except (ValueError, KeyError, TypeError) as error:
        raise _malformed(path, error) from None
    if len(callers) < len(clients):
        raise SettingsError(f"{path} names a token twice: remove one of the two entries")
    if odd := {scope for caller in callers.values() for scope in caller.scopes} - SCOPES:
        raise SettingsError(f"{path} grants {len(odd)} unknown scopes: expected some of {', '.join(sorted(SCOPES))}")
    return Access(callers)


def _read_entries(path: Path) -> list[Mapping[str, Any]]:
    try:
        return _require_list(json.loads(path.read_text())["clients"])
    except FileNotFoundError:
        raise SettingsError(f"no {path}: `python -m antifraud access generate` makes it") from None
    except OSError as error:
        raise SettingsError(f"{path} cannot be read ({error.strerror}): let this process read it") from None
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise _malformed(path, error) from None


def _malformed(path: Path, error: Exception) -> SettingsError:
    return SettingsError(f"{path} is not an access file ({type(error).__name__}): generate it anew")


def _require_list(value: Any) -> list[Any]:
    """Return a list as it is: a text or an object would also be iterated, and grant something else or nothing."""
    if not isinstance(value, list):
        raise TypeError("clients and scopes are lists")
    return value


def _hash_of(entry: Mapping[str, Any]) -> str:
    if not _HASH.fullmatch(entry["sha256"]):
        raise ValueError("the SHA-256 of a token is 64 hexadecimal digits in small letters")
    return str(entry["sha256"])


def _caller_of(entry: Mapping[str, Any]) -> Caller:
    client, namespace = entry["client"], entry.get("namespace", "")
    if not isinstance(client, str) or not client:
        raise ValueError("the name of a client is a text")
    if not isinstance(namespace, str) or "/" in namespace:
        raise ValueError("a namespace is a text without slashes")
    return Caller(client, frozenset(_require_list(entry["scopes"])), namespace)


def generate_access(folder: Path) -> list[Path]:
    """Write new tokens and their hashes into `folder`, readable by the owner only.

    Returns the files written. The hashes are written last: without them no token works.

    Raises:
        FileExistsError: There is an access file already; replacing it would lock every client out.
    """
    target = folder / "access.json"
    if target.exists():
        raise FileExistsError(f"{target} exists: remove it first if every client is to get a new token")
    folder.mkdir(parents=True, exist_ok=True)
    tokens = {name: secrets.token_urlsafe(TOKEN_BYTES) for name in GRANTS}
    clients = [{"client": name, "sha256": hash_token(tokens[name]), "scopes": list(GRANTS[name])} for name in GRANTS]
    contents = {f"{name}.token": token for name, token in tokens.items()}
    contents["access.json"] = json.dumps({"clients": clients}, indent=2)
    return [_write_private(folder / name, content) for name, content in contents.items()]


def _write_private(path: Path, content: str) -> Path:
    path.unlink(missing_ok=True)
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w") as file:
        file.write(content + "\n")
    return path
