"""Releases as signed bundles of files (`antifraud/artifacts/pointer.py` says which of them serves).

A bundle is the folder ``releases/<id>/``. Its ``manifest.json`` names every other file with its SHA-256, and
``manifest.sig`` is the signature of the manifest. A bundle is written into a temporary folder and then renamed, so that
it is never there in part. Every process that changes the releases folder holds ``releases/.lock``; the system releases
the lock when the process dies.
"""

import hashlib
import json
import os
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from antifraud.errors import ReleaseError
from antifraud.features.registry import feature_set_hash
from antifraud.files import exclusive, remove_folders, require_below, sync_folder
from antifraud.keys.signing import PublicKey, SigningKey
from antifraud.settings.core import Settings

MANIFEST: Final = "manifest.json"
SIGNATURE: Final = "manifest.sig"
POINTER: Final = "pointer.json"
REGISTRATION: Final = "store.json"
"""File in the releases folder that names the scorer's decision store."""
UNFINISHED: Final = ".new-"
"""Prefix of folders that are being built or removed; no reader looks at them."""


@dataclass(frozen=True, slots=True)
class Bundle:
    """A verified bundle.

    Attributes:
        release: Its id.
        path: Its folder; read a file's content with `read`, because a file could change after its verification.
        manifest: Its manifest without the checksums.
        files: The content that was verified, by file name.
    """

    release: str
    path: Path
    manifest: Mapping[str, Any]
    files: Mapping[str, bytes] = field(repr=False)

    def read(self, name: str) -> bytes:
        """Return the verified content of a file.

        Raises:
            ReleaseError: The bundle has no such file.
        """
        if name not in self.files:
            raise ReleaseError(f"release {self.release} has no {name} in its bundle: promote a newer candidate")
        return self.files[name]

    def read_text(self, name: str) -> str:
        """Return the verified content of a file as text.

        Raises:
            ReleaseError: The bundle has no such file, or its content is not text in UTF-8.
        """
        try:
            return self.read(name).decode()
        except UnicodeDecodeError as error:
            raise ReleaseError(f"{name} of release {self.release} is not text ({error}): promote it again") from error


def write_bundle(
    releases: Path, release: str, files: Mapping[str, bytes], manifest: Mapping[str, Any], key: SigningKey
) -> Bundle:
    """Write and sign a bundle.

    An existing bundle of the same id and content is kept; a damaged one is replaced.

    Raises:
        ReleaseError: A bundle of this id with other content exists.
    """
    sums = {name: hashlib.sha256(content).hexdigest() for name, content in sorted(files.items())}
    # Sorted, so that equal content has equal bytes and a promotion can be repeated.
    text = json.dumps({**manifest, "release": release, "files": sums}, indent=2, sort_keys=True) + "\n"
    signed = {MANIFEST: text.encode(), SIGNATURE: key.sign(text.encode())}
    with exclusive(releases):
        remove_unfinished(releases)
        # A damaged bundle serves nobody, and keeping it would block the same candidate for good.
        if (releases / release).exists() and not _verifies(releases / release, key.public):
            remove_bundle(releases, release)
        if not (releases / release).exists():
            _build(releases / release, {**files, **signed})
    bundle = verify_bundle(releases / release, key.public)
    if (bundle.path / MANIFEST).read_text() != text:
        raise ReleaseError(f"release {release} exists with other content: a release is never rewritten, make a new id")
    return bundle


def _build(target: Path, files: Mapping[str, bytes]) -> None:
    with tempfile.TemporaryDirectory(dir=target.parent, prefix=UNFINISHED) as scratch:
        building = Path(scratch) / target.name
        building.mkdir()
        for name, content in files.items():
            with (building / name).open("wb") as file:
                file.write(content)
                # On the disk before the rename: after a power cut a bundle is whole or not there.
                file.flush()
                os.fsync(file.fileno())
        sync_folder(building)
        building.rename(target)
        sync_folder(target.parent)


