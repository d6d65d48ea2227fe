"""Releases: a bundle of files that verifies, and the one pointer that says which of them serves.

A bundle is ``releases/<id>/`` with ``manifest.json`` naming every other file and its SHA-256. It is written into a
temporary folder and renamed, so it is there whole or not at all. ``releases/pointer.json`` is replaced atomically and
is the truth; MLflow's aliases follow it.
"""

import dataclasses
import hashlib
import json
import os
import shutil
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from antifraud.errors import ReleaseError

MANIFEST: Final = "manifest.json"
POINTER: Final = "pointer.json"


@dataclass(frozen=True, slots=True)
class Pointer:
    """Which release serves (`release`), the ones to go back to, and a number that grows with every change."""

    release: str
    previous: str | None
    anchor: str | None
    sequence: int


@dataclass(frozen=True, slots=True)
class Bundle:
    """A verified bundle on disk; `manifest` is its manifest without the checksums."""

    release: str
    path: Path
    manifest: Mapping[str, Any]


def sha256_of(path: Path) -> str:
    """Hex SHA-256 of a file, read in pieces."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def write_bundle(releases: Path, release: str, files: Mapping[str, bytes], manifest: Mapping[str, Any]) -> Bundle:
    """Write a bundle; one of the same id and content that is there already is kept.

    Raises:
        ReleaseError: A bundle of this id with other content exists.
    """
    body = {
        **manifest,
        "release": release,
        "files": {name: hashlib.sha256(content).hexdigest() for name, content in sorted(files.items())},
    }
    target = releases / release
    releases.mkdir(parents=True, exist_ok=True)
    if target.exists():
        return _keep_equal(target, body)
    with tempfile.TemporaryDirectory(dir=releases, prefix=".new-") as scratch:
        building = Path(scratch) / release
        building.mkdir()
        for name, content in files.items():
            (building / name).write_bytes(content)
        (building / MANIFEST).write_text(json.dumps(body, indent=2, sort_keys=True) + "\n")
        building.rename(target)
    return verify_bundle(target)


def _keep_equal(target: Path, body: Mapping[str, Any]) -> Bundle:
    bundle = verify_bundle(target)
    if json.loads((target / MANIFEST).read_text())["files"] != body["files"]:
        raise ReleaseError(
            f"release {target.name} exists with other files: a release is never rewritten, make a new id"
        )
    return bundle


def verify_bundle(path: Path) -> Bundle:
    """Check every file of a bundle against its manifest.

    Raises:
        ReleaseError: The manifest is missing or malformed, or a file is missing, unlisted or altered.
    """
    try:
        manifest = json.loads((path / MANIFEST).read_text())
        release, files = manifest.pop("release"), manifest.pop("files")
    except (OSError, ValueError, KeyError) as error:
        raise ReleaseError(f"bundle {path.name} has no readable manifest ({error}): promote it again") from error
    if release != path.name:
        raise ReleaseError(f"bundle {path.name} says it is {release}: it was moved or renamed, promote it again")
    present = {entry.name for entry in path.iterdir()} - {MANIFEST}
    if present != set(files):
        odd = ", ".join(sorted(present ^ set(files)))
        raise ReleaseError(f"bundle {release} and its manifest disagree about {odd}: promote it again")
    for name, expected in files.items():
        if (found := sha256_of(path / name)) != expected:
            raise ReleaseError(
                f"{name} of bundle {release} has SHA-256 {found[:12]}…, its manifest says {expected[:12]}…"
            )
    return Bundle(release, path, manifest)


def find_bundle(releases: Path, release: str) -> Bundle:
    """The verified bundle of an id.

    Raises:
        ReleaseError: There is no such release, or it does not verify.
    """
    if Path(release).name != release or not (releases / release).is_dir():
        raise ReleaseError(f"there is no release {release}: `python -m antifraud release list` shows the ids")
    return verify_bundle(releases / release)


def read_pointer(releases: Path) -> Pointer | None:
    """The pointer, or None while nothing was ever promoted.

    Raises:
        ReleaseError: The pointer cannot be read as one.
    """
    try:
        return Pointer(**json.loads((releases / POINTER).read_text()))
    except FileNotFoundError:
        return None
    except (OSError, ValueError, TypeError) as error:
        raise ReleaseError(f"{releases / POINTER} is not a release pointer ({error}): run promote again") from error


def activate(releases: Path, release: str) -> Pointer:
    """Point to `release` after verifying it; what served before becomes `previous`. Twice is the same as once.

    The first release ever becomes the anchor.

    Raises:
        ReleaseError: The bundle does not verify.
    """
    verify_bundle(releases / release)
    now = read_pointer(releases)
    if now and now.release == release:
        return now
    after = Pointer(
        release=release,
        previous=now.release if now else None,
        anchor=now.anchor if now else release,
        sequence=now.sequence + 1 if now else 1,
    )
    replace_file(releases / POINTER, json.dumps(dataclasses.asdict(after), sort_keys=True))
    return after


def replace_file(path: Path, text: str) -> None:
    """Replace a small file atomically and durably; a reader sees the old or the new content, never a mixture."""
    path.parent.mkdir(parents=True, exist_ok=True)
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


def remove_unfinished(releases: Path) -> None:
    """Remove what a killed promotion left behind; finished bundles are never touched."""
    for leftover in releases.glob(".new-*"):
        shutil.rmtree(leftover)
