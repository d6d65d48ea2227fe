"""Settings of the DAG files, read when Airflow parses them."""

from dataclasses import dataclass
from pathlib import Path

from antifraud.settings.core import Settings


@dataclass(frozen=True, slots=True, kw_only=True)
class DagSettings(Settings):
    """Settings of the DAG files; jobs read their own settings from the environment."""

    replay_end: str | None = None
    """Last day (YYYY-MM-DD) that is scheduled while the past is replayed; not set in production."""
    spark_connection: str = "spark_local"
    """Airflow connection that names the Spark master."""
    project_zip: str | None = None
    """Zip of the project's packages for a cluster's executors; not set if executors see the project's folder."""
    driver_memory: str = "2g"
    """Memory of a Spark driver, in Spark's notation; on a local master this is all of Spark's memory."""
    jars_dir: Path | None = None
    """Folder of the jars that a driver starts with; default ``jars`` in the Python environment."""