def open_release(settings: Settings, release: str) -> Bundle:
    """Return the verified bundle of a release, by the folder and the public key of the settings.

    Raises:
        ReleaseError: There is no such release, or it does not verify.
        SettingsError: There is no public key.
    """
    if Path(release).name != release or not (settings.releases_dir / release).is_dir():
        raise ReleaseError(f"there is no release {release}: `python -m antifraud release list` shows the ids")
    return verify_bundle(settings.releases_dir / release, PublicKey.read(settings.release_public_key_path))


def verify_bundle(path: Path, key: PublicKey) -> Bundle:
    """Check the signature of a bundle's manifest, and every file against the manifest.

    Raises:
        ReleaseError: The bundle is unsigned or signed by another key, its manifest is missing or malformed, or a file
            is missing, unlisted or altered.
    """
    manifest = _read_signed_manifest(path, key)
    release, files = manifest.pop("release", None), manifest.pop("files", None)
    if release != path.name or not isinstance(files, dict):
        raise ReleaseError(f"bundle {path.name} says it is {release}: it was moved or renamed, promote it again")
    # A slash marks links and folders, so that no name in the manifest can match them: a link could change later.
    present = {
        entry.name if entry.is_file() and not entry.is_symlink() else f"{entry.name}/" for entry in path.iterdir()
    }
    if present != {*files, MANIFEST, SIGNATURE}:
        odd = ", ".join(sorted(present ^ {*files, MANIFEST, SIGNATURE}))
        raise ReleaseError(f"bundle {release} and its manifest disagree about {odd}: promote it again")
    return Bundle(release, path, manifest, {name: _read_verified(path / name, sha) for name, sha in files.items()})


def _read_verified(path: Path, expected: str) -> bytes:
    """Read a file once and return it if it has the expected SHA-256: what is used later are these very bytes."""
    try:
        content = path.read_bytes()
    except OSError as error:
        raise ReleaseError(
            f"{path.name} of bundle {path.parent.name} cannot be read ({error.strerror}): promote it again"
        ) from error
    if (actual := hashlib.sha256(content).hexdigest()) != expected:
        raise ReleaseError(
            f"{path.name} of bundle {path.parent.name} has SHA-256 {actual[:12]}…, its manifest says {expected[:12]}…: "
            "go back to another release or promote it again"
        )
    return content


def _verifies(path: Path, key: PublicKey) -> bool:
    try:
        verify_bundle(path, key)
    except ReleaseError:
        return False
    return True


def _read_signed_manifest(path: Path, key: PublicKey) -> dict[str, Any]:
    try:
        content, signature = (path / MANIFEST).read_bytes(), (path / SIGNATURE).read_bytes()
    except OSError as error:
        missing = Path(str(error.filename)).name
        raise ReleaseError(f"bundle {path.name} has no readable {missing}: it is not a signed release") from error
    try:
        key.check(content, signature)
        manifest: dict[str, Any] = json.loads(content)
    except ReleaseError as error:
        raise ReleaseError(f"bundle {path.name} is refused: {error}; promote it where the signing key is") from error
    return manifest


def require_feature_set(bundle: Bundle) -> None:
    """Refuse a release that was trained on other features than this code computes.

    Raises:
        ReleaseError: This code can neither serve nor judge the release.
    """
    if (theirs := bundle.manifest.get("feature_set")) != (ours := feature_set_hash()):
        raise ReleaseError(
            f"release {bundle.release} needs feature set {theirs}, this code has {ours}: "
            "run the version it was made with, or train a new release"
        )


def remove_unfinished(releases: Path) -> None:
    """Remove what killed processes left behind. Call it under the lock: then no live process uses any of it."""
    files = list(releases.glob(f".{POINTER}-*"))
    require_below(releases.parent, files)
    remove_folders(releases.glob(f"{UNFINISHED}*"), releases.parent)
    for file in files:
        file.unlink()


def remove_bundle(releases: Path, release: str) -> None:
    """Remove a bundle; call it under the lock."""
    require_below(releases.parent, [releases / release])
    # Renamed first: a kill half way must not leave a folder that looks like a bundle.
    remove_folders([(releases / release).rename(releases / f"{UNFINISHED}{release}")], releases.parent)
