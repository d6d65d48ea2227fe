"""Run a job on a cluster in the cloud: settings from ``cluster.json``, secrets from the secret store, then the job.

    on_cluster.py day --from 2026-02-03 --to 2026-02-03

The first argument names a job, the others are its own. Everyone who may see the cluster sees them, so none is secret.
With `ANTIFRAUD_SHARED_HOME`, what other hosts have made is fetched before the job, and what it makes is stored.
"""

import json
import os
import runpy
import sys
import tempfile
from pathlib import Path
from typing import Final

from antifraud.compute.on_host import FILE, variables
from antifraud.compute.shared_home import fetch, store
from antifraud.exit_codes import returns_exit_code
from antifraud.settings.core import JobSettings

READ: Final = ("candidates", "releases")
MADE: Final = ("candidates", "reports")


@returns_exit_code
def prepare(folder: Path) -> None:
    """Set the environment of the job, and fetch what it reads."""
    os.environ.update(variables(json.loads(Path(FILE).read_text()), folder))
    settings = JobSettings.from_environment(os.environ)
    if settings.shared_home:
        fetch(settings, READ)


@returns_exit_code
def finish() -> None:
    """Store what the job has made."""
    settings = JobSettings.from_environment(os.environ)
    if settings.shared_home:
        store(settings, MADE)


def run(arguments: list[str]) -> int:
    """Run a job in this process, as its own program would; return its exit code."""
    sys.argv = arguments
    try:
        runpy.run_module(f"jobs.{arguments[0]}", run_name="__main__")
    except SystemExit as ended:
        return int(ended.code or 0)
    return 0


def main() -> int:
    """Prepare this host, run the job and finish; return the first exit code that is no success."""
    with tempfile.TemporaryDirectory(prefix="antifraud-") as name:
        return prepare(Path(name)) or run(sys.argv[1:]) or finish()


if __name__ == "__main__":
    sys.exit(main())
