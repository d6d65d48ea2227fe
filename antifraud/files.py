"""Removing folders: only below a folder that is ours, after symbolic links are resolved."""

import shutil
from collections.abc import Iterable
from pathlib import Path

from antifraud.errors import ForeignPath


def require_below(folder: Path, paths: Iterable[Path]) -> None:
    """Return if every path, itself no symbolic link, lies below `folder` once links on the way to it are resolved.

    Raises:
        ForeignPath: A path does not; the message names the first one.
    """
    ours = folder.resolve()
    for path in paths:
        if path.is_symlink() or ours not in path.resolve().parents:
            raise ForeignPath(
                f"{path} leads to {path.resolve()}, which does not lie below {ours}: nothing was removed; take the "
                "symbolic link away, or correct ANTIFRAUD_HOME"
            )


def remove_folders(folders: Iterable[Path], below: Path) -> None:
    """Remove folders with all that is in them; symbolic links inside are removed, never followed.

    Raises:
        ForeignPath: One of them does not lie below `below`; none was removed.
    """
    found = list(folders)
    require_below(below, found)
    for folder in found:
        shutil.rmtree(folder)
