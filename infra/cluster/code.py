"""Upload what the jobs of a cloud cluster need into its bucket: entry point, project, environment, settings."""

import json
import shutil
import tempfile
from pathlib import Path
from typing import Any, Final

from antifraud.compute.on_host import FILE
from infra.cluster.archive import ROOT, write_environment_archive, write_project_zip

ENTRY: Final = "on_cluster.py"


def upload_code(folder: Path, description: dict[str, Any], environment: Path | None) -> None:
    """Replace the code in a bucket's folder; a job that has started already keeps its own copy.

    Args:
        folder: Folder in the bucket, as `antifraud.lake.storage.code_folder` opens it.
        description: Contents of ``cluster.json``, see `antifraud.compute.on_host`.
        environment: Python environment with jars; None leaves the uploaded one, which seldom changes.
    """
    with tempfile.TemporaryDirectory() as name:
        made = Path(name)
        write_project_zip(made / "antifraud.zip")
        (made / FILE).write_text(json.dumps(description))
        (made / ENTRY).write_bytes((ROOT / "jobs" / ENTRY).read_bytes())
        if environment:
            write_environment_archive(environment, made / "environment.tar.gz")
        for path in sorted(made.iterdir()):
            with path.open("rb") as content, (folder / path.name).open("wb") as copy:
                shutil.copyfileobj(content, copy)
