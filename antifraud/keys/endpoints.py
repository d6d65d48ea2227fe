"""The endpoints of webhooks: which URLs may be configured, and which addresses their names may lead to.

Whoever names a URL chooses where the guard connects to. So a URL has a strict form, and every address is checked again
when it is used: a name that was harmless yesterday may lead into the own network today.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from typing import Final, TypeAlias

from antifraud.errors import SettingsError

Network: TypeAlias = IPv4Network | IPv6Network
Address: TypeAlias = IPv4Address | IPv6Address

DEFAULT_PORTS: Final = {"http": 80, "https": 443}
MOST_URL: Final = 2_000
MOST_NAME: Final = 253
MOST_PORT: Final = 65_535
_CHARACTERS: Final = r"(?:[A-Za-z0-9._~!$&'()*+,;=:@/-]|%[0-9A-Fa-f]{2})"
_URL: Final = re.compile(
    r"(?P<scheme>https?)://(?P<host>\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9.-]+)(?::(?P<port>[0-9]{1,5}))?"
    rf"(?P<target>(?:/{_CHARACTERS}*)?(?:\?(?:{_CHARACTERS}|\?)*)?)",
    re.ASCII,
)
_NAME: Final = re.compile(r"(?:[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?\.)*[A-Za-z][A-Za-z0-9-]{0,62}", re.ASCII)
_NAT64: Final = IPv6Network("64:ff9b::/96")
_GLOBAL_UNICAST: Final = IPv6Network("2000::/3")
"""The only part of IPv6 that is public. Python also takes for global what was never given to anybody."""
_EXPECTED: Final = "expected https://name/path, or http:// for a loopback address"


@dataclass(frozen=True, slots=True)
class Endpoint:
    """The parts of a URL. They are not shown, because a path may hold a secret."""

    scheme: str
    host: str
    port: int
    target: str = field(repr=False)

    @property
    def literal(self) -> Address | None:
        """The address that the URL itself names, or None if it has a name."""
        return address_of(self.host)

    @property
    def is_local(self) -> bool:
        """Whether the URL itself says that the subscriber is on this machine."""
        return self.host.lower() == "localhost" or (self.literal is not None and _bare(self.literal).is_loopback)

    def allows(self, address: str, networks: Sequence[Network]) -> bool:
        """Return whether the guard may connect to an address that the host has led to."""
        found = _bare(ip_address(address))
        if self.is_local:
            return found.is_loopback
        return _is_public(found) or any(found in network for network in networks)


def parse_endpoint(url: str, networks: Sequence[Network]) -> Endpoint:
    """Return the parts of a URL that webhooks may be sent to; an address must be public or in one of `networks`.

    Raises:
        SettingsError: The URL has another form or leads elsewhere. The message does not repeat it.
    """
    found = _URL.fullmatch(url) if len(url) <= MOST_URL else None
    if found is None:
        raise SettingsError(f"the URL of a subscriber is malformed: {_EXPECTED}")
    scheme, host = found["scheme"], found["host"].strip("[]")
    port = int(found["port"] or DEFAULT_PORTS[scheme])
    endpoint = Endpoint(scheme, host, port, found["target"] or "/")
    if not 0 < port <= MOST_PORT or not _is_host(found["host"]):
        raise SettingsError(f"the URL of a subscriber has an impossible host or port: {_EXPECTED}")
    if scheme == "http" and not endpoint.is_local:
        raise SettingsError(f"the URL of a subscriber sends webhooks unencrypted: {_EXPECTED}")
    if endpoint.literal is not None and not endpoint.allows(host, networks):
        raise SettingsError(
            "the URL of a subscriber names a private or reserved address: use a public one, or allow its network with "
            "ANTIFRAUD_WEBHOOK_NETWORKS"
        )
    return endpoint


def parse_networks(text: str) -> tuple[Network, ...]:
    """Return networks that are separated by commas.

    >>> parse_networks("10.1.0.0/16, fd00::/8")
    (IPv4Network('10.1.0.0/16'), IPv6Network('fd00::/8'))

    Raises:
        SettingsError: One of them is none.
    """
    try:
        return tuple(ip_network(part.strip()) for part in text.split(",") if part.strip())
    except ValueError:
        raise SettingsError(
            "ANTIFRAUD_WEBHOOK_NETWORKS is not a list of networks: expected such as 10.1.0.0/16,fd12::/16"
        ) from None


def address_of(host: str) -> Address | None:
    """Return the address that a text spells, or None."""
    try:
        return ip_address(host)
    except ValueError:
        return None


def _is_host(host: str) -> bool:
    if host.startswith("["):
        return isinstance(address_of(host[1:-1]), IPv6Address)
    if isinstance(address_of(host), IPv4Address):
        return True
    # A name that ends in a number would be read as an address by some resolvers: 127.1, 0x7f000001.
    return len(host) <= MOST_NAME and _NAME.fullmatch(host) is not None


def _is_public(address: Address) -> bool:
    has_owner = isinstance(address, IPv4Address) or address in _GLOBAL_UNICAST
    return has_owner and address.is_global and not address.is_multicast


def _bare(address: Address) -> Address:
    """Return the IPv4 address that an IPv6 address only wraps; a gateway would connect to it."""
    if isinstance(address, IPv4Address):
        return address
    if address in _NAT64:
        return IPv4Address(int(address) & 0xFFFF_FFFF)
    return address.ipv4_mapped or address.sixtofour or address
