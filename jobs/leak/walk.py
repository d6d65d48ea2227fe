"""Files of a folder that the leak scan searches, and entries that it cannot search."""

import os
import stat
from collections.abc import Iterator, Sequence
from pathlib import Path, PosixPath

from jobs.leak.damage import Damage, damage_of

Entry = tuple[Path, Damage | None]


def entries(folder: Path, spared: Sequence[Path], scanned: Sequence[Path]) -> Iterator[Entry]:
    """Yield the files of a folder in a fixed order, and entries that cannot be searched, each with the reason.

    Folders in `spared` are left out. A link is not followed. Its target is searched if it lies in a `scanned` place.
    """
    walk = _walk(folder) if isinstance(folder, PosixPath) else ((path, None) for path in _objects(folder))
    for path, damage in walk:
        if not any(below(path, zone) for zone in spared):
            yield path, damage or _obstacle(path, (folder, *spared, *scanned))


def below(path: Path, folder: Path) -> bool:
    """Return whether a path is a folder or lies in it."""
    return folder in (path, *path.parents)


def _objects(folder: Path) -> Iterator[Path]:
    """Yield the objects in S3 below a prefix."""
    yield from (path for path in sorted(folder.rglob("*")) if path.is_file())


def _walk(folder: Path) -> Iterator[Entry]:
    """Yield everything but folders, and each folder that cannot be listed."""
    if not folder.is_dir():
        yield folder, None
        return
    try:
        with os.scandir(folder) as listing:
            listed = sorted((entry.name, entry.is_dir(follow_symlinks=False)) for entry in listing)
    except FileNotFoundError:
        return  # It was removed after its parent was listed.
    except OSError as error:
        yield folder, damage_of(error, "folder")
        return
    for name, is_folder in listed:
        if is_folder:
            yield from _walk(folder / name)
        else:
            yield folder / name, None


def holds_nothing(path: Path) -> bool:
    """Return whether an entry has no bytes of its own: a link, or a pipe or socket, which cannot keep any.

    Opening a pipe would wait for its writer.
    """
    if not isinstance(path, PosixPath):
        return False
    mode = path.lstat().st_mode
    return stat.S_ISLNK(mode) or stat.S_ISFIFO(mode) or stat.S_ISSOCK(mode)


def _obstacle(path: Path, places: Sequence[Path]) -> Damage | None:
    """Return why an entry cannot be searched, as far as its kind tells."""
    if not isinstance(path, PosixPath):
        return None
    try:
        mode = path.lstat().st_mode
        if stat.S_ISBLK(mode) or stat.S_ISCHR(mode):
            return Damage("a device")
        if stat.S_ISLNK(mode) and path.exists() and not any(below(path.resolve(), place) for place in places):
            return Damage("a link to a place that is not scanned: name that place with --also")
    except FileNotFoundError:
        return None
    except (OSError, RuntimeError) as error:
        return damage_of(error, "link")
    return None
