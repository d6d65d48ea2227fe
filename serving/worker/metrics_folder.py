"""The folder of prometheus-client's files, which workers map into memory: private, and on memory-backed storage.

A worker that writes into a mapped file on a full disk is killed by the system. So the files live in ``/dev/shm``.
"""

import fcntl
import hashlib
import os
import tempfile
from pathlib import Path
from typing import Any, Final

from antifraud.files import LOCK, remove_folders
from antifraud.settings.locations import require_folder, resolve_path
from antifraud.settings.serving import ScorerSettings

MEMORY: Final = Path("/dev/shm")  # noqa: S108 the folders made there are private
VARIABLE: Final = "PROMETHEUS_MULTIPROC_DIR"


def choose_parent(settings: ScorerSettings, log: Any) -> Path:
    """Return the folder of the settings, else ``/dev/shm``, else one in the home, with a warning.

    Raises:
        SettingsError: The folder of the settings cannot be one.
    """
    if settings.metrics_dir:
        folder = resolve_path(settings.metrics_dir)
        require_folder(folder, "ANTIFRAUD_METRICS_DIR")
        return folder
    if is_usable(MEMORY):
        return MEMORY
    log.warning(
        "%s cannot be written, so the metrics are on the disk of the home: a full disk kills workers. "
        "Set ANTIFRAUD_METRICS_DIR to a folder in memory",
        MEMORY,
    )
    return settings.under_home("run")


def is_usable(folder: Path) -> bool:
    """Return whether files can be made in a folder."""
    return folder.is_dir() and os.access(folder, os.W_OK | os.X_OK)


def make_folder(parent: Path, home: Path) -> Path:
    """Make a private folder for one run of the scorer of a home, and remove those of runs that were killed.

    A run holds its folder's lock as long as one of its processes lives.
    """
    parent.mkdir(parents=True, exist_ok=True)
    prefix = f"antifraud-metrics-{hashlib.sha256(str(home).encode()).hexdigest()[:12]}-"
    remove_folders(filter(_is_left_over, parent.glob(f"{prefix}*")), parent)
    # A new name, readable by nobody else: the parent may be open to all users of the host.
    folder = Path(tempfile.mkdtemp(dir=parent, prefix=prefix))
    fcntl.flock(os.open(folder / LOCK, os.O_RDWR | os.O_CREAT, 0o600), fcntl.LOCK_EX)
    return folder


def _is_left_over(folder: Path) -> bool:
    if folder.is_symlink():
        return False
    try:
        with (folder / LOCK).open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:  # a process of that run lives, or the folder is not ours
        return False
    return True
