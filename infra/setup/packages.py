"""Debian packages that only tests need."""

import os
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

from antifraud.errors import SettingsError


def ensure(find: Callable[[], Path], package: str) -> Path:
    """What `find` finds; where it finds nothing, `package` is installed and it looks again.

    Raises:
        SettingsError: It is not there, and apt-get or root are not at hand, or did not help.
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
