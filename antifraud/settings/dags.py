"""Settings of the DAG files, read when Airflow parses them."""

from dataclasses import dataclass
from pathlib import Path

from antifraud.settings.core import Settings


@dataclass(frozen=True, slots=True, kw_only=True)
class DagSettings(Settings):
    """Settings of the DAG files; what jobs need reaches them through the environment."""

    replay_end: str | None = None
    """Last day (YYYY-MM-DD) that is scheduled while the past is replayed; not set in production."""
    spark_connection: str = "spark_local"
    """Airflow connection that names the Spark master."""
    project_zip: str | None = None
    """The project's packages for a cluster's executors; not set where they see the project itself."""
    driver_memory: str = "2g"
    """Memory of a Spark driver, as Spark spells it; on a local master that is all of Spark's memory."""
    jars_dir: Path | None = None
    """Folder of the jars with which a driver starts; default ``jars`` in the Python environment."""
