"""Search everything outside the raw zone for raw identifiers."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

from antifraud.errors import SettingsError
from antifraud.lake.storage import warehouse_folder
from antifraud.settings.core import JobSettings
from jobs.leak.damage import Damage, damage_of
from jobs.leak.identifiers import Identifiers
from jobs.leak.matching import mask, matches
from jobs.leak.opening import pieces
from jobs.leak.report import Finding, Search, Unsearchable
from jobs.leak.tables import Piece
from jobs.leak.walk import below, entries, holds_nothing

RAW_ZONE: Final = "raw"


def scan(folder: Path, identifiers: set[int], spared: Sequence[Path] = (), scanned: Sequence[Path] = ()) -> Search:
    """Return the places in a folder with any of `identifiers`, apart from `spared` folders.

    A link from the folder into one of the `scanned` places is searched there.
    """
    wanted = Identifiers.of(identifiers)
    result = Search()
    for path, damage in entries(folder, spared, scanned):
        name, hits = mask(str(path.relative_to(folder)) if path != folder else path.name, wanted)
        result.findings += [Finding(name, "name", hits)] if hits else []
        result.add(
            _settled(path, name, wanted) if damage is None else Search([], [Unsearchable(name, "", str(damage))])
        )
    return result


def places(settings: JobSettings, also: Sequence[Path] = ()) -> list[Path]:
    """Return the folders and files that must hold no identifier, also outside the home folder."""
    home = settings.under_home().resolve()
    databases = [file for file in (settings.catalog_file, settings.mlflow_file) if file]
    logs = [database.with_name(f"{database.name}-wal") for database in databases]
    wanted = [warehouse_folder(settings), *databases, *logs, *(path.resolve() for path in also)]
    return [home, *(path for path in wanted if path.exists() and not below(path, home))]


def _settled(path: Path, name: str, wanted: Identifiers) -> Search:
    """Search a file; again if it was damaged and has changed since, because somebody was writing it."""
    try:
        if holds_nothing(path):
            return Search()
        before = _stamp(path)
        result = _search(path, name, wanted)
        if result.unsearchable and _stamp(path) != before:
            result = _search(path, name, wanted)
    except FileNotFoundError:
        return Search()  # A running service has removed its temporary file between listing and opening.
    except OSError as error:
        return Search([], [Unsearchable(name, "", str(damage_of(error, "file")))])
    return result


def _stamp(path: Path) -> tuple[int, float]:
    status = path.stat()
    return status.st_size, status.st_mtime


def _search(path: Path, name: str, wanted: Identifiers) -> Search:
    result = Search()
    reasons: dict[str, Unsearchable] = {}
    for place, content in _masked(pieces(path), wanted, name, result):
        if isinstance(content, Damage):
            first = reasons.get(str(content), Unsearchable(name, place, str(content), 0))
            reasons[str(content)] = first._replace(parts=first.parts + 1)
        elif hits := matches(content, wanted):
            result.findings.append(Finding(name, place, hits))
    result.unsearchable = list(reasons.values())
    return result


def _masked(parts: Iterator[Piece], wanted: Identifiers, name: str, result: Search) -> Iterator[Piece]:
    """Yield parts with identifiers masked in their places, such as the names of an archive's members."""
    for place, content in parts:
        shown, hits = mask(place, wanted)
        if hits and not isinstance(content, Damage) and len(content) == 0:
            result.findings.append(Finding(name, f"{shown}: name", hits))
        yield shown, content


def require_scannable(settings: JobSettings, raw: Path, also: Sequence[Path]) -> None:
    """Refuse places that cannot be scanned.

    Raises:
        SettingsError: A named place is missing, or the home folder lies in the raw zone.
    """
    home, lake = settings.under_home().resolve(), warehouse_folder(settings)
    named = also if below(lake, home) else [lake, *also]
    if missing := [str(path) for path in named if not path.exists()]:
        raise SettingsError(f"there is no {', '.join(missing)} to be scanned: name folders and files that are there")
    if below(home, raw):
        raise SettingsError(f"the home folder {home} lies in the raw zone {raw}, which is not scanned: put them apart")
