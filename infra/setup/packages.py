"""Install Debian packages that only tests need."""

import os
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

from antifraud.errors import SettingsError


def ensure(find: Callable[[], Path], package: str) -> Path:
    """Return the path that `find` returns, installing `package` first if the program is missing.

    Raises:
        SettingsError: The program is missing, and apt-get or root is missing too, or the installation failed.
    """
    try:
        return find()
    except SettingsError:
        if os.geteuid() != 0 or shutil.which("apt-get") is None:
            raise
    _install(package)
    return find()


def _install(package: str) -> None:
    environ = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    for words in (["update", "-q"], ["install", "-q", "-y", package]):
        command = ["apt-get", *words]
        done = subprocess.run(command, env=environ, stdout=subprocess.DEVNULL, check=False)
        if done.returncode:
            raise SettingsError(f"{' '.join(command)} ended with code {done.returncode}: install {package} by hand")
