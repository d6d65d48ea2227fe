"""A double of the cloud's API at the wire: a gRPC server of the real stubs, with TLS, tokens and planned faults.

    .venv-cloud/bin/python -m tests.cloud.double --folder var/double --port 50051

Everything is in files of the folder: the certificates and the account's key, the state, which survives a restart, the
faults to come (`faults.json`) and the rates of this world (`world.json`).
"""

import argparse
import signal
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import grpc

from tests.cloud.double.certificates import write_certificates
from tests.cloud.double.guarding import Guard
from tests.cloud.double.services import add_services
from tests.cloud.double.world import World


def serve(folder: Path, port: int) -> None:
    """Serve until the process is terminated."""
    certificates = write_certificates(folder)
    world = World(folder)
    server = grpc.server(ThreadPoolExecutor(8), interceptors=[Guard()])
    add_services(server, world, f"127.0.0.1:{port}")
    credentials = grpc.ssl_server_credentials([(certificates.key, certificates.chain)])
    server.add_secure_port(f"127.0.0.1:{port}", credentials)
    server.start()
    (folder / "ready").touch()
    stopped = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: stopped.set())
    stopped.wait()
    server.stop(grace=1).wait()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--folder", type=Path, required=True)
    parser.add_argument("--port", type=int, required=True)
    arguments = parser.parse_args()
    serve(arguments.folder, arguments.port)
