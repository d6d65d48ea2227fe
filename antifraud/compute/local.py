"""The compute target of one host: ``spark-submit`` with a local master, which Airflow's connection names."""

import sys
from pathlib import Path
from typing import Any

from antifraud.jars import JARS, driver_options
from antifraud.settings.dags import DagSettings


def submit_options(settings: DagSettings, root: Path) -> dict[str, Any]:
    """Return the options of ``spark-submit`` for a job of the project in `root`."""
    return {
        "conn_id": settings.spark_connection,
        "driver_memory": settings.driver_memory,
        "conf": driver_options(settings.jars_dir or JARS),
        "env_vars": {"PYTHONPATH": str(root), "PYSPARK_PYTHON": sys.executable},
    }
