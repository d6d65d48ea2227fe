"""A crowd of slow clients as a process of its own: idle, half-sent and slowly reading ones, replaced when they end.

    python -m bench.serving.edge.crowd PORT

It prints a line when nearly all have connected. On SIGTERM it prints the smallest share of each kind since then.
"""

import argparse
import asyncio
import json
import signal
import socket
from dataclasses import dataclass, field
from typing import Final

HOST: Final = "127.0.0.1"
SILENT, IDLE, HALF, SLOW = "silent", "idle", "half-sent", "slow"
NUMBERS: Final = {SILENT: 500, IDLE: 500, HALF: 200, SLOW: 200}
READY: Final = "ready"
ANSWERED: Final = b"GET /nothing HTTP/1.1\r\nHost: x\r\n\r\n"
HALF_SENT: Final = (
    b"POST /v1/decisions HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 200\r\n\r\n{"
)
LARGE: Final = b"GET /openapi.json HTTP/1.1\r\nHost: x\r\n\r\n"
SENT: Final = {SILENT: b"", IDLE: ANSWERED, HALF: HALF_SENT, SLOW: LARGE}
ENOUGH: Final = 0.95
SMALL_BUFFER, BYTES_A_SECOND = 2_048, 256
SPREAD_SECONDS: Final = 5.0
"""The clients come one after the other, so the server does not close hundreds of them at the same moment."""
PAUSE_SECONDS: Final = 0.1
LOOK_SECONDS: Final = 0.2


@dataclass
class Crowd:
    """How many clients of each kind are connected, and the fewest that were since the crowd was complete."""

    numbers: dict[str, int]
    present: dict[str, int] = field(default_factory=dict)
    fewest: dict[str, int] = field(default_factory=dict)

    def is_complete(self) -> bool:
        """Return whether enough of each kind are connected to begin; some are always about to connect again."""
        return all(self.present.get(kind, 0) >= ENOUGH * number for kind, number in self.numbers.items())

    def look(self) -> None:
        """Note the numbers of now."""
        for kind in self.numbers:
            self.fewest[kind] = min(self.fewest.get(kind, self.numbers[kind]), self.present.get(kind, 0))


async def keep_one(crowd: Crowd, port: int, kind: str, delay: float) -> None:
    """Keep one client of a kind connected, after a delay in seconds."""
    await asyncio.sleep(delay)
    while True:
        try:
            await _be_slow(crowd, port, kind)
        except OSError:  # the server has closed the connection, as it should after a while
            await asyncio.sleep(PAUSE_SECONDS)


async def _be_slow(crowd: Crowd, port: int, kind: str) -> None:
    loop = asyncio.get_running_loop()
    with socket.socket() as connection:
        connection.setblocking(False)
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, SMALL_BUFFER)
        await loop.sock_connect(connection, (HOST, port))
        await loop.sock_sendall(connection, SENT[kind])
        crowd.present[kind] = crowd.present.get(kind, 0) + 1
        try:
            while await loop.sock_recv(connection, BYTES_A_SECOND):
                if kind == SLOW:
                    await asyncio.sleep(1)
        finally:
            crowd.present[kind] -= 1


async def gather_crowd(port: int, crowd: Crowd) -> None:
    """Keep the whole crowd until SIGTERM."""
    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    clients = [
        asyncio.create_task(keep_one(crowd, port, kind, SPREAD_SECONDS * place / number))
        for kind, number in crowd.numbers.items()
        for place in range(number)
    ]
    gathered = False
    while not stop.is_set():
        if gathered:
            crowd.look()
        elif crowd.is_complete():
            gathered = True
            print(READY, flush=True)
        await asyncio.sleep(LOOK_SECONDS)
    for client in clients:
        client.cancel()
    await asyncio.gather(*clients, return_exceptions=True)


def main(arguments: argparse.Namespace) -> None:
    """Keep the crowd, and print the smallest shares."""
    crowd = Crowd(NUMBERS)
    asyncio.run(gather_crowd(arguments.port, crowd))
    print(json.dumps({kind: crowd.fewest.get(kind, 0) / number for kind, number in NUMBERS.items()}), flush=True)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("port", type=int)
    main(parser.parse_args())
