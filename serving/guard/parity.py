"""The newest parity report: how many logged vectors a replay in the lake reproduces, bit by bit."""

import json
from pathlib import Path
from typing import Any, Final

from antifraud.files import identify
from antifraud.settings.core import Settings

FILE: Final = "parity.json"


class ParityReports:
    """The reports of the home, followed: each is read once, and one that is broken is logged once."""

    def __init__(self, settings: Settings, log: Any) -> None:
        self._folder, self._log = settings.under_home("reports"), log
        self._seen: object = None
        self._share: float | None = None

    def share(self) -> float | None:
        """Return the reproduced share of the newest report; None if there is none, or if it cannot be read."""
        path = max(self._folder.glob(f"*/{FILE}"), default=None)
        seen = path and (path, identify(path))
        if seen != self._seen:
            self._seen, self._share = seen, self._read(path) if path else None
        return self._share

    def _read(self, path: Path) -> float | None:
        try:
            replay = json.loads(path.read_text())["replay"]
            same, mismatches = int(replay["same"]), int(replay["mismatches"])
        except (OSError, ValueError, KeyError, TypeError) as error:
            self._log.error("parity report not usable", path=str(path), error=type(error).__name__)
            return None
        # Vectors without a state, or of another feature set, could not be replayed.
        return same / (same + mismatches) if same + mismatches else None
