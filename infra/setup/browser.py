"""The browser in which tests look at pages: an analyst's way through Airflow's, and the gate's report.

python -m infra.setup.browser    # finds Chromium, or installs it (apt-get)
"""

import shutil
import sys
from pathlib import Path
from typing import Final

from antifraud.errors import AntifraudError, SettingsError
from infra.setup.packages import ensure

NAMES: Final = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
"""What Debian, Ubuntu and Google call it."""


def find_chromium() -> Path:
    """The browser's program.

    Raises:
        SettingsError: There is none.
    """
    for name in NAMES:
        if found := shutil.which(name):
            return Path(found)
    raise SettingsError("Chromium is not installed: make browser, or apt-get install chromium (Debian's package)")


def main() -> None:
    """Find or install it."""
    try:
        print(f"Chromium: {ensure(find_chromium, 'chromium')}")
    except AntifraudError as error:
        print(f"error: {error}", file=sys.stderr)
        sys.exit(error.exit_code)


if __name__ == "__main__":
    main()
