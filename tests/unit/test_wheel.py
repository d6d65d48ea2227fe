"""The wheel installs the core with all its packages, and nothing else of the project."""

import shutil
import subprocess
import sys
import zipfile
from importlib.metadata import distribution
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).resolve().parents[2]
IMPORT = """
import sys
from antifraud.client import AsyncScorerClient, ScorerClient
import antifraud
ScorerClient("http://scorer", "token"), AsyncScorerClient("http://scorer", "token")
print(ScorerClient.__name__, antifraud.__file__, "numpy" in sys.modules)
"""


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


def packages_of(requirements):
    """The installed packages that a file of requirements names, with all that they need themselves."""
    names, found = [Requirement(line).name for line in requirements if not line.startswith("#")], set()
    while names:
        name = canonicalize_name(names.pop())
        if name not in found:
            found.add(name)
            needed = map(Requirement, distribution(name).requires or ())
            names += [each.name for each in needed if each.marker is None or each.marker.evaluate({"extra": ""})]
    return found


def link_packages(names, folder):
    """Make a folder with these packages of the environment and no others."""
    folder.mkdir()
    for name in names:
        files = distribution(name)
        for top in {file.parts[0] for file in files.files} - {"..", "__pycache__"}:
            (folder / top).symlink_to(files.locate_file(top))


def test_a_client_needs_nothing_but_the_wheel_and_its_extra(wheel, tmp_path):
    """Both clients work from the wheel and the packages of the extra `client`, in an empty folder, without numpy."""
    target, extra = tmp_path / "site", tmp_path / "extra"
    command = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--no-index", "--target", str(target)]
    subprocess.run([*command, str(wheel)], check=True)
    link_packages(packages_of((ROOT / "requirements" / "client.txt").read_text().splitlines()), extra)
    # -S: without the environment's packages, where the project might be.
    paths = {"PYTHONPATH": f"{target}:{extra}"}
    done = subprocess.run(
        [sys.executable, "-S", "-c", IMPORT], env=paths, cwd=tmp_path, capture_output=True, text=True, check=True
    )

    assert done.stdout.split() == ["ScorerClient", str(target / "antifraud" / "__init__.py"), "False"]


def test_the_extra_is_declared(wheel):
    """`pip install 'antifraud[client]'` installs what requirements/client.txt names."""
    with zipfile.ZipFile(wheel) as archive:
        [metadata] = [name for name in archive.namelist() if name.endswith(".dist-info/METADATA")]
        text = archive.read(metadata).decode()

    assert "Provides-Extra: client" in text
    for name in ("httpx", "httpcore", "msgspec", "standardwebhooks"):
        assert any(line.startswith(f"Requires-Dist: {name}") and "client" in line for line in text.splitlines())
