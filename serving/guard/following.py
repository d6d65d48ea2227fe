"""The file of subscribers as a running guard follows it: read when it has changed, and kept when it is broken."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from antifraud.errors import SettingsError
from antifraud.files import identify
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
        self._seen = identify(path)
        self._subscribers: Subscribers = load_subscribers(path, networks)

    def current(self) -> Subscribers:
        """Return the subscribers; while the file is broken or missing, those from before."""
        # Identified before it is read: a change in between is seen by the next call.
        identity = identify(self._path)
        if identity != self._seen:
            self._seen = identity
            try:
                self._subscribers = self._load(is_there=identity is not None)
            except SettingsError as error:
                self._log.error("subscribers not usable", reason=str(error))
            else:
                self._log.info("subscribers read", names=list(self._subscribers))
        return self._subscribers

    def _load(self, *, is_there: bool) -> Subscribers:
        if not is_there:
            # The command that removes the last subscriber leaves a file, so a missing one is no decision of anybody.
            raise SettingsError(f"{self._path} has gone or cannot be seen: restore it")
        return load_subscribers(self._path, self._networks)
