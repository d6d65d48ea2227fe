"""The releases of a worker: each is verified and loaded once, and stays loaded as long as it may have to serve.

The poller loads what the pointer and the switch name, and the releases to go back to. A request may load one, too: an
admin can roll back to a release that no worker has used yet.
"""

import threading
import time
from collections.abc import Callable, Collection, Mapping

from serving.worker.following import RETRY_SECONDS
from serving.worker.loading import Release


class KeptReleases:
    """Loaded releases by id, for the poller and for requests."""

    def __init__(self, load: Callable[[str], Release]) -> None:
        self._load, self._lock = load, threading.Lock()
        # Replaced, never changed: requests read it without the lock.
        self._loaded: Mapping[str, Release] = {}
        self._retry_at: dict[str, float] = {}

    def find(self, name: str | None) -> Release | None:
        """Return a release if it is loaded."""
        return self._loaded.get(name) if name else None

    def load(self, name: str) -> Release:
        """Return a release, which is loaded if it is not yet.

        Raises:
            AntifraudError: It cannot be used.
        """
        with self._lock:
            if name not in self._loaded:
                self._retry_at[name] = time.monotonic() + RETRY_SECONDS
                self._loaded = {**self._loaded, name: self._load(name)}
            return self._loaded[name]

    def is_due(self, name: str) -> bool:
        """Return whether to load a release now: it is not loaded, and has not failed a moment ago."""
        # Verifying a broken release in every round would take processor time from decisions.
        return name not in self._loaded and time.monotonic() >= self._retry_at.get(name, 0.0)

    def keep(self, names: Collection[str]) -> None:
        """Forget all releases but these."""
        with self._lock:
            if not self._loaded.keys() <= set(names):
                self._loaded = {name: release for name, release in self._loaded.items() if name in names}

    @property
    def names(self) -> list[str]:
        """Ids of the loaded releases, in their order."""
        return sorted(self._loaded)
