"""Signatures over release manifests: Ed25519 (RFC 8032), so that only the holder of the signing key makes releases.

The private key is needed where releases are made (`jobs/promote.py`) and nowhere else; whoever uses a release (scorer,
judge, commands) holds the public key only. Both are PEM files, as other tools read them. The library `cryptography` is
imported where it is called.
"""

import base64
import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final, Self

from antifraud.errors import ReleaseError, SettingsError

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

PURPOSE: Final = b"antifraud release manifest\n"
"""Prefix of the signed content, so that a signature made for another purpose never counts for a release."""
MAKE_KEYS: Final = "`python -m antifraud release-key generate` makes the pair"


@dataclass(frozen=True, slots=True, eq=False)
class PublicKey:
    """The public half, which checks whether a signature was made with the signing key."""

    key: "Ed25519PublicKey"

    @classmethod
    def read(cls, path: Path) -> Self:
        """Read a public key.

        Raises:
            SettingsError: The file is missing or is no Ed25519 public key.
        """
        from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
        from cryptography.hazmat.primitives.serialization import load_pem_public_key

        content = _content(path)
        try:
            key = load_pem_public_key(content)
        except ValueError:
            raise SettingsError(f"{path} is not a public key in PEM: {MAKE_KEYS}") from None
        if not isinstance(key, Ed25519PublicKey):
            raise SettingsError(f"{path} is not an Ed25519 key: {MAKE_KEYS}")
        return cls(key)

    def check(self, content: bytes, signature: bytes, purpose: bytes = PURPOSE) -> None:
        """Refuse a `signature` that `SigningKey.sign` did not make over `content` for this purpose.

        Raises:
            ReleaseError: It was not.
        """
        from cryptography.exceptions import InvalidSignature

        try:
            self.key.verify(base64.b64decode(signature, validate=True), purpose + content)
        except (InvalidSignature, ValueError):
            raise ReleaseError("the signature was not made over this manifest with the release key") from None


@dataclass(frozen=True, slots=True, eq=False)
class SigningKey:
    """The private half; its text form never leaves its file."""

    key: "Ed25519PrivateKey"

    @classmethod
    def read(cls, path: Path) -> Self:
        """Read a private key.

        Raises:
            SettingsError: The file is missing or is no Ed25519 private key; its content is never shown.
        """
        from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
        from cryptography.hazmat.primitives.serialization import load_pem_private_key

        content = _content(path)
        try:
            key = load_pem_private_key(content, password=None)
        except (ValueError, TypeError):
            raise SettingsError(f"{path} is not a private key in PEM: {MAKE_KEYS}") from None
        if not isinstance(key, Ed25519PrivateKey):
            raise SettingsError(f"{path} is not an Ed25519 key: {MAKE_KEYS}")
        return cls(key)

    @property
    def public(self) -> PublicKey:
        """Public half of this key."""
        return PublicKey(self.key.public_key())

    def sign(self, content: bytes, purpose: bytes = PURPOSE) -> bytes:
        """Return the signature over `content`, 64 bytes as base64; equal content gives equal signatures."""
        return base64.b64encode(self.key.sign(purpose + content))


def generate_signing_keys(private: Path, public: Path) -> list[Path]:
    """Make a key pair, `private` with mode 0600 and `public` readable by all; return the files written.

    The private key is written last: it shows that the pair is whole.

    Raises:
        FileExistsError: There is a private key already; with another one every release would have to be made anew.
    """
    from cryptography.hazmat.primitives import serialization as forms
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    if private.exists():
        raise FileExistsError(f"{private} exists: with another key no release made so far would be accepted")
    key, pem = Ed25519PrivateKey.generate(), forms.Encoding.PEM
    shown = key.public_key().public_bytes(pem, forms.PublicFormat.SubjectPublicKeyInfo)
    secret = key.private_bytes(pem, forms.PrivateFormat.PKCS8, forms.NoEncryption())
    return [_write(public, shown, 0o644), _write(private, secret, 0o600)]


def _write(path: Path, content: bytes, mode: int) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.unlink(missing_ok=True)
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
    with os.fdopen(descriptor, "wb") as file:
        file.write(content)
    return path


def _content(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise SettingsError(f"no readable {path} ({error.strerror}): {MAKE_KEYS}") from None
