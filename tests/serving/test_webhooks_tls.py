"""A webhook over TLS goes to the checked address, asks for the name, and accepts only the certificate of the name."""

import asyncio
import datetime as dt
import ssl

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from antifraud.errors import NotTaken
from antifraud.keys.endpoints import parse_endpoint
from antifraud.keys.subscribers import Subscriber
from serving.guard.sending import _trusted, send
from tests.receivers import receiver

SECRET = "whsec_c2VjcmV0c2VjcmV0c2VjcmV0c2VjcmV0"


@pytest.fixture
def certified(tmp_path, monkeypatch):
    """Return a function that makes a TLS context with a certificate of a name, which the guard then trusts."""

    def make(name):
        key = ec.generate_private_key(ec.SECP256R1())
        subject = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)])
        now = dt.datetime.now(tz=dt.UTC)
        certificate = (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(subject)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - dt.timedelta(days=1))
            .not_valid_after(now + dt.timedelta(days=1))
            .add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False)
            .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
            .sign(key, hashes.SHA256())
        )
        pem = tmp_path / "certificate.pem"
        pem.write_bytes(
            certificate.public_bytes(serialization.Encoding.PEM)
            + key.private_bytes(
                serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
            )
        )
        monkeypatch.setenv("SSL_CERT_FILE", str(pem))
        _trusted.cache_clear()
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(pem)
        return context

    yield make
    _trusted.cache_clear()


def send_to(url):
    asyncio.run(send(Subscriber("ops", url, (SECRET,), parse_endpoint(url, ())), {}, "{}", ()))


def test_the_name_is_asked_for_and_verified(certified):
    """The connection goes to an address, and TLS and the Host still have the name."""
    context, asked = certified("localhost"), []
    context.sni_callback = lambda _, name, __: asked.append(name)
    with receiver(context=context) as ops:
        send_to(f"https://localhost:{ops.server_port}/hook")

    ((headers, body),) = ops.received
    assert (asked, headers["host"], body) == (["localhost"], f"localhost:{ops.server_port}", b"{}")


def test_the_certificate_of_another_name_is_refused(certified):
    """Whoever has taken over an address gets no news."""
    with receiver(context=certified("stranger.example")) as ops:
        with pytest.raises(NotTaken, match=r"could not be reached \(ConnectError\)"):
            send_to(f"https://localhost:{ops.server_port}/hook")
        assert ops.received == []
