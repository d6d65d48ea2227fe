"""URLs of webhooks have a strict form, and no URL or name leads the guard into a private network."""

import pytest

from antifraud.errors import SettingsError
from antifraud.keys.endpoints import parse_endpoint, parse_networks

GOOD = {
    "https://ops.example/hooks/antifraud?team=7": ("https", "ops.example", 443, "/hooks/antifraud?team=7"),
    "https://ops.example": ("https", "ops.example", 443, "/"),
    "https://ops.example:8443?a=%20": ("https", "ops.example", 8443, "?a=%20"),
    "https://xn--bcher-kva.example/": ("https", "xn--bcher-kva.example", 443, "/"),
    "https://8.8.8.8/": ("https", "8.8.8.8", 443, "/"),
    "https://[2606:4700::1111]:444/x": ("https", "2606:4700::1111", 444, "/x"),
    "http://127.0.0.1:8090/events": ("http", "127.0.0.1", 8090, "/events"),
    "http://localhost/": ("http", "localhost", 80, "/"),
    "http://[::1]:9/": ("http", "::1", 9, "/"),
    "https://127.0.0.1:9/": ("https", "127.0.0.1", 9, "/"),
}
MALFORMED = [
    "", "ops", "https://", "https:///x", "//ops.example", "ftp://ops.example/", "https://ops.example:/", "https://a b/",
    "https://user:pass@ops.example/", "https://ops.example/#x", "https://ops.example/\n", "https://ops.example/a b",
    "https://ops.example\\@evil.example/", "https://ops.example/%zz", "https://b\u00fccher.example/", "HTTPS://ops.example/",
    "https://ops.example:0/", "https://ops.example:99999/", "https://[::1", "https://[1.2.3.4]/", "https://-a.example/",
    "https://a..example/", "https://127.1/", "https://0x7f000001/", "https://2130706433/", "https://1.2.3.4.5/",
    "https://" + "a" * 64 + ".example/", "https://ops.example/" + "a" * 2_000,
]  # fmt: skip
UNENCRYPTED = ["http://ops.example/", "http://8.8.8.8/", "http://10.0.0.1/", "http://localhost.example/"]
PRIVATE = [
    "10.0.0.1", "172.16.0.1", "192.168.1.1", "169.254.169.254", "100.64.0.1", "0.0.0.1", "224.0.0.1", "255.255.255.255",
    "192.0.2.1", "::", "fe80::1", "fc00::1", "ff02::1", "fd00:ec2::254", "::ffff:10.0.0.1", "64:ff9b::a9fe:a9fe",
    "2002:a00:1::1", "2001:db8::1", "fec0::1", "::10.0.0.1", "::ffff:0:10.0.0.1", "64:ff9b:1::a00:1", "5f00::1",
]  # fmt: skip


@pytest.mark.parametrize(("url", "parts"), GOOD.items())
def test_a_usable_url_has_these_parts(url, parts):
    """An https URL of a public host, or any URL of a loopback address; the port has its default."""
    found = parse_endpoint(url, ())

    assert (found.scheme, found.host, found.port, found.target) == parts


@pytest.mark.parametrize("url", MALFORMED)
def test_a_malformed_url_is_refused_and_not_repeated(url):
    """One line says what was expected; a URL may hold a secret."""
    with pytest.raises(SettingsError, match=r"the URL of a subscriber (is malformed|has an impossible)") as caught:
        parse_endpoint(url, ())

    assert "\n" not in str(caught.value)
    assert len(url) <= len("https://") or url not in str(caught.value)


@pytest.mark.parametrize("url", UNENCRYPTED)
def test_http_is_for_loopback_only(url):
    """A name that only begins with localhost is a stranger."""
    with pytest.raises(SettingsError, match="unencrypted"):
        parse_endpoint(url, ())


def host_of(address):
    return f"[{address}]" if ":" in address else address


@pytest.mark.parametrize("address", PRIVATE)
def test_private_and_reserved_addresses_are_refused(address):
    """In a URL, and when a public name leads to one; wrapped in IPv6 they are the same."""
    with pytest.raises(SettingsError, match="private or reserved"):
        parse_endpoint(f"https://{host_of(address)}/", ())
    assert not parse_endpoint("https://ops.example/", ()).allows(address, ())


def test_a_public_name_never_leads_to_loopback_and_a_local_one_nowhere_else():
    """After a change of its DNS a name cannot reach this machine, and localhost cannot leave it."""
    stranger, local = parse_endpoint("https://ops.example/", ()), parse_endpoint("http://localhost/", ())

    assert [stranger.allows(a, ()) for a in ("127.0.0.1", "::1", "::ffff:127.0.0.1", "8.8.8.8")] == [0, 0, 0, 1]
    assert [local.allows(a, ()) for a in ("127.0.0.1", "::1", "8.8.8.8", "10.0.0.1")] == [1, 1, 0, 0]


def test_a_setting_allows_private_networks():
    """Only the networks that it names, and only with https."""
    networks = parse_networks("10.1.0.0/16, fd12::/16")

    assert parse_endpoint("https://10.1.2.3/", networks).host == "10.1.2.3"
    named = parse_endpoint("https://ops.internal/", networks)
    assert [named.allows(a, networks) for a in ("10.1.2.3", "fd12::1", "10.2.0.1", "127.0.0.1")] == [1, 1, 0, 0]
    with pytest.raises(SettingsError, match="unencrypted"):
        parse_endpoint("http://10.1.2.3/", networks)


@pytest.mark.parametrize("text", ["10.1.0.0/33", "ops", "10.1.2.3/16", "10.0.0.0/8;fd00::/8"])
def test_a_text_that_is_no_list_of_networks_is_refused(text):
    """The error names the setting."""
    with pytest.raises(SettingsError, match="ANTIFRAUD_WEBHOOK_NETWORKS"):
        parse_networks(text)


def test_the_target_is_not_shown():
    """The path of a URL may be a secret."""
    assert "s3cret" not in repr(parse_endpoint("https://ops.example/s3cret", ()))
