"""Ports of the services: the usual ones where they are free, kept for later runs of the same folder."""

import socket
from typing import Final

PREFERRED: Final = {"airflow": 8080, "mlflow": 5000, "scorer": 8000, "webhook": 8090}
HOST: Final = "127.0.0.1"


def choose_ports(known: dict[str, int]) -> dict[str, int]:
    """A port for each service: the known one, else the usual one, else any; each free at this moment."""
    chosen: dict[str, int] = {}
    for name, usual in PREFERRED.items():
        wanted = known.get(name, usual)
        chosen[name] = wanted if _is_free(wanted) else _any_free()
    return chosen


def _is_free(port: int) -> bool:
    """Whether a server could listen on `port`; connections of an earlier server that linger do not count."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError:
            return False
        return True


def _any_free() -> int:
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        port: int = probe.getsockname()[1]
        return port
