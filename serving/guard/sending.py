"""One attempt to deliver a webhook, within a time limit for the whole of it.

The name is looked up once, and every address that it leads to must be allowed. The connection goes to one of these
addresses, so no second look-up can lead elsewhere. The certificate must still be that of the name.
"""

import asyncio
import functools
import socket
import ssl
import threading
from collections.abc import Mapping, Sequence
from typing import Final

import httpx

from antifraud.errors import NotTaken
from antifraud.keys.endpoints import Endpoint, Network
from antifraud.keys.subscribers import Subscriber
from serving.guard.schedule import ATTEMPT_SECONDS

FORBIDDEN: Final = (
    "the subscriber's name leads to a private or reserved address: correct its DNS, or allow the network with "
    "ANTIFRAUD_WEBHOOK_NETWORKS"
)


async def send(
    subscriber: Subscriber,
    headers: Mapping[str, str],
    body: str,
    networks: Sequence[Network],
    limit: float = ATTEMPT_SECONDS,
) -> None:
    """Deliver a webhook once.

    Raises:
        NotTaken: The subscriber could not be reached, or did not answer with 2xx in time. The message never holds its
            URL, because a URL may hold a secret.
    """
    endpoint = subscriber.endpoint
    try:
        async with asyncio.timeout(limit):
            addresses = await _look_up(endpoint)
            if not all(endpoint.allows(address, networks) for address in addresses):
                raise NotTaken(FORBIDDEN)
            status = await _post_to_first(addresses, endpoint, headers, body, limit)
    except TimeoutError:
        raise NotTaken(f"the subscriber did not answer within {limit:g} s") from None
    except (OSError, httpx.HTTPError) as error:
        raise NotTaken(f"the subscriber could not be reached ({type(error).__name__})") from None
    if not httpx.codes.is_success(status):
        raise NotTaken(f"the subscriber answered {status}, expected 2xx")


async def _look_up(endpoint: Endpoint) -> list[str]:
    """Return the addresses of the host, in the resolver's order."""
    loop = asyncio.get_running_loop()
    found: asyncio.Future[list[str]] = loop.create_future()

    def settle(addresses: list[str], error: OSError | None) -> None:
        if found.done():  # the time limit has ended the attempt
            return
        if error:
            found.set_exception(error)
        else:
            found.set_result(addresses)

    def ask() -> None:
        addresses, failure = [], None
        try:
            answers = socket.getaddrinfo(endpoint.host, endpoint.port, type=socket.SOCK_STREAM)
            addresses = [str(address[0]) for *_, address in answers]
        except OSError as error:
            failure = error
        try:
            loop.call_soon_threadsafe(settle, addresses, failure)
        except RuntimeError:  # the loop was closed meanwhile, so nobody waits for the answer
            return

    # A daemon thread: the resolver cannot be interrupted, and must delay neither others nor the end of the process.
    threading.Thread(target=ask, name="resolver", daemon=True).start()
    return await found


async def _post_to_first(
    addresses: Sequence[str], endpoint: Endpoint, headers: Mapping[str, str], body: str, limit: float
) -> int:
    """Post to the first address that accepts a connection; return the status."""
    # Each address has its share of the time: the first of them may be one that drops every packet.
    times = httpx.Timeout(limit, connect=limit / len(addresses))
    for address in addresses[:-1]:
        try:
            return await _post(address, endpoint, headers, body, times)
        except (httpx.ConnectError, httpx.ConnectTimeout):
            continue  # nothing was sent, so the next address may be tried
    return await _post(addresses[-1], endpoint, headers, body, times)


async def _post(address: str, endpoint: Endpoint, headers: Mapping[str, str], body: str, times: httpx.Timeout) -> int:
    host = f"[{endpoint.host}]" if ":" in endpoint.host else endpoint.host
    literal = f"[{address}]" if ":" in address else address
    url = f"{endpoint.scheme}://{literal}:{endpoint.port}{endpoint.target}"
    addressed = {**headers, "host": f"{host}:{endpoint.port}"}
    # An address has no name that TLS could ask for.
    extensions = {} if endpoint.literal else {"sni_hostname": endpoint.host}
    # Proxies of the environment would look the name up again.
    async with (
        httpx.AsyncClient(verify=_trusted(), trust_env=False, timeout=times, follow_redirects=False) as client,
        # The status is enough: a body may have no end.
        client.stream("POST", url, content=body, headers=addressed, extensions=extensions) as answer,
    ):
        return answer.status_code


@functools.cache
def _trusted() -> ssl.SSLContext:
    """Return the authorities that certificates are checked with, read once: SSL_CERT_FILE, or those of certifi."""
    return httpx.create_ssl_context()
