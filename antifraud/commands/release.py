"""The commands of ``python -m antifraud release``: what was promoted, is it whole, which serves, what can go."""

import argparse
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

from antifraud.artifacts.bundle import open_release, require_feature_set
from antifraud.artifacts.pointer import Pointer, activate, pin, read_pointer
from antifraud.artifacts.shelf import Entry, collect, find_bundles, list_entries, roles_of
from antifraud.errors import ReleaseError
from antifraud.keys.signing import PublicKey
from antifraud.settings.core import Settings

Environ = Mapping[str, str]
COLUMNS: Final = ("release", "role", "as of", "verdict", "threshold", "state")
SHORTEST_REASON: Final = 10
KEPT: Final = 10


def list_releases(_options: argparse.Namespace, environ: Environ) -> None:
    """List the bundles, newest first: role, day it was trained as of, verdict, threshold (ppm), state."""
    settings = Settings.from_environment(environ)
    if not any(find_bundles(settings.releases_dir)):
        _say(f"no release in {settings.releases_dir}: jobs/promote.py makes one from a candidate that passed")
        return
    rows = [_row(entry) for entry in list_entries(settings.releases_dir, _key(settings))]
    for line in table([COLUMNS, *rows]):
        _say(line)
    _say(f"\n{_serving(read_pointer(settings.releases_dir))}")


def _row(entry: Entry) -> Sequence[str]:
    shown = {name: str(entry.manifest.get(name, "-")) for name in ("as_of", "verdict")}
    threshold = entry.manifest.get("threshold")
    flagged = f"{threshold:,}" if isinstance(threshold, int) else "-"
    roles = ", ".join(entry.roles) or "-"
    return entry.release, roles, shown["as_of"], shown["verdict"], flagged, "BROKEN" if entry.trouble else "verified"


def _serving(pointer: Pointer | None) -> str:
    if pointer is None:
        return "nothing serves: the pointer was never set"
    why = f' ("{pointer.reason}")' if pointer.reason else ""
    return f"{pointer.release} serves; the pointer is at change {pointer.sequence}{why}"


def table(rows: Sequence[Sequence[str]]) -> list[str]:
    """Rows as lines with columns of equal width.

    >>> table([("a", "n"), ("bb", "1,000")])
    ['a   n', 'bb  1,000']
    """
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows]


def show_release(options: argparse.Namespace, environ: Environ) -> None:
    """Print a bundle's manifest and its roles as JSON; the model card lies beside it."""
    settings = Settings.from_environment(environ)
    bundle = open_release(settings, _one_folder(options.release))
    roles = roles_of(bundle.release, read_pointer(settings.releases_dir))
    _say(json.dumps({"release": bundle.release, "roles": roles, **bundle.manifest}, indent=2, sort_keys=True))


def verify_release(options: argparse.Namespace, environ: Environ) -> None:
    """Check the signature and every file of a bundle."""
    bundle = open_release(Settings.from_environment(environ), _one_folder(options.release))
    _say(f"{bundle.release} is signed and is what its manifest says")


def activate_release(options: argparse.Namespace, environ: Environ) -> None:
    """Point to a verified bundle, without asking the gate; dry by default.

    Shows what would change; --no-dry-run moves the pointer. `python -m jobs.promote --release` judges the release on
    today's data first, and is the better way while there is time. MLflow's aliases are left alone here;
    `python -m jobs.promote --aliases` brings them after the pointer.
    """
    settings, now, seen = _chosen(options, environ)
    _say(f"serves now: {now.release if now else 'nothing'} (change {now.sequence if now else 0})")
    if options.dry_run:
        _say(f"would serve: {options.release}; {_dry(seen)}")
        return
    key = _key(settings)
    after = activate(settings.releases_dir, options.release, key, reason=options.reason, expected_sequence=seen)
    _say(f"serves: {after.release} (change {after.sequence}), before it {after.previous}")


def pin_release(options: argparse.Namespace, environ: Environ) -> None:
    """Make a verified bundle the anchor, the long-proven release to go back to; dry by default.

    What serves goes on. `python -m jobs.promote --aliases` brings MLflow's aliases after the pointer.
    """
    settings, now, seen = _chosen(options, environ)
    _say(f"anchor now: {now.anchor if now else 'none'} (change {now.sequence if now else 0})")
    if options.dry_run:
        _say(f"would be the anchor: {options.release}; {_dry(seen)}")
        return
    key = _key(settings)
    after = pin(settings.releases_dir, options.release, key, reason=options.reason, expected_sequence=seen)
    _say(f"anchor: {after.anchor} (change {after.sequence}), {after.release} serves")


def _chosen(options: argparse.Namespace, environ: Environ) -> tuple[Settings, Pointer | None, int]:
    """Settings, pointer and the change of it that a person has seen, once reason and release are good enough."""
    if len(options.reason) < SHORTEST_REASON:
        raise ReleaseError(f"the reason has {len(options.reason)} characters: {SHORTEST_REASON} or more are expected")
    settings = Settings.from_environment(environ)
    require_feature_set(open_release(settings, _one_folder(options.release)))
    now = read_pointer(settings.releases_dir)
    found = now.sequence if now else 0
    return settings, now, found if options.expect_change is None else options.expect_change


def _dry(seen: int) -> str:
    return f"dry run, the pointer stays: add --no-dry-run --expect-change {seen}"


def collect_releases(options: argparse.Namespace, environ: Environ) -> None:
    """Remove bundles that are neither champion, previous nor anchor nor among the newest; dry by default.

    Shows what would go; --no-dry-run removes it.
    """
    settings = Settings.from_environment(environ)
    going = collect(settings.releases_dir, _key(settings), keep=options.keep, dry_run=options.dry_run)
    for release in going:
        _say(f"{'would remove' if options.dry_run else 'removed'} {release}")
    if not going:
        _say(f"nothing to remove: every bundle has a role or is among the {options.keep} newest")
    elif options.dry_run:
        _say("dry run, nothing was removed: add --no-dry-run")


def add_arguments(action: str, parser: argparse.ArgumentParser) -> None:
    """The arguments of each action."""
    if action in {"show", "verify", "activate", "pin"}:
        parser.add_argument("release", help="id of the release")
    if action in {"activate", "pin", "gc"}:
        dry = "only show what would happen (the default); --no-dry-run does it"
        parser.add_argument("--dry-run", action=argparse.BooleanOptionalAction, default=True, help=dry)
    if action in {"activate", "pin"}:
        parser.add_argument("--reason", required=True, help="why, in a sentence; kept in the pointer")
        seen = "move only if the pointer is still at this change, as the dry run showed it"
        parser.add_argument("--expect-change", type=int, help=seen)
    if action == "gc":
        parser.add_argument("--keep", type=int, default=KEPT, help=f"newest bundles to keep (default {KEPT})")


ACTIONS: Final = {
    "list": list_releases,
    "show": show_release,
    "verify": verify_release,
    "activate": activate_release,
    "pin": pin_release,
    "gc": collect_releases,
}


def _key(settings: Settings) -> PublicKey:
    return PublicKey.read(settings.release_public_key_path)


def _one_folder(release: str) -> str:
    if Path(release).name != release or release.startswith("."):
        raise ReleaseError("a release id has no slashes and no dot in front: `release list` shows the ids")
    return release


def _say(line: str) -> None:
    print(line)  # noqa: T201 a command talks to a person
