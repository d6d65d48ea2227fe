"""A certificate authority of the tests, the server's certificate, and the authorized key of a service account."""

import datetime as dt
import ipaddress
import json
from pathlib import Path
from typing import NamedTuple

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa

ROOTS = "roots.pem"
ACCOUNT = "account.json"
PUBLIC = "account.pub"
DAY = dt.timedelta(days=1)


class Certificates(NamedTuple):
    """Key and certificate chain of the server, as PEM."""

    key: bytes
    chain: bytes


def write_certificates(folder: Path) -> Certificates:
    """Write the authority's certificate and the account's key for clients, and return what the server needs."""
    authority, own = _key(), _key()
    issuer = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "test authority")])
    roots = _signed(issuer, issuer, authority, authority, x509.BasicConstraints(ca=True, path_length=0))
    subject = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "127.0.0.1")])
    address = x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))])
    chain = _signed(subject, issuer, own, authority, address)
    _replace(folder / ROOTS, roots)
    if not (folder / ACCOUNT).exists():
        account = _key()
        _replace(folder / PUBLIC, account.public_key().public_bytes(*_PUBLIC_FORM))
        key = {"id": "key1", "service_account_id": "account1", "private_key": _pem(account).decode()}
        _replace(folder / ACCOUNT, json.dumps(key).encode())
    return Certificates(_pem(own), chain)


_PUBLIC_FORM = (serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)


def _key():
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


def _pem(key):
    form = serialization.PrivateFormat.PKCS8
    return key.private_bytes(serialization.Encoding.PEM, form, serialization.NoEncryption())


def _signed(subject, issuer, key, authority, extension):
    now = dt.datetime.now(dt.UTC)
    builder = x509.CertificateBuilder().subject_name(subject).issuer_name(issuer).public_key(key.public_key())
    builder = builder.serial_number(x509.random_serial_number())
    builder = builder.not_valid_before(now - DAY).not_valid_after(now + DAY)
    signed = builder.add_extension(extension, critical=False).sign(authority, hashes.SHA256())
    return signed.public_bytes(serialization.Encoding.PEM)


def _replace(path, content):
    fresh = path.with_suffix(".new")
    fresh.write_bytes(content)
    fresh.replace(path)
