"""The scorer's dependency group is enough: in an environment made from it alone, Gunicorn serves and decides."""

import subprocess
import sys

import pytest

from tests.serving.processes import ROOT, GunicornScorer, guard_process, wait_for
from tests.serving.scene import transaction

HEAVY = ["airflow", "pyspark", "mlflow", "evidently", "pandas", "catboost", "sklearn", "pyiceberg", "pyarrow"]


@pytest.fixture(scope="module")
def python(tmp_path_factory):
    """The Python of an environment with only requirements/serving.txt, in the locked versions."""
    folder = tmp_path_factory.mktemp("group") / "env"
    uv = [sys.executable, "-m", "uv", "--quiet"]
    subprocess.run([*uv, "venv", "--python", sys.executable, folder], check=True)
    requirements = ["-r", ROOT / "requirements" / "serving.txt", "-c", ROOT / "requirements" / "lock.txt"]
    subprocess.run([*uv, "pip", "install", "--python", folder / "bin" / "python", *requirements], check=True)
    return folder / "bin" / "python"


def test_nothing_heavy_is_there(python):
    """The lake, training and orchestration cannot even be imported."""
    program = f"import importlib.util; print([name for name in {HEAVY} if importlib.util.find_spec(name)])"

    assert subprocess.run([python, "-c", program], check=True, capture_output=True, text=True).stdout == "[]\n"


def test_scorer_and_guard_run(python, home):
    """A real Gunicorn decides and a real guard sends a heartbeat."""
    scorer = GunicornScorer(home, python=python).start()
    try:
        assert scorer.post("/v1/decisions", transaction()).json()["release"] == "first"
        with guard_process(home, python=python):
            wait_for(lambda: scorer.get("/v1/status").json()["guard"], "the guard's heartbeat")
    finally:
        scorer.stop()
