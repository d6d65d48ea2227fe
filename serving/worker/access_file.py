"""Follow the access file: read it again when it has changed, because a token must be revoked without a restart."""

from pathlib import Path

from antifraud.files import FileIdentity, identify
from antifraud.keys.access import Access, load_access


class AccessFile:
    """The access file of a worker. A file that cannot be read is tried again in every poll."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._read: FileIdentity | None = None

    def read_changed(self) -> Access | None:
        """Return the callers if the file has changed since it was read successfully, else None.

        Raises:
            SettingsError: The file is missing or malformed.
        """
        # Identified before it is read: a change in between is seen by the next poll.
        identity = identify(self._path)
        if identity is not None and identity == self._read:
            return None
        access = load_access(self._path)
        self._read = identity
        return access
