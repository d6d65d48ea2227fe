"""Files and folders: replaced atomically, locked, hashed, and removed only below a folder that is ours."""

import fcntl
import hashlib
import json
import os
import shutil
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

from antifraud.errors import ForeignPath

LOCK: Final = ".lock"
"""Name of the file that locks its folder."""
FileIdentity = tuple[int, int, int, int]


def sha256_of(path: Path) -> str:
    """Return the hex SHA-256 of a file, read in pieces."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def hash_of(*parts: Any) -> str:
    """Return a short hash of parts that JSON can spell; the lake stores such hashes, so it must not change.

    >>> hash_of("a", 1) == hash_of("a", 1) != hash_of("a", 2)
    True
    """
    return hashlib.sha256(json.dumps(parts, sort_keys=True, default=str).encode()).hexdigest()[:16]


@contextmanager
def exclusive(folder: Path) -> Iterator[None]:
    """Hold the folder's lock while others wait. The lock ends with the process, even if that is killed."""
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / LOCK).open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def replace_file(path: Path, text: str) -> None:
    """Replace a small file atomically and durably; a reader sees the old or the new content, never a mixture."""
    path.parent.mkdir(parents=True, exist_ok=True)
    # In the same folder: a rename is atomic only within one file system.
    descriptor, scratch = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}-")
    try:
        with os.fdopen(descriptor, "w") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        Path(scratch).rename(path)
    except BaseException:
        Path(scratch).unlink(missing_ok=True)
        raise
    sync_folder(path.parent)


def identify(path: Path) -> FileIdentity | None:
    """Return what differs after any change of a file, also one of its owner or mode; None if it cannot be seen."""
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_ino, found.st_size, found.st_mtime_ns, found.st_ctime_ns


def sync_folder(path: Path) -> None:
    """Make renames in a folder survive a power cut."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def require_below(folder: Path, paths: Iterable[Path]) -> None:
    """Refuse paths that are symbolic links, or that do not lie below `folder` after links on the way are resolved.

    Raises:
        ForeignPath: There is such a path; the message names the first one.
    """
    ours = folder.resolve()
    for path in paths:
        if path.is_symlink() or ours not in path.resolve().parents:
            raise ForeignPath(
                f"{path} leads to {path.resolve()}, which does not lie below {ours}: nothing was removed; take the "
                "symbolic link away, or correct ANTIFRAUD_HOME"
            )


def remove_folders(folders: Iterable[Path], below: Path) -> None:
    """Remove folders with their content; symbolic links inside are removed and never followed.

    Raises:
        ForeignPath: A folder does not lie below `below`, so none was removed.
    """
    # All are checked before the first is removed.
    listed = list(folders)
    require_below(below, listed)
    for folder in listed:
        shutil.rmtree(folder)
