"""Search everything outside the raw zone for raw identifiers."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

from antifraud.errors import SettingsError
from antifraud.lake.storage import warehouse_folder
from antifraud.settings.core import JobSettings
from jobs.leak.identifiers import Identifiers
from jobs.leak.matching import mask, matches
from jobs.leak.opening import pieces
from jobs.leak.report import Finding

RAW_ZONE: Final = "raw"


def scan(folder: Path, identifiers: set[int], spared: Sequence[Path] = ()) -> list[Finding]:
    """Return the places in a folder with any of `identifiers`, apart from `spared` folders."""
    wanted = Identifiers.of(identifiers)
    return [finding for path in _files(folder, spared) for finding in _scan_file(folder, path, wanted)]


def places(settings: JobSettings, also: Sequence[Path] = ()) -> list[Path]:
    """Return the folders and files that must hold no identifier, also outside the home folder."""
    home = settings.under_home().resolve()
    databases = [file for file in (settings.catalog_file, settings.mlflow_file) if file]
    logs = [database.with_name(f"{database.name}-wal") for database in databases]
    wanted = [warehouse_folder(settings), *databases, *logs, *(path.resolve() for path in also)]
    return [home, *(path for path in wanted if path.exists() and not _below(path, home))]


def _below(path: Path, folder: Path) -> bool:
    return folder in (path, *path.parents)


def _files(folder: Path, spared: Sequence[Path]) -> Iterator[Path]:
    """Yield every regular file, in a fixed order."""
    for path in sorted(folder.rglob("*")) if folder.is_dir() else [folder]:
        if path.is_file() and not path.is_symlink() and not any(_below(path, zone) for zone in spared):
            yield path


def _scan_file(folder: Path, path: Path, wanted: Identifiers) -> Iterator[Finding]:
    name, hits = mask(str(path.relative_to(folder)) if path != folder else path.name, wanted)
    if hits:
        yield Finding(name, "name", hits)
    try:
        for place, content in pieces(path):
            if hits := matches(content, wanted):
                yield Finding(name, place, hits)
    except FileNotFoundError:
        return  # A running service has removed its temporary file between listing and opening.


def require_scannable(settings: JobSettings, raw: Path, also: Sequence[Path]) -> None:
    """Refuse places that cannot be scanned.

    Raises:
        SettingsError: A named place is missing, or the home folder lies in the raw zone.
    """
    home, lake = settings.under_home().resolve(), warehouse_folder(settings)
    named = also if _below(lake, home) else [lake, *also]
    if missing := [str(path) for path in named if not path.exists()]:
        raise SettingsError(f"there is no {', '.join(missing)} to be scanned: name folders and files that are there")
    if _below(home, raw):
        raise SettingsError(f"the home folder {home} lies in the raw zone {raw}, which is not scanned: put them apart")
