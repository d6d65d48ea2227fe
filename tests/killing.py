"""Programs of the project that are killed at a step, as `kill -9` does."""

import os
import subprocess
import sys
from dataclasses import fields

from infra.cluster.archive import ROOT


def environment_of(settings):
    """Return the environment of a job with these settings, and no others of the project."""
    values = {field.name: getattr(settings, field.name) for field in fields(settings)}
    ours = {f"ANTIFRAUD_{name.upper()}": str(value) for name, value in values.items() if value is not None}
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("ANTIFRAUD_")}
    # The session of the tests is not that of the job.
    inherited.pop("PYSPARK_GATEWAY_PORT", None)
    return inherited | ours | {"PYTHONPATH": str(ROOT)}


def run(settings, *words):
    """Run ``python -m`` with the words; return the ended process with its output."""
    return _run([sys.executable, "-m", *words], settings)


def run_killed(settings, step, *words):
    """Run the same, killed at a step; return the process, which has ended by itself if it has fewer steps."""
    return _run([sys.executable, "-m", "tests.kill_at", str(step), *words], settings)


def _run(command, settings):
    environment = environment_of(settings)
    return subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)


def steps_of(ended):
    """Return the steps that a process has named."""
    return [line.partition(": ")[2] for line in ended.stderr.splitlines() if line.startswith("step ")]
