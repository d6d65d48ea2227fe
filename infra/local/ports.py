"""Choose the ports of the services: the usual ones if they are free, the same ones in later runs."""

import random
import socket
from typing import Final

PREFERRED: Final = {"airflow": 8080, "mlflow": 5000, "scorer": 8000, "webhook": 8090}
HOST: Final = "127.0.0.1"
SERVERS: Final = (20_000, 32_768)
"""Range below the ports that Linux, macOS and the BSDs give to clients."""


def choose_ports(known: dict[str, int]) -> dict[str, int]:
    """Return a free port for each service: the known one, or the usual one, or any other."""
    chosen: dict[str, int] = {}
    for name, usual in PREFERRED.items():
        wanted = known.get(name, usual)
        chosen[name] = wanted if _is_free(wanted) else free_port()
    return chosen


def free_port() -> int:
    """Return a port that nobody listens on now, and that the system gives to no client.

    A client's connection could otherwise take the port of a server that restarts.
    """
    return next(port for port in iter(lambda: random.SystemRandom().randrange(*SERVERS), None) if _is_free(port))


def _is_free(port: int) -> bool:
    """Return whether a server can listen on `port`, even if connections of an earlier server linger."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError:
            return False
        return True
