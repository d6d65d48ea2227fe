"""Start a Spark standalone cluster on this machine: one master, and workers with one core each."""

import os
import sys
from dataclasses import dataclass
from functools import partial
from importlib.util import find_spec
from pathlib import Path
from typing import Final

from antifraud.errors import SettingsError
from infra.cluster.processes import HOST, Server, accepts, wait_until
from infra.local.ports import free_port

WORKERS: Final = 2
WORKER_MEMORY: Final = "1g"
DAEMON_MEMORY: Final = "256m"
MASTER: Final = "org.apache.spark.deploy.master.Master"
WORKER: Final = "org.apache.spark.deploy.worker.Worker"


@dataclass(frozen=True, slots=True)
class Cluster:
    """A running cluster. Its `url` is the value for ``--master``."""

    url: str
    servers: tuple[Server, ...]

    def stop(self) -> None:
        """Stop the workers, then the master."""
        for server in reversed(self.servers):
            server.stop()


def start_cluster(folder: Path, workers: int = WORKERS) -> Cluster:
    """Start master and workers; their logs and scratch files lie in `folder`.

    Raises:
        SettingsError: pyspark is not installed, or a process did not start; its log says why.
    """
    environ, port = spark_environment(), free_port()
    spark_class = str(Path(environ["SPARK_HOME"]) / "bin" / "spark-class")
    address = ["--host", HOST, "--webui-port"]
    started: list[Server] = []
    try:
        log = folder / "master.log"
        command = [spark_class, MASTER, *address, str(free_port()), "--port", str(port)]
        started.append(Server.start("spark-master", command, log, environ))
        wait_until(started[0], partial(accepts, port), log)
        url = f"spark://{HOST}:{port}"
        for number in range(workers):
            name, own = f"spark-worker-{number}", free_port()
            log = folder / f"worker-{number}.log"
            size = ["--port", str(own), "--cores", "1", "--memory", WORKER_MEMORY, "--work-dir", str(folder / name)]
            command = [spark_class, WORKER, *address, str(free_port()), *size, url]
            started.append(Server.start(name, command, log, environ))
            wait_until(started[-1], partial(accepts, own), log)
    except SettingsError:
        Cluster("", tuple(started)).stop()
        raise
    return Cluster(url, tuple(started))


def spark_environment() -> dict[str, str]:
    """Return the environment of Spark's scripts, which otherwise take the first ``python3`` and Spark on the path."""
    pyspark = find_spec("pyspark")
    if pyspark is None or pyspark.origin is None:
        raise SettingsError("this Python has no pyspark: run `make setup`")
    return {
        **os.environ,
        "SPARK_HOME": str(Path(pyspark.origin).parent),
        "PYSPARK_PYTHON": sys.executable,
        "SPARK_LOCAL_IP": HOST,
        "SPARK_DAEMON_MEMORY": DAEMON_MEMORY,
    }
