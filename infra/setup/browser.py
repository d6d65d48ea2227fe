"""Find or install Chromium: ``python -m infra.setup.browser``.

Tests open Airflow's pages and the gate's report in it.
"""

import shutil
import sys
from pathlib import Path
from typing import Final

from antifraud.errors import SettingsError
from antifraud.exit_codes import returns_exit_code
from infra.setup.packages import ensure

NAMES: Final = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
"""Names of the program on Debian, Ubuntu and in Google's packages."""


def find_chromium() -> Path:
    """Return the path of the browser's program.

    Raises:
        SettingsError: Chromium is not installed.
    """
    for name in NAMES:
        if found := shutil.which(name):
            return Path(found)
    raise SettingsError("Chromium is not installed: run `make browser`, or apt-get install chromium (Debian)")


@returns_exit_code
def main() -> None:
    """Print the path of Chromium after finding or installing it."""
    print(f"Chromium: {ensure(find_chromium, 'chromium')}")


if __name__ == "__main__":
    sys.exit(main())
