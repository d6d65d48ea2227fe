"""The whole of `retrain` gives the same verdict and the same threshold on the Spark of managed clouds."""

import dataclasses
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from antifraud.artifacts.pointer import Pointer, read_pointer
from antifraud.gate.report import read_report
from antifraud.settings.core import JobSettings
from tests.release_keys import put_keys
from tests.spark.model_lake import AS_OF, fill, shape

ROOT = Path(__file__).resolve().parents[2]
PYTHONS = {"4.1": Path(sys.executable), "3.5": ROOT / ".venv-spark35" / "bin" / "python"}
RESULTS = ("candidates", "reports", "releases", "mlflow")


def job(settings, python, *command):
    """Run a job under one of the two environments, with these settings and no others of the project."""
    values = {f.name: getattr(settings, f.name) for f in dataclasses.fields(settings)}
    ours = {f"ANTIFRAUD_{name.upper()}": str(value) for name, value in values.items() if value is not None}
    inherited = {k: v for k, v in os.environ.items() if k not in {"PYSPARK_GATEWAY_PORT", "SPARK_HOME"}}
    environ = {**inherited, **ours, "PYSPARK_PYTHON": str(python), "PYTHONPATH": str(ROOT)}
    done = subprocess.run([python, "-m", *command], cwd=ROOT, env=environ, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-2_000:]


def retrain(settings, python):
    """Train, validate and promote in an empty home; return the report and the pointer."""
    for name in RESULTS:
        shutil.rmtree(settings.home / name, ignore_errors=True)
    for name in ("train", "validate", "promote"):
        job(settings, python, f"jobs.{name}", "--as-of", str(AS_OF))
    return read_report(settings.under_home("reports", str(AS_OF), "report.json")), read_pointer(settings.releases_dir)


@pytest.mark.prove
def test_retrain_is_the_same_on_spark_35(open_lake, tmp_path):
    """Train, validate and promote end with the same report and the same release under Spark 3.5 and 4.1."""
    settings = shape(JobSettings(home=tmp_path))
    put_keys(tmp_path)
    fill(open_lake(settings))
    newer, older = (retrain(settings, python) for python in PYTHONS.values())

    assert (str(newer[0].verdict), newer[0].threshold > 0) == ("PASS", True)
    assert dataclasses.asdict(older[0]) == dataclasses.asdict(newer[0])
    assert older[1] == newer[1] == Pointer(newer[0].candidate, None, newer[0].candidate, 1)
