"""The release pointer: the one file that says which release serves, and which ones are kept to go back to.

``releases/pointer.json`` is replaced atomically and is the truth; MLflow's aliases follow it.
"""

import dataclasses
import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from antifraud.artifacts.bundle import POINTER, remove_unfinished, verify_bundle
from antifraud.errors import ReleaseError
from antifraud.files import exclusive, replace_file
from antifraud.keys.signing import PublicKey


@dataclass(frozen=True, slots=True)
class Pointer:
    """Which release serves (`release`), the ones to go back to, and a number that grows with every change.

    `reason` is what a person gave for the last change; empty after a promotion.
    """

    release: str
    previous: str | None
    anchor: str | None
    sequence: int
    reason: str = ""


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
        raise ReleaseError(
            f"{releases / POINTER} is not a release pointer ({error}): remove it, then name the release that shall "
            "serve with `python -m antifraud release activate`; it becomes the anchor, too"
        ) from error


def activate(
    releases: Path, release: str, key: PublicKey, *, reason: str = "", expected_sequence: int | None = None
) -> Pointer:
    """Point to `release` after verifying it; what served before becomes `previous`. Twice is the same as once.

    The first release ever becomes the anchor. With `expected_sequence` (0: nothing was ever promoted) the pointer
    moves only if nobody moved it since.

    Raises:
        ReleaseError: The bundle does not verify, or the pointer's sequence is not the expected one.
    """
    with _lock_verified(releases, release, key, expected_sequence) as now:
        if now is None:
            return _replace(releases, Pointer(release, None, release, 1, reason))
        if now.release == release:
            return now
        return _replace(releases, Pointer(release, now.release, now.anchor, now.sequence + 1, reason))


def pin(releases: Path, release: str, key: PublicKey, *, reason: str, expected_sequence: int | None = None) -> Pointer:
    """Make `release` the anchor after verifying it; what serves goes on. Twice is the same as once.

    Raises:
        ReleaseError: Nothing serves yet, the bundle does not verify, or the pointer's sequence is not the expected one.
    """
    with _lock_verified(releases, release, key, expected_sequence) as now:
        if now is None:
            raise ReleaseError("nothing serves yet: the first release that does becomes the anchor by itself")
        if now.anchor == release:
            return now
        after = dataclasses.replace(now, anchor=release, sequence=now.sequence + 1, reason=reason)
        return _replace(releases, after)


@contextmanager
def _lock_verified(
    releases: Path, release: str, key: PublicKey, expected_sequence: int | None
) -> Iterator[Pointer | None]:
    """Hold the folder's lock with the pointer as it is, once the release verifies and the sequence is the expected."""
    with exclusive(releases):
        remove_unfinished(releases)
        verify_bundle(releases / release, key)
        now = read_pointer(releases)
        sequence = now.sequence if now else 0
        if expected_sequence not in {None, sequence}:
            raise ReleaseError(
                f"the pointer is at change {sequence}, expected was {expected_sequence}: look again first"
            )
        yield now


def _replace(releases: Path, after: Pointer) -> Pointer:
    replace_file(releases / POINTER, json.dumps(dataclasses.asdict(after), sort_keys=True))
    return after
