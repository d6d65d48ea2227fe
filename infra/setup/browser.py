"""The browser in which tests look at pages: an analyst's way through Airflow's, and the gate's report.

python -m infra.setup.browser    # finds Chromium, or installs it (apt-get)
"""

import shutil
import sys
from pathlib import Path
from typing import Final

from antifraud.errors import SettingsError, returns_exit_code
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


@returns_exit_code
def main() -> None:
    """Find or install it."""
    print(f"Chromium: {ensure(find_chromium, 'chromium')}")


if __name__ == "__main__":
    sys.exit(main())
