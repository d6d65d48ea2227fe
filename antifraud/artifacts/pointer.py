"""The release pointer: the one file that says which release serves, and which releases are kept to go back to.

``releases/pointer.json`` is replaced atomically. MLflow's aliases are copies: where they differ, the file is right.
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
from antifraud.killswitch.champion import Begun, choose_champion


@dataclass(frozen=True, slots=True)
class Pointer:
    """The release that serves, and the releases to go back to.

    Attributes:
        release: The champion, which serves.
        previous: The release that served before.
        anchor: The long-proven release.
        sequence: Number of changes so far.
        reason: Why a person made the last change; empty after a promotion.
        seen_epoch: Epoch at which the promotion had read the scorer's switch; None after a change by a person, or if
            no scorer was asked.
    """

    release: str
    previous: str | None
    anchor: str | None
    sequence: int
    reason: str = ""
    seen_epoch: int | None = None


def read_pointer(releases: Path) -> Pointer | None:
    """Return the pointer; None if no release was ever promoted.

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


def find_champion(pointer: Pointer | None, switch: Begun) -> str | None:
    """Return the release that serves unless the switch names another one; None if nothing was ever promoted."""
    return choose_champion(switch, pointer.release, pointer.seen_epoch) if pointer else None


def read_champion(releases: Path, switch: Begun) -> str | None:
    """Return `find_champion` of the pointer as it is now; None also if nobody can read it, as workers report."""
    try:
        return find_champion(read_pointer(releases), switch)
    except ReleaseError:
        return None


def activate(
    releases: Path,
    release: str,
    key: PublicKey,
    *,
    reason: str = "",
    expected_sequence: int | None = None,
    seen_epoch: int | None = None,
) -> Pointer:
    """Verify `release` and point to it; the release that served before becomes `previous`. The change is idempotent.

    The first release ever becomes the anchor. With `expected_sequence` (0: nothing was ever promoted) the pointer
    changes only if nobody has changed it since. A promotion says at which epoch it has seen the switch.

    Raises:
        ReleaseError: The bundle does not verify, or the pointer's sequence is not the expected one.
    """
    with _lock_verified(releases, release, key, expected_sequence) as now:
        if now is None:
            return _replace(releases, Pointer(release, None, release, 1, reason, seen_epoch))
        # A repeated promotion must not raise the sequence, or a person who has just read it would be refused.
        if now.release == release:
            after = dataclasses.replace(now, seen_epoch=seen_epoch)
            return now if after == now else _replace(releases, after)
        return _replace(releases, Pointer(release, now.release, now.anchor, now.sequence + 1, reason, seen_epoch))


def put_back(releases: Path, before: Pointer, *, expected_sequence: int) -> Pointer:
    """Point to what was there `before` a promotion that came too late, unless somebody has changed the pointer since.

    Raises:
        ReleaseError: Somebody has.
    """
    with exclusive(releases):
        now = _require_sequence(read_pointer(releases), expected_sequence)
        return _replace(releases, dataclasses.replace(before, sequence=now.sequence + 1 if now else 1))


def pin(releases: Path, release: str, key: PublicKey, *, reason: str, expected_sequence: int | None = None) -> Pointer:
    """Verify `release` and make it the anchor; the serving release does not change. The change is idempotent.

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
    """Hold the folder's lock and yield the present pointer, if the release verifies and the sequence is as expected."""
    with exclusive(releases):
        # The lock is ours, so whatever a killed process left behind can go.
        remove_unfinished(releases)
        verify_bundle(releases / release, key)
        yield _require_sequence(read_pointer(releases), expected_sequence)


def _require_sequence(now: Pointer | None, expected: int | None) -> Pointer | None:
    sequence = now.sequence if now else 0
    if expected not in {None, sequence}:
        raise ReleaseError(f"the pointer is at change {sequence}, but {expected} was expected: read it again first")
    return now


def _replace(releases: Path, after: Pointer) -> Pointer:
    replace_file(releases / POINTER, json.dumps(dataclasses.asdict(after), sort_keys=True))
    return after
