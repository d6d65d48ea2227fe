"""Verify every state once a host: the worker that reads the whole file leaves a marker, and the others trust it.

A marker names the file by folder, inode, size, times and the checksum of its manifest, so any change of the file or of
the manifest makes the marker worthless. It is valid for one boot of one host, because a disk can damage a file without
changing its times.
"""

import os
import socket
import time
from contextlib import ExitStack
from pathlib import Path
from typing import Any, Final, NamedTuple

from antifraud.artifacts.state_export import DATA_FILE, StateManifest, read_manifest, require_data
from antifraud.errors import DataError
from antifraud.files import exclusive, replace_file

SUFFIX: Final = ".verified"
BOOT_ID: Final = Path("/proc/sys/kernel/random/boot_id")
SETTLED_SECONDS: Final = 0.1
"""A file system's clock ticks every few milliseconds; two changes within one tick have the same time."""


class Verified(NamedTuple):
    """The manifest of a verified state, and what identifies the file that was verified."""

    manifest: StateManifest
    identity: str


class Verifier:
    """Verifies states, with markers in a folder that all workers of a host share."""

    def __init__(self, markers: Path, log: Any) -> None:
        self._markers, self._log = markers, log

    def verify(self, folder: Path) -> Verified:
        """Return a state after its data was checked: now, or by another worker of this host.

        Workers that ask at the same time wait for the one that checks.

        Raises:
            DataError: The manifest is malformed, or the data is not what it says.
        """
        manifest = read_manifest(folder)
        if identity := self._find_marked(folder, manifest):
            return Verified(manifest, identity)
        with ExitStack() as held:
            try:
                held.enter_context(exclusive(self._markers))
            except OSError as error:
                self._warn(folder, error)
            identity = self._find_marked(folder, manifest) or self._verify_and_mark(folder, manifest)
        return Verified(manifest, identity)

    def _find_marked(self, folder: Path, manifest: StateManifest) -> str:
        """Return the identity of the file if a marker vouches for it, else an empty text."""
        identity = identify(folder, manifest)
        try:
            return identity if self._marker(folder).read_text() == identity else ""
        except (OSError, UnicodeDecodeError):  # no marker, or a damaged one: the data is checked again
            return ""

    def _verify_and_mark(self, folder: Path, manifest: StateManifest) -> str:
        began = time.monotonic()
        _wait_until_settled(folder)
        identity = identify(folder, manifest)
        require_data(folder, manifest)
        require_identity(folder, manifest, identity)
        self._log.info("state verified", state=folder.name, seconds=round(time.monotonic() - began, 3))
        try:
            self._remove_markers_of_lost_states(folder.parent)
            replace_file(self._marker(folder), identity)
        except OSError as error:
            # A full disk must not stop a worker: without a marker, the next worker reads the file again.
            self._warn(folder, error)
        return identity

    def _remove_markers_of_lost_states(self, states: Path) -> None:
        for marker in self._markers.glob(f"*{SUFFIX}"):
            if not (states / marker.stem).is_dir():
                marker.unlink()

    def _marker(self, folder: Path) -> Path:
        return self._markers / f"{folder.name}{SUFFIX}"

    def _warn(self, folder: Path, error: OSError) -> None:
        self._log.warning("state not marked as verified", state=folder.name, reason=error.strerror)


def identify(folder: Path, manifest: StateManifest) -> str:
    """Return a text that any change of a state's data or manifest changes, as does another boot of the host.

    Raises:
        DataError: There is no data.
    """
    status = _status(folder)
    # The time of change cannot be set back, as the time of modification can.
    file = (status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns, status.st_ctime_ns)
    return "\n".join([str(folder.resolve()), " ".join(map(str, file)), repr(manifest), _boot()])


def require_identity(folder: Path, manifest: StateManifest, identity: str) -> None:
    """Refuse a state with a file that is no longer the identified one.

    Raises:
        DataError: The file was changed or replaced.
    """
    if identify(folder, manifest) != identity:
        raise DataError(f"state export {folder.name} changed while it was loaded: export it again")


def _wait_until_settled(folder: Path) -> None:
    """Wait until the last change of a state's data is so old that a later one gets another time."""
    deadline = time.monotonic() + 2 * SETTLED_SECONDS
    # Wall time, as the file system's.
    while time.time() - _status(folder).st_ctime < SETTLED_SECONDS and time.monotonic() < deadline:
        time.sleep(SETTLED_SECONDS / 10)


def _status(folder: Path) -> os.stat_result:
    try:
        return (folder / DATA_FILE).stat()
    except OSError as error:
        raise DataError(f"state export {folder.name} has no readable {DATA_FILE}: export the state again") from error


def _boot() -> str:
    try:
        return BOOT_ID.read_text().strip()
    except OSError:  # a system without boot ids
        return socket.gethostname()
