"""Candidates on disk: ``<home>/candidates/<as-of>/``, complete or absent, verified when read."""

import datetime as dt
import hashlib
import json
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from antifraud.errors import ReleaseError
from antifraud.files import remove_folders
from antifraud.model.evaluator import CALIBRATION_FILE, MODEL_FILE
from antifraud.settings.core import Settings

CBM_FILE: Final = "model.cbm"
INFO_FILE: Final = "candidate.json"
GOLDEN_FILE: Final = "golden.json"
REPORT_FILE: Final = "report.json"


@dataclass(frozen=True, slots=True)
class Candidate:
    """A verified candidate; `info` is the content of its `candidate.json`, which training wrote."""

    path: Path
    info: Mapping[str, Any]

    @property
    def id(self) -> str:
        """Day and hash of model and calibration; it becomes the release id."""
        return str(self.info["id"])


def candidate_path(settings: Settings, as_of: dt.date) -> Path:
    """Return the folder of the candidate trained as of a day."""
    return settings.under_home("candidates", str(as_of))


def candidate_id(as_of: dt.date, files: Mapping[str, bytes]) -> str:
    """Return an id made of the day and the content of model and calibration."""
    digest = hashlib.sha256(files[MODEL_FILE] + files[CALIBRATION_FILE]).hexdigest()
    return f"{as_of}-{digest[:8]}"


def write_candidate(target: Path, files: Mapping[str, bytes], info: Mapping[str, Any]) -> Candidate:
    """Write a candidate in place of the present one."""
    sums = {name: hashlib.sha256(content).hexdigest() for name, content in sorted(files.items())}
    target.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=target.parent, prefix=".new-") as scratch:
        building, replaced = Path(scratch) / "new", Path(scratch) / "old"
        building.mkdir()
        for name, content in files.items():
            (building / name).write_bytes(content)
        (building / INFO_FILE).write_text(json.dumps({**info, "files": sums}, indent=2, sort_keys=True) + "\n")
        if target.exists():
            target.rename(replaced)
        building.rename(target)
    return read_candidate(target)


def read_candidate(path: Path) -> Candidate:
    """Return the candidate in a folder.

    Raises:
        ReleaseError: There is no candidate, or a file is missing or altered.
    """
    try:
        info = json.loads((path / INFO_FILE).read_text())
        sums = {name: hashlib.sha256((path / name).read_bytes()).hexdigest() for name in info["files"]}
    except (OSError, ValueError, KeyError) as error:
        raise ReleaseError(f"there is no whole candidate of {path.name} ({error}): run jobs/train.py for it") from error
    if odd := [name for name, expected in info["files"].items() if sums[name] != expected]:
        raise ReleaseError(f"{', '.join(odd)} of candidate {path.name} was altered: remove the folder and train again")
    return Candidate(path, info)


def find_candidate(path: Path) -> Candidate | None:
    """Return the candidate in a folder, or None if there is none to keep."""
    try:
        return read_candidate(path)
    except ReleaseError:
        return None


def remove_unfinished(candidates: Path) -> None:
    """Remove the folders that killed runs left behind."""
    remove_folders(candidates.glob(".new-*"), candidates.parent)
