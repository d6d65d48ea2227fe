"""Share candidates, reports, releases and policies between hosts: those of a cluster go with it, and jobs use several.

Each host works in its own ``<home>``. It fetches what others have stored in `ANTIFRAUD_SHARED_HOME` before a job, and
stores what the job has made afterwards. Clusters make candidates and reports, and Airflow's host makes releases, so no
two hosts write the same files.
"""

import shutil
from collections.abc import Sequence
from pathlib import Path

from antifraud.artifacts.bundle import POINTER
from antifraud.errors import SettingsError
from antifraud.lake.storage import shared_folder
from antifraud.settings.core import JobSettings


def fetch(settings: JobSettings, names: Sequence[str]) -> int:
    """Copy what is missing here, or older, from folders of the shared home; return the number of files."""
    return sum(_copy(_shared(settings) / name, settings.home.resolve() / name) for name in names)


def store(settings: JobSettings, names: Sequence[str]) -> int:
    """Copy what is missing there, or older, into folders of the shared home; return the number of files."""
    return sum(_copy(settings.home.resolve() / name, _shared(settings) / name) for name in names)


def _shared(settings: JobSettings) -> Path:
    folder = shared_folder(settings)
    if folder is None:
        raise SettingsError(
            "ANTIFRAUD_SHARED_HOME is not set: name a folder that all hosts reach, such as s3a://lake/home"
        )
    return folder


def _copy(source: Path, target: Path) -> int:
    found = source.rglob("*") if source.is_dir() else []
    files = [path for path in found if path.is_file() and not _is_hidden(path.relative_to(source))]
    # A pointer names a bundle or a policy, which must be there first.
    files.sort(key=lambda path: (path.name == POINTER, str(path)))
    return sum(_copy_file(path, target / str(path.relative_to(source))) for path in files)


def _is_hidden(path: Path) -> bool:
    """Return whether a path below a folder is a lock or a scratch file, or lies in a scratch folder."""
    return any(part.startswith(".") for part in path.parts)


def _copy_file(source: Path, target: Path) -> bool:
    if target.exists():
        ours, theirs = source.stat(), target.stat()
        if ours.st_size == theirs.st_size and ours.st_mtime <= theirs.st_mtime:
            return False
    target.parent.mkdir(parents=True, exist_ok=True)
    # S3 shows a file when it is whole. On a disk a scratch file does the same.
    scratch = target.with_name(f".{target.name}") if type(target) is type(Path()) else target
    with source.open("rb") as content, scratch.open("wb") as copy:
        shutil.copyfileobj(content, copy)
    if scratch != target:
        scratch.replace(target)
    return True
