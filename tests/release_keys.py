"""One fixed key pair for every test that makes a release, so that folders made in different places fit together."""

from cryptography.hazmat.primitives import serialization as forms
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from antifraud.keys.signing import SigningKey

SIGNING = SigningKey(Ed25519PrivateKey.from_private_bytes(bytes(range(32))))
PUBLIC = SIGNING.public


def put_keys(home):
    """Write the key pair where the settings of `home` look for it."""
    pem = forms.Encoding.PEM
    folder = home / "secrets"
    folder.mkdir(exist_ok=True)
    secret = SIGNING.key.private_bytes(pem, forms.PrivateFormat.PKCS8, forms.NoEncryption())
    (folder / "release.key").write_bytes(secret)
    (folder / "release.pub").write_bytes(PUBLIC.key.public_bytes(pem, forms.PublicFormat.SubjectPublicKeyInfo))
