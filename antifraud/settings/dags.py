"""Settings of the DAG files, read when Airflow parses them."""

from dataclasses import dataclass
from pathlib import Path

from antifraud.errors import SettingsError
from antifraud.settings.cloud import CloudSettings


@dataclass(frozen=True, slots=True, kw_only=True)
class DagSettings(CloudSettings):
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

    def __post_init__(self) -> None:
        """Refuse also a zip for the executors of a cluster that the target does not have.

        Raises:
            SettingsError: The zip is set for another target than `standalone`, or another setting is wrong.
        """
        CloudSettings.__post_init__(self)  # slots make a new class, which super() would not find
        if self.project_zip and self.compute_target != "standalone":
            raise SettingsError(
                f"ANTIFRAUD_PROJECT_ZIP is set, but the compute target is {self.compute_target}, which has no use for "
                "it: set ANTIFRAUD_COMPUTE_TARGET=standalone, or unset the zip"
            )
