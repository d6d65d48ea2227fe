"""Start and stop a Spark standalone cluster on this machine, and prepare the servers and programs of the tests.

    python -m infra.cluster start --folder var/cluster      # a master and two workers
    python -m infra.cluster stop --folder var/cluster
    python -m infra.cluster zip --target var/antifraud.zip  # the project for --py-files
    python -m infra.cluster upload --description cluster.json --environment .venv-spark35  # code of a cloud cluster
    python -m infra.cluster prepare                         # PostgreSQL, Redis, nginx, promtool (apt-get), S3 server

The cluster keeps running after `start` has ended; `stop` finds its processes by their pids.
"""

import argparse
import dataclasses
import json
import os
import sys
from pathlib import Path

from antifraud.errors import SettingsError
from antifraud.exit_codes import returns_exit_code
from antifraud.lake.storage import code_folder
from antifraud.settings.cloud import CloudSettings
from antifraud.settings.core import JobSettings
from infra.cluster.archive import write_project_zip
from infra.cluster.code import upload_code
from infra.cluster.postgres import find_binaries
from infra.cluster.processes import Server
from infra.cluster.redis import find_redis
from infra.cluster.s3 import build_server
from infra.cluster.standalone import WORKERS, start_cluster
from infra.monitoring.promtool import find_promtool
from infra.proxy.server import find_nginx
from infra.setup.packages import ensure

STATE = "cluster.json"
ZIP = "antifraud.zip"


def start(folder: Path, workers: int) -> None:
    """Start a cluster, record its processes in the folder, and print how to use it.

    Raises:
        SettingsError: A cluster of this folder is running.
    """
    folder = folder.resolve()
    if any(server.is_running() for server in read_state(folder)):
        raise SettingsError(f"a cluster of {folder} is already running: stop it first")
    cluster = start_cluster(folder, workers)
    (folder / STATE).write_text(json.dumps([dataclasses.asdict(server) for server in cluster.servers]))
    write_project_zip(folder / ZIP)
    print(f"Spark cluster with {workers} workers: {cluster.url}")
    print(f"by hand:  spark-submit --master {cluster.url} --py-files {folder / ZIP} jobs/day.py ...")
    print(f"Airflow:  AIRFLOW_CONN_SPARK_CLUSTER='{json.dumps({'conn_type': 'spark', 'host': cluster.url})}'")
    print("          ANTIFRAUD_COMPUTE_TARGET=standalone ANTIFRAUD_SPARK_CONNECTION=spark_cluster")
    print(f"          ANTIFRAUD_PROJECT_ZIP={folder / ZIP}")


def stop(folder: Path) -> None:
    """Stop the cluster of a folder; idempotent."""
    servers = read_state(folder)
    for server in reversed(servers):
        server.stop()
    (folder / STATE).unlink(missing_ok=True)
    print(f"stopped {len(servers)} processes")


def read_state(folder: Path) -> list[Server]:
    """Return the processes that `start` recorded; none if it never ran."""
    path = folder / STATE
    return [Server(**each) for each in json.loads(path.read_text())] if path.is_file() else []


def upload(description: Path, environment: Path | None) -> None:
    """Upload the code of a cloud cluster's jobs into the bucket of the settings.

    Raises:
        SettingsError: The description is no JSON, or the environment has no jars.
    """
    settings, cloud = JobSettings.from_environment(os.environ), CloudSettings.from_environment(os.environ)
    try:
        described = json.loads(description.read_text())
    except (OSError, ValueError) as error:
        raise SettingsError(
            f"{description} is no description of a cluster ({error}): see antifraud/compute/on_host.py"
        ) from None
    upload_code(code_folder(settings, cloud.code), described, environment)
    print(f"uploaded to {cloud.code}")


def prepare() -> None:
    """Install PostgreSQL, Redis, nginx and promtool if they are missing, and build the S3 server.

    Raises:
        SettingsError: Something must be installed by hand; the message names it.
    """
    print(f"PostgreSQL: {ensure(find_binaries, 'postgresql')}, nginx: {ensure(find_nginx, 'nginx')}")
    print(f"Redis: {ensure(find_redis, 'redis-server')}")
    print(f"promtool: {ensure(find_promtool, 'prometheus')}, S3 server: {build_server()}")


@returns_exit_code
def main() -> None:
    """Run the command of the arguments."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("prepare")
    commands.add_parser("upload").add_argument("--description", type=Path, required=True)
    commands.choices["upload"].add_argument("--environment", type=Path)
    commands.add_parser("zip").add_argument("--target", type=Path, required=True)
    for name in ("start", "stop"):
        commands.add_parser(name).add_argument("--folder", type=Path, default=Path("var/cluster"))
    commands.choices["start"].add_argument("--workers", type=int, default=WORKERS)
    arguments = parser.parse_args()
    if arguments.command == "start":
        start(arguments.folder, arguments.workers)
    elif arguments.command == "stop":
        stop(arguments.folder)
    elif arguments.command == "upload":
        upload(arguments.description, arguments.environment)
    elif arguments.command == "zip":
        print(f"{len(write_project_zip(arguments.target))} files")
    else:
        prepare()


if __name__ == "__main__":
    sys.exit(main())
