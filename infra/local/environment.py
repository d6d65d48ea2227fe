"""Build the environment of every process of a run: paths, replayed clock, Airflow's settings, no secrets."""

import json
import os
import sys
import time
from importlib.util import find_spec
from pathlib import Path
from typing import Final

from antifraud.errors import SettingsError
from antifraud.settings.core import JobSettings
from antifraud.settings.locations import sqlite_uri
from antifraud.transaction_id import IdScope
from infra.local.plan import Plan
from infra.local.ports import HOST

ROOT: Final = Path(__file__).resolve().parents[2]
MARK: Final = "ANTIFRAUD_SUPERVISED_HOME"
"""Variable that marks every process of a run, so that the supervisor finds all of them and no others."""


def environment(home: Path, plan: Plan, ports: dict[str, int]) -> dict[str, str]:
    """Return the environment of services and jobs of one run."""
    inherited = {name: value for name, value in os.environ.items() if not name.startswith(("ANTIFRAUD_", "AIRFLOW_"))}
    path = f"{Path(sys.executable).parent}{os.pathsep}{inherited['PATH']}"
    return {**inherited, "PATH": path, **_python(), **_platform(home, plan, ports), **_airflow(home, ports)}


def clock_file(home: Path, plan: Plan) -> Path:
    """Return the file of the business clock, which is made if it is missing: a later run goes on with its time."""
    path = home / "clock"
    if not path.exists():
        path.write_text(f"{plan.business_start - int(time.time())}\n")
    return path


def declared_scope() -> IdScope:
    """Return how far the ids of the raw files are unique, the only setting that a run takes over from its caller.

    Raises:
        SettingsError: The setting has another value.
    """
    variable = "ANTIFRAUD_ID_SCOPE"
    return JobSettings.from_environment({variable: os.environ.get(variable, "")}).id_scope


def _python() -> dict[str, str]:
    pyspark = find_spec("pyspark")
    if pyspark is None or pyspark.origin is None:
        raise SettingsError("this Python has no pyspark: run `make setup`")
    return {
        "PYTHONPATH": str(ROOT),
        "PYTHONUNBUFFERED": "1",
        "SPARK_HOME": str(Path(pyspark.origin).parent),
        "SPARK_LOCAL_IP": HOST,
        "PYSPARK_PYTHON": sys.executable,
        "DO_NOT_TRACK": "1",
        # MLflow's job queues would start a dozen processes that nothing here uses.
        "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false",
    }


def _platform(home: Path, plan: Plan, ports: dict[str, int]) -> dict[str, str]:
    train, select, certify = plan.windows
    return {
        MARK: str(home),
        "ANTIFRAUD_HOME": str(home),
        "ANTIFRAUD_MLFLOW_URI": f"http://{HOST}:{ports['mlflow']}",
        "ANTIFRAUD_SCORER_URL": f"http://{HOST}:{ports['scorer']}",
        "ANTIFRAUD_ID_SCOPE": declared_scope(),
        "ANTIFRAUD_REPLAY_END": str(plan.last),
        "ANTIFRAUD_CLOCK_FILE": str(clock_file(home, plan)),
        # A run is over in minutes.
        "ANTIFRAUD_SHIP_SECONDS": "20",
        "ANTIFRAUD_TRAIN_DAYS": str(train),
        "ANTIFRAUD_SELECT_DAYS": str(select),
        "ANTIFRAUD_CERTIFY_DAYS": str(certify),
        "SCORER_BIND": f"{HOST}:{ports['scorer']}",
        "AIRFLOW_CONN_SPARK_LOCAL": json.dumps({"conn_type": "spark", "host": "local[2]"}),
    }


def _airflow(home: Path, ports: dict[str, int]) -> dict[str, str]:
    settings = {
        "CORE__DAGS_FOLDER": ROOT / "dags",
        "CORE__EXECUTOR": "LocalExecutor",
        "CORE__PARALLELISM": 4,
        "CORE__LOAD_EXAMPLES": False,
        "CORE__SIMPLE_AUTH_MANAGER_ALL_ADMINS": True,
        "CORE__EXECUTION_API_SERVER_URL": f"http://{HOST}:{ports['airflow']}/execution/",
        "DATABASE__SQL_ALCHEMY_CONN": sqlite_uri(home / "airflow" / "airflow.db"),
        "API__HOST": HOST,
        "API__PORT": ports["airflow"],
        "API__WORKERS": 1,
        "API__BASE_URL": f"http://{HOST}:{ports['airflow']}",
        "LOGGING__BASE_LOG_FOLDER": home / "logs" / "airflow",
        "DAG_PROCESSOR__REFRESH_INTERVAL": 30,
        # A changed file is parsed at once; parsing all of them again and again costs a tenth of a core.
        "DAG_PROCESSOR__MIN_FILE_PROCESS_INTERVAL": 600,
        # Notice a killed scheduler or task within one minute instead of five.
        "SCHEDULER__SCHEDULER_HEALTH_CHECK_THRESHOLD": 20,
        "SCHEDULER__ORPHANED_TASKS_CHECK_INTERVAL": 20,
        "SCHEDULER__TASK_INSTANCE_HEARTBEAT_TIMEOUT": 45,
        "SCHEDULER__TASK_INSTANCE_HEARTBEAT_TIMEOUT_DETECTION_INTERVAL": 5,
    }
    variables = {f"AIRFLOW__{name}": str(value) for name, value in settings.items()}
    return {"AIRFLOW_HOME": str(home / "airflow"), **variables}
