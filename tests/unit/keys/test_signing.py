"""A signature proves who made a release; private keys are made once and never shown."""

import base64

import pytest
from cryptography.hazmat.primitives import serialization as forms
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

from antifraud.errors import ReleaseError, SettingsError
from antifraud.keys.signing import PublicKey, SigningKey, generate_signing_keys
from tests.release_keys import PUBLIC, SIGNING


def test_a_signature_is_ed25519_over_purpose_and_content():
    """A signature is Ed25519 over purpose and content, in base64, as a direct call of the library gives it."""
    signature = SIGNING.sign(b"{}\n")
    raw = Ed25519PrivateKey.from_private_bytes(bytes(range(32))).sign(b"antifraud release manifest\n{}\n")

    assert base64.b64decode(signature) == raw
    assert SIGNING.sign(b"{}\n") == signature
    PUBLIC.check(b"{}\n", signature)


@pytest.mark.parametrize("signature", [b"", b"not base64!", SIGNING.sign(b"other"), base64.b64encode(bytes(64))])
def test_another_signature_is_refused(signature):
    """Empty signatures, rubbish, zeros and signatures of other content are refused."""
    with pytest.raises(ReleaseError, match="was not made over this manifest"):
        PUBLIC.check(b"{}", signature)


def test_a_generated_pair_fits_and_is_private(tmp_path):
    """The private key has mode 0600, everyone may read the public key, and the two belong together."""
    private, public = tmp_path / "s" / "release.key", tmp_path / "p" / "release.pub"

    assert generate_signing_keys(private, public) == [public, private]
    assert (private.stat().st_mode & 0o777, public.stat().st_mode & 0o777) == (0o600, 0o644)
    PublicKey.read(public).check(b"x", SigningKey.read(private).sign(b"x"))
    with pytest.raises(ReleaseError):
        PUBLIC.check(b"x", SigningKey.read(private).sign(b"x"))


def test_a_second_pair_is_refused_and_half_a_pair_is_made_anew(tmp_path):
    """A private key is never replaced, but a public key without its private key is."""
    private, public = tmp_path / "release.key", tmp_path / "release.pub"
    public.write_text("half")
    generate_signing_keys(private, public)
    before = private.read_bytes(), public.read_bytes()

    with pytest.raises(FileExistsError, match="no release made so far would be accepted"):
        generate_signing_keys(private, public)
    assert (private.read_bytes(), public.read_bytes()) == before


@pytest.mark.parametrize("kind", [PublicKey, SigningKey])
def test_a_missing_key_names_the_command(tmp_path, kind):
    """The error about a missing key names the command that makes it."""
    with pytest.raises(SettingsError, match="release-key generate"):
        kind.read(tmp_path / "release.pub")


@pytest.mark.parametrize("kind", [PublicKey, SigningKey])
def test_what_is_no_key_is_not_shown(tmp_path, kind):
    """A secret in the wrong file is neither in the error message nor in its cause."""
    path = tmp_path / "key"
    path.write_text("hunter2")

    with pytest.raises(SettingsError, match=r"is not a p[a-z]+ key in PEM") as caught:
        kind.read(path)
    assert "hunter2" not in str(caught.value)
    assert caught.value.__suppress_context__


def test_a_key_of_another_kind_is_refused(tmp_path):
    """An X25519 key is refused: it is PEM, too, but cannot sign."""
    key, pem = X25519PrivateKey.generate(), forms.Encoding.PEM
    private, public = tmp_path / "k", tmp_path / "p"
    private.write_bytes(key.private_bytes(pem, forms.PrivateFormat.PKCS8, forms.NoEncryption()))
    public.write_bytes(key.public_key().public_bytes(pem, forms.PublicFormat.SubjectPublicKeyInfo))

    for kind, path in ((SigningKey, private), (PublicKey, public)):
        with pytest.raises(SettingsError, match="is not an Ed25519 key"):
            kind.read(path)
