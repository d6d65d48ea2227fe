"""Archive what a cluster needs to run jobs: the packages that they import, and the Python environment with its jars."""

import subprocess
import tarfile
import zipfile
from pathlib import Path
from typing import Final

from antifraud.errors import SettingsError

ROOT: Final = Path(__file__).resolve().parents[2]
PACKAGES: Final = ("antifraud", "jobs")
EPOCH: Final = (1980, 1, 1, 0, 0, 0)
"""The earliest time that a zip can hold. A fixed time gives the same bytes for the same files."""


def write_project_zip(target: Path) -> list[str]:
    """Write the zip and return the names in it; untracked files stay out.

    Raises:
        SettingsError: The project is not a git checkout.
    """
    listed = subprocess.run(["git", "ls-files", "-z", *PACKAGES], cwd=ROOT, capture_output=True, text=True, check=False)
    names = sorted(name for name in listed.stdout.split("\0") if name.endswith(".py") and (ROOT / name).is_file())
    if listed.returncode or not names:
        raise SettingsError(f"git lists no files of {', '.join(PACKAGES)} in {ROOT}: make the zip in a git checkout")
    target.parent.mkdir(parents=True, exist_ok=True)
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
        for name in names:
            archive.writestr(zipfile.ZipInfo(name, EPOCH), (ROOT / name).read_bytes())
    return names


def write_environment_archive(environment: Path, target: Path) -> None:
    """Write a Python environment with its jars as an archive that a cluster unpacks beside each job.

    Its Python is a link to that of the host, so hosts need the version that the environment was made with.

    Raises:
        SettingsError: The folder is no environment, or has no jars.
    """
    if not (environment / "bin" / "python").exists() or not list((environment / "jars").glob("*.jar")):
        raise SettingsError(f"{environment} is no Python environment with jars: make it with `make spark35`")
    target.parent.mkdir(parents=True, exist_ok=True)
    with tarfile.open(target, "w:gz", compresslevel=1) as archive:
        archive.add(environment, arcname=".", filter=_without_caches)


def _without_caches(info: tarfile.TarInfo) -> tarfile.TarInfo | None:
    return None if "__pycache__" in info.name else info
