"""The compute target of a standalone cluster: as `antifraud.compute.local`, with the project for its executors."""

from pathlib import Path
from typing import Any

from antifraud.compute import local
from antifraud.settings.dags import DagSettings


def submit_options(settings: DagSettings, root: Path) -> dict[str, Any]:
    """Return the options of ``spark-submit``; without a zip, the executors see the project's folder themselves."""
    return local.submit_options(settings, root) | {"py_files": settings.project_zip}
