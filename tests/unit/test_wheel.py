"""The wheel installs the core with all its packages, and nothing else of the project."""

import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
IMPORT = "from antifraud.client import ScorerClient; import antifraud; print(ScorerClient.__name__, antifraud.__file__)"


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    """Build the project's wheel without a registry, from a copy because a build leaves folders behind."""
    folder, source = tmp_path_factory.mktemp("wheel"), tmp_path_factory.mktemp("source")
    for name in ("antifraud", "requirements"):
        shutil.copytree(ROOT / name, source / name, ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, source)
    command = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--no-build-isolation", "--no-index"]
    subprocess.run([*command, "--wheel-dir", str(folder), str(source)], check=True, cwd=folder)
    [built] = folder.glob("antifraud-*.whl")
    return built


def test_every_module_of_the_core_is_in_it(wheel):
    """The wheel holds every module of the core, and nothing of jobs, scorer and DAGs."""
    modules = {str(path.relative_to(ROOT)) for path in (ROOT / "antifraud").rglob("*.py")}
    with zipfile.ZipFile(wheel) as archive:
        found = {name for name in archive.namelist() if ".dist-info/" not in name}

    assert found == modules


def test_a_client_needs_nothing_of_the_project_but_the_wheel(wheel, tmp_path):
    """The client works from the wheel alone, in an empty folder outside the project."""
    target = tmp_path / "site"
    command = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--no-index", "--target", str(target)]
    subprocess.run([*command, str(wheel)], check=True)
    # -S: without the environment's packages, where the project might be.
    paths = {"PYTHONPATH": str(target)}
    done = subprocess.run(
        [sys.executable, "-S", "-c", IMPORT], env=paths, cwd=tmp_path, capture_output=True, text=True, check=True
    )

    assert done.stdout.split() == ["ScorerClient", str(target / "antifraud" / "__init__.py")]
