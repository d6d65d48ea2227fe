"""The file of subscribers as a running guard follows it: read when it has changed, and kept when it is broken."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from antifraud.errors import SettingsError
from antifraud.keys.endpoints import Network
from antifraud.keys.subscribers import Subscribers, load_subscribers


class SubscriberFile:
    """The subscribers of a file, which may change at any time."""

    def __init__(self, path: Path, networks: Sequence[Network], log: Any) -> None:
        """Read the file.

        Raises:
            SettingsError: It is not a file of subscribers.
        """
        self._path, self._networks, self._log = path, networks, log
        self._seen = self._describe()
        self._subscribers = load_subscribers(path, networks)

    def current(self) -> Subscribers:
        """Return the subscribers; while the file is broken, those from before."""
        described = self._describe()
        if described != self._seen:
            self._seen = described
            try:
                self._subscribers = load_subscribers(self._path, self._networks)
            except SettingsError as error:
                self._log.error("subscribers not usable", reason=str(error))
            else:
                self._log.info("subscribers read", names=list(self._subscribers))
        return self._subscribers

    def _describe(self) -> tuple[int, ...]:
        try:
            status = self._path.stat()
        except OSError:
            return ()
        return status.st_ino, status.st_size, status.st_mtime_ns
