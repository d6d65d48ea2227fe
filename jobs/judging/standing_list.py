"""Releases that the standing judgement is about, and the days that each of them is judged on."""

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from antifraud.artifacts.bundle import Bundle, open_release, require_feature_set
from antifraud.artifacts.pointer import Pointer, read_pointer
from antifraud.artifacts.shelf import Entry, list_entries
from antifraud.clock import ONE_DAY, Span
from antifraud.errors import NotEnoughRows, ReleaseError
from antifraud.gate.standing import LONG_DAYS
from antifraud.keys.signing import PublicKey
from antifraud.killswitch.judgement import Role
from antifraud.killswitch.ladder import Kept, choose_ladder
from antifraud.model.evaluator import load_evaluator
from antifraud.settings.core import JobSettings
from jobs.rows.windows import Windows


@dataclass(frozen=True, slots=True)
class Listed:
    """A release to be judged; without a bundle, `trouble` says why it cannot be."""

    release: str
    role: Role
    trained: dt.date | None = None
    bundle: Bundle | None = None
    trouble: str = ""


def list_releases(settings: JobSettings, as_of: dt.date, serving: str | None = None) -> list[Listed]:
    """Return what serves, the ladder and the anchor, newest first; the list is empty if nothing was ever promoted.

    A damaged bundle might have been on the ladder, and nobody can tell any more. So each of them is listed, too.
    `serving` is the release that the switch has rolled back to.

    Raises:
        ReleaseError: The pointer cannot be read.
        SettingsError: There is no public key.
    """
    pointer = read_pointer(settings.releases_dir)
    if pointer is None:
        return []
    entries = list_entries(settings.releases_dir, PublicKey.read(settings.release_public_key_path))
    named = {each: Role.LADDER for each in (*_ladder(entries, as_of, pointer), serving) if each}
    named |= {entry.release: Role.LADDER for entry in entries if entry.trouble}
    named |= {each: role for each, role in _roles(pointer) if each}
    found = [_listed(settings, release, role) for release, role in named.items()]
    return sorted(found, key=lambda each: (str(each.trained or ""), each.release), reverse=True)


def _ladder(entries: list[Entry], as_of: dt.date, pointer: Pointer) -> list[str]:
    # A bundle that does not verify has no day.
    days = [(entry.release, _trained(entry.manifest)) for entry in entries]
    return choose_ladder([Kept(release, day) for release, day in days if day], as_of, pointer.anchor)


def _trained(manifest: Mapping[str, Any]) -> dt.date | None:
    return dt.date.fromisoformat(manifest["as_of"]) if "as_of" in manifest else None


def _roles(pointer: Pointer) -> list[tuple[str | None, Role]]:
    """Return roles in the order in which a later one replaces an earlier one."""
    return [(pointer.anchor, Role.ANCHOR), (pointer.release, Role.CHAMPION)]


def _listed(settings: JobSettings, release: str, role: Role) -> Listed:
    try:
        bundle = open_release(settings, release)
        load_evaluator(bundle)  # an unreadable model must fail here, not in the pass that scores all releases
    except ReleaseError as error:
        return Listed(release, role, trouble=f"Its bundle does not verify ({error}).")
    trained = _trained(bundle.manifest)
    try:
        require_feature_set(bundle)
    except ReleaseError as error:
        return Listed(release, role, trained, trouble=f"It cannot score today's rows ({error}).")
    return Listed(release, role, trained, bundle)


def long_span(trained: Windows, as_of: dt.date, settings: JobSettings) -> Span:
    """Return the newest matured days after a release's own certify window, at most as many as such a window has.

    Raises:
        NotEnoughRows: Fewer than `LONG_DAYS` have matured; the message says when they will have.
    """
    last = as_of - dt.timedelta(days=settings.label_delay_days)
    after = trained.certify.last + ONE_DAY
    first = max(last - dt.timedelta(days=settings.certify_days - 1), after)
    if (found := (last - first).days + 1) < LONG_DAYS:
        ready = after + dt.timedelta(days=LONG_DAYS - 1 + settings.label_delay_days)
        raise NotEnoughRows(
            f"Only {max(found, 0)} matured days lie after its certify window, which ended on {trained.certify.last}; "
            f"{LONG_DAYS} are needed, which is so after {ready}"
        )
    return Span(first, last)
