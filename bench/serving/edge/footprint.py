"""Measure the scorer's environment and processes: ``make bench-footprint``.

The environment has what `requirements/serving.txt` names, at the versions of the lock file, and nothing else. A scorer
is started in it with a state of a million customers.
"""

import argparse
import subprocess
import tempfile
import time
from dataclasses import dataclass
from importlib.metadata import distributions
from pathlib import Path
from typing import Final

import psutil

from bench.record import record
from bench.serving.edge.candidates import CUSTOMERS, Scorer, prepare
from bench.serving.edge.tools import send_at_a_rate
from bench.serving.processes import ROOT, Version

COMMAND: Final = "make bench-footprint"
MEGABYTE: Final = 10**6
RATE, SECONDS = 400, 10
"""Decisions before the memory is measured: a fresh worker has read little of its state."""


@dataclass(frozen=True, slots=True)
class Footprint:
    """Packages and megabytes of the environment, seconds until both workers decide, megabytes of each worker."""

    packages: int
    megabytes: float
    seconds: float
    worker_megabytes: float


def make_environment(folder: Path) -> Path:
    """Return the interpreter of a new environment with the scorer's packages."""
    files = ("--requirements", "requirements/serving.txt", "--constraints", "requirements/lock.txt")
    python = folder / "bin" / "python"
    for words in (("venv", "--python", "3.11", str(folder)), ("pip", "install", "--python", str(python), *files)):
        subprocess.run([str(ROOT / ".venv/bin/uv"), "--quiet", *words], cwd=ROOT, check=True)
    return python


def measure(folder: Path, customers: int) -> Footprint:
    """Start a scorer in an environment of its own, and measure both."""
    python = make_environment(folder / "environment")
    (packages,) = (folder / "environment").glob("lib/*/site-packages")
    prepare(folder, customers)
    scorer = Scorer(folder, customers)
    scorer.process.version = Version(python=str(python))
    began = time.monotonic()
    with scorer.running():
        seconds = time.monotonic() - began
        send_at_a_rate(scorer, folder, rate=RATE, seconds=SECONDS, first=0)
        # Shared pages count in parts, so the memory of all workers adds up.
        used = [psutil.Process(pid).memory_full_info().pss for pid in scorer.process.workers()]
    return Footprint(
        sum(1 for _ in distributions(path=[str(packages)])),
        sum(file.stat().st_size for file in packages.rglob("*") if file.is_file()) / MEGABYTE,
        seconds,
        max(used) / MEGABYTE,
    )


def main(arguments: argparse.Namespace) -> None:
    """Measure and record."""
    with tempfile.TemporaryDirectory(prefix="footprint-") as folder:
        found = measure(Path(folder), arguments.customers)
    about = f"with a state of {arguments.customers:,} customers"
    record("scorer.packages", found.packages, "packages", COMMAND, "in the scorer's environment")
    record("scorer.environment_mb", found.megabytes, "MB", COMMAND, "installed packages of the scorer's environment")
    record("scorer.start_seconds", found.seconds, "s", COMMAND, f"until both workers can decide, {about}")
    record("scorer.worker_mb", found.worker_megabytes, "MB", COMMAND, f"proportional share of memory, {about}")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--customers", type=int, default=CUSTOMERS, help="customers in the scorer's state")
    main(parser.parse_args())
