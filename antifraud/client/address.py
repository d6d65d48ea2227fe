"""Where the scorer is, and the token for it: checked first, because a typing error would look like an outage."""

import re
from typing import Any, Final

from antifraud.client.errors import ClientError

MOST_PORT: Final = 65_535
_TOKEN: Final = re.compile(r"[!-~]+")


def connection_options(url: str, token: str) -> dict[str, Any]:
    """Return the options that both kinds of httpx client get.

    Raises:
        ClientError: The URL or the token can never work. The message repeats neither.
    """
    if not _is_address(url):
        raise ClientError("the URL of the scorer is not valid: expected http:// or https:// and a host")
    if not _TOKEN.fullmatch(token):
        raise ClientError("the token has other characters than a token's: remove line ends and spaces around it")
    # Without proxies of the environment: the scorer is a neighbour, and a proxy would see tokens with amounts.
    return {"base_url": url, "headers": {"Authorization": f"Bearer {token}"}, "trust_env": False}


def _is_address(url: str) -> bool:
    import httpx

    try:
        parsed = httpx.URL(url)
    except httpx.InvalidURL:
        return False
    has_port = parsed.port is None or 0 < parsed.port <= MOST_PORT
    return parsed.scheme in {"http", "https"} and bool(parsed.host) and has_port
