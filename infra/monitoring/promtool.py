"""Find promtool, which checks the alert rules."""

import shutil
from pathlib import Path

from antifraud.errors import SettingsError


def find_promtool() -> Path:
    """Return the path of promtool.

    Raises:
        SettingsError: Prometheus is not installed.
    """
    if (path := shutil.which("promtool")) is None:
        raise SettingsError("promtool is not installed: apt-get install prometheus (macOS: brew install prometheus)")
    return Path(path)
