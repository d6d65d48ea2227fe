"""Zip the packages that jobs import, as git tracks them, for ``spark-submit --py-files``."""

import subprocess
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
