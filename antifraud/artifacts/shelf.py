"""The releases folder: every bundle with its role, and the removal of bundles that nobody needs."""

import datetime as dt
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from antifraud.artifacts.bundle import MANIFEST, remove_bundle, verify_bundle
from antifraud.artifacts.pointer import Pointer, read_pointer
from antifraud.errors import ReleaseError
from antifraud.files import exclusive
from antifraud.keys.signing import PublicKey
from antifraud.killswitch.ladder import Kept, find_needed

KEEP_LEAST: Final = 1
"""Fewest bundles without a role that a clean-up keeps: the newest may be about to serve."""


@dataclass(frozen=True, slots=True)
class Entry:
    """A bundle in the folder; if it does not verify, `manifest` is empty and `trouble` says why."""

    release: str
    roles: Sequence[str]
    manifest: Mapping[str, Any]
    trouble: str = ""

    @property
    def age(self) -> tuple[str, str]:
        """Sort key: the day that the release was trained as of, then its id; a bundle without a manifest is oldest."""
        return str(self.manifest.get("as_of", "")), self.release


def roles_of(release: str, pointer: Pointer | None) -> list[str]:
    """Return the roles that the pointer gives a release, the strongest first.

    >>> roles_of("a", Pointer(release="b", previous="a", anchor="a", sequence=2))
    ['previous', 'anchor']
    """
    named = {"champion": pointer.release, "previous": pointer.previous, "anchor": pointer.anchor} if pointer else {}
    return [role for role, named_release in named.items() if named_release == release]


def find_bundles(releases: Path) -> list[Path]:
    """Return the folders of all bundles, damaged ones included."""
    # A leading dot marks folders that are being built or removed.
    return [path.parent for path in releases.glob(f"[!.]*/{MANIFEST}")]


def list_entries(releases: Path, key: PublicKey) -> list[Entry]:
    """Verify every bundle and return all of them, newest first, damaged ones included."""
    pointer = read_pointer(releases)
    listed = [_read_entry(path, pointer, key) for path in find_bundles(releases)]
    return sorted(listed, key=lambda entry: entry.age, reverse=True)


def _read_entry(path: Path, pointer: Pointer | None, key: PublicKey) -> Entry:
    roles = roles_of(path.name, pointer)
    try:
        return Entry(path.name, roles, verify_bundle(path, key).manifest)
    except ReleaseError as error:
        return Entry(path.name, roles, {}, str(error))


def collect(
    releases: Path,
    key: PublicKey,
    *,
    keep: int,
    today: dt.date,
    find_in_use: Callable[[], Collection[str]],
    dry_run: bool,
) -> list[str]:
    """Remove the bundles that nobody needs, and return their ids, newest first; with `dry_run` nothing is removed.

    A bundle stays if it has a role, is among the `keep` newest, is needed by the ladder, or if `find_in_use`, which
    asks the scorer's switch, names it. `today` is the newest day that is over.

    Raises:
        ReleaseError: `keep` is below `KEEP_LEAST`, or pointer or switch cannot be read: nothing is removed then.
    """
    if keep < KEEP_LEAST:
        raise ReleaseError(f"{keep} bundles to keep: expected {KEEP_LEAST} or more, one may be about to serve")
    # Choice and removal share the lock: in between, a promotion could give one of the bundles a role, and a roll-back
    # could put one into service (`serving/api/switch.py` takes the lock, too).
    with exclusive(releases):
        entries = list_entries(releases, key)
        staying = {entry.release for entry in entries if entry.roles} | _find_steps(entries, today) | {*find_in_use()}
        going = [entry.release for entry in entries[keep:] if entry.release not in staying]
        for release in going if not dry_run else ():
            remove_bundle(releases, release)
    return going


def _find_steps(entries: Sequence[Entry], today: dt.date) -> set[str]:
    """Return the bundles that the ladder needs; the anchor stays by its role."""
    # A bundle that does not verify has no day, and cannot serve.
    aged = [(entry.release, entry.manifest.get("as_of")) for entry in entries]
    return find_needed([Kept(release, dt.date.fromisoformat(day)) for release, day in aged if day], today, None)
