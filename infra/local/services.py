"""Define the services of a run, and wait until they are ready."""

import subprocess
import sys
import time
from pathlib import Path
from typing import Final

import httpx

from antifraud.errors import PublishError
from antifraud.settings.locations import SQLITE_OF_MLFLOW, sqlite_uri
from infra.local.environment import ROOT
from infra.local.ports import HOST
from infra.local.supervisor import Service, Supervisor

# The api-server reads task logs from disk, so the log servers with their fixed ports are not needed.
AIRFLOW_PARTS: Final = (
    ("scheduler", "--skip-serve-logs"),
    ("dag-processor",),
    ("triggerer", "--skip-serve-logs"),
    ("api-server",),
)
READY_SECONDS: Final = 300.0
LOOK_SECONDS: Final = 0.5


def services(home: Path, ports: dict[str, int]) -> list[Service]:
    """Return the services in the order in which they start."""
    python = sys.executable
    folder = Path(python).parent
    mlflow = home / "mlflow"
    gunicorn_conf = str(ROOT / "serving" / "gunicorn_conf.py")
    return [
        *(Service(f"airflow-{words[0]}", (str(folder / "airflow"), *words)) for words in AIRFLOW_PARTS),
        Service(
            "mlflow",
            (
                *(python, "-m", "mlflow", "server", "--host", HOST, "--port", str(ports["mlflow"]), "--workers", "1"),
                *("--backend-store-uri", sqlite_uri(mlflow / "mlflow.db", SQLITE_OF_MLFLOW)),
                *("--artifacts-destination", str(mlflow / "artifacts")),
            ),
        ),
        Service("scorer", (python, "-m", "gunicorn", "-c", gunicorn_conf)),
        Service("guard", (python, "-m", "serving.guard")),
        Service("shipper", (python, "-m", "serving.shipper")),
        Service("webhook", (python, "-m", "infra.local.webhook", "--home", str(home), "--port", str(ports["webhook"]))),
    ]  # fmt: skip


def prepare_airflow(home: Path, environ: dict[str, str]) -> None:
    """Create or upgrade Airflow's database.

    Raises:
        PublishError: The migration failed.
    """
    log = home / "logs" / "airflow-migrate.log"
    log.parent.mkdir(parents=True, exist_ok=True)
    (home / "airflow").mkdir(mode=0o700, exist_ok=True)
    for folder in ("mlflow", "lake"):
        (home / folder).mkdir(exist_ok=True)
    with log.open("ab") as output:
        command = [str(Path(sys.executable).parent / "airflow"), "db", "migrate"]
        done = subprocess.run(command, env=environ, stdout=output, stderr=subprocess.STDOUT, check=False)
    if done.returncode:
        raise PublishError(f"Airflow's database could not be prepared: {log} says why")


def wait_ready(name: str, url: str, supervisor: Supervisor) -> None:
    """Wait until `url` answers 200.

    Raises:
        PublishError: There was no such answer within `READY_SECONDS`, or a service died too often.
    """
    until = time.monotonic() + READY_SECONDS
    while time.monotonic() < until:
        supervisor.check()
        try:
            if httpx.get(url, timeout=5).status_code == httpx.codes.OK:
                return
        except httpx.TransportError:
            pass  # not listening yet
        time.sleep(LOOK_SECONDS)
    raise PublishError(f"{name} did not answer within {READY_SECONDS:.0f} s: {supervisor.log_path(name)} says why")
